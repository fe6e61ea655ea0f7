"""Variants and the relations between them as rows, for tests of what becomes of them."""

from __future__ import annotations

import itertools
from typing import TYPE_CHECKING

from catalog.models import Component, ComponentKey, Match, ModelHash, ModelRecord, Variant
from catalog.services.identity import joining
from catalog.vocabulary import Certainty, Direction, Relation
from tests import rows

if TYPE_CHECKING:
    from uuid import UUID

    from catalog.models import Decision

_DIGEST = itertools.count(1)


def variant(name: str, **fields: object) -> Variant:
    """A hashed variant on disk, in a model of its own, with tensors of its own."""
    made = rows.variant(name)
    made.content = name.encode().ljust(32, b"\0")
    made.parameters = 1000
    for field, value in fields.items():
        setattr(made, field, value)
    made.save()
    rows.location(made, f"{name}.safetensors".encode())
    for algorithm in ("tensors:v1", "weights:v1"):
        digests(made, {algorithm: fresh_digest()})
    return made


def fresh_digest() -> bytes:
    """One that nothing else has."""
    return next(_DIGEST).to_bytes(32, "big")


def digests(of: Variant, found: dict[str, bytes]) -> None:
    """Digests of the whole, over what it had."""
    for algorithm, digest in found.items():
        ModelHash.objects.update_or_create(variant=of, file=None, algorithm=algorithm, defaults={"digest": digest})


def exact_key(of: Variant, key: UUID) -> None:
    """The exact key of its one component."""
    part, _ = Component.objects.get_or_create(
        variant=of, name="", algorithm="parts:v1", defaults={"tensors": 3, "values": 1000}
    )
    ComponentKey.objects.create(component=part, kind=1, key=key)


def gone(of: Variant) -> Variant:
    """Its bytes are nowhere any more."""
    of.locations.update(state="missing")
    return of


def related(
    left: Variant,
    right: Variant,
    relation: Relation,
    certainty: Certainty = Certainty.PROVEN,
    *,
    made: Variant | None = None,
    **evidence: object,
) -> Match:
    """What `left` is to `right`. `made` is the one of the two that is made of the other."""
    if right.pk < left.pk:
        left, right = right, left
        relation = {Relation.PART_OF: Relation.CONTAINS, Relation.CONTAINS: Relation.PART_OF}.get(relation, relation)
    direction = Direction.NONE
    if made is not None:
        direction = Direction.LEFT_FROM_RIGHT if made == left else Direction.RIGHT_FROM_LEFT
    told = {"places": True, "proven": 0.0, "by_key": 0.0, "settings": [], **evidence}
    return Match.objects.create(
        left=left,
        right=right,
        relation=relation,
        certainty=certainty,
        algorithm="match:v1",
        direction=direction,
        evidence=told,
    )


def rounding(of: Variant, made: Variant, certainty: Certainty = Certainty.PROVEN, **evidence: object) -> Match:
    """`made` is the exact rounding of the other."""
    return related(of, made, Relation.OTHER_PRECISION, certainty, made=made, **evidence)


def join(*matches: Match) -> list[Decision]:
    """What the rules make of them."""
    return joining.join(matches)


def home(of: Variant) -> ModelRecord:
    """The live model that it is in."""
    return Variant.objects.select_related("model").get(pk=of.pk).model


def touch(of: Variant) -> None:
    """A person edited its model."""
    ModelRecord.objects.filter(pk=home(of).pk).update(touched=True)


def told(match: Match) -> tuple[str | None, bool]:
    """What stands against joining, and whether a person is asked."""
    evidence = Match.objects.get(pk=match.pk).evidence
    return evidence.get("obstacle"), evidence.get("proposed", False)
