""" "Not the same": what it is bound to, whether it stands between groups, and when it ends.

A rejection names a pair of what outlives a header edit or a rename: the strongest basis at hand, smaller first. It
stands as long as it is not closed, and between any two members it keeps their groups apart.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, NamedTuple
from uuid import UUID

from blake3 import blake3
from django.db.models import Q

from catalog.models import Decision, ModelHash, Variant
from catalog.vocabulary import Algorithm, Basis, DecisionKind

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping, Sequence

    from django.contrib.auth.models import AbstractBaseUser, AnonymousUser
    from django.db.models import QuerySet

Handles = dict[Basis, bytes]
"""What a variant can be bound by."""


class Pair(NamedTuple):
    """Two values of one basis that stand for different models, smaller first."""

    basis: Basis
    left: bytes
    right: bytes


def stand_between(left_variants: Collection[Variant], right_variants: Collection[Variant]) -> bool:
    """Was any of the one group decided to be not the same as any of the other?"""
    return first_between((left_variants, right_variants)) is not None


def first_between(groups: Sequence[Collection[Variant]]) -> Decision | None:
    """The oldest rejection that keeps two of the groups apart."""
    held = handles([variant for group in groups for variant in group])
    owners: dict[tuple[str, bytes], set[int]] = {}
    for number, group in enumerate(groups):
        for variant in group:
            for handle in held[variant.pk].items():
                owners.setdefault(handle, set()).add(number)
    values = {value for _, value in owners}
    for row in _standing().filter(left__in=values, right__in=values).order_by("pk"):
        left = owners.get((row.basis, bytes(row.left or b"")), set())
        right = owners.get((row.basis, bytes(row.right or b"")), set())
        if left and right and len(left | right) > 1:
            return row
    return None


def pairs_among(variants: Collection[Variant]) -> set[frozenset[UUID]]:
    """All pairs of them that were decided to be not the same."""
    owners: dict[tuple[str, bytes], set[UUID]] = {}
    for pk, held in handles(variants).items():
        for handle in held.items():
            owners.setdefault(handle, set()).add(pk)
    values = {value for _, value in owners}
    return {
        frozenset({left, right})
        for row in _standing().filter(left__in=values, right__in=values)
        for left in owners.get((row.basis, bytes(row.left or b"")), ())
        for right in owners.get((row.basis, bytes(row.right or b"")), ())
        if left != right
    }


def bind(left: Variant, right: Variant) -> Pair:
    """The strongest basis that both have and that tells them apart."""
    held = handles([left, right])
    return _pair(held[left.pk], held[right.pk])


def reject(
    pairs: Iterable[tuple[Variant, Variant]], *, user: AbstractBaseUser | AnonymousUser | None, rule: str, reason: str
) -> list[Decision]:
    """Writes a rejection for each pair that has none yet."""
    couples = list(pairs)
    held = handles({variant.pk: variant for couple in couples for variant in couple}.values())
    wanted = {_pair(held[left.pk], held[right.pk]) for left, right in couples}
    there = {
        (row.basis, bytes(row.left or b""), bytes(row.right or b""))
        for row in _standing().filter(left__in={pair.left for pair in wanted})
    }
    return Decision.objects.bulk_create(
        Decision(
            kind=DecisionKind.NOT_SAME,
            actor_id=user.pk if user is not None else None,
            rule=rule,
            reason=reason,
            basis=pair.basis,
            left=pair.left,
            right=pair.right,
        )
        for pair in sorted(wanted)
        if pair not in there
    )


def rebind(variant: Variant) -> int:
    """Once its content and digests are stored: rejections bound to its id are bound to what is stronger now.

    Those against a variant without content wait for that one's. How many were bound anew.
    """
    changed = 0
    now = Variant.objects.get(pk=variant.pk)
    for row in _bound_to_id(now):
        other = _other(row, now)
        if now.content is None or other is None or other.content is None or other.pk == now.pk:
            continue
        pair = bind(now, other)
        row.basis, row.left, row.right = pair
        row.save(update_fields=["basis", "left", "right"])
        changed += 1
    return changed


def handles(variants: Iterable[Variant]) -> Mapping[UUID, Handles]:
    """All that each variant can be bound by, in two statements at most."""
    rows = {variant.pk: variant for variant in variants}
    held: dict[UUID, Handles] = {pk: {} for pk in rows}
    wanted = (Algorithm.WEIGHTS, Algorithm.TENSORS)
    hashes = ModelHash.objects.filter(variant__in=rows, file=None, algorithm__in=wanted)
    for pk, algorithm, digest in hashes.values_list("variant", "algorithm", "digest"):
        if algorithm == Algorithm.WEIGHTS:
            held[pk][Basis.WEIGHTS] = bytes(digest)
        else:
            held[pk][Basis.TENSORS] = _with_settings(bytes(digest), rows[pk])
    for pk, variant in rows.items():
        if variant.content is not None:
            held[pk][Basis.CONTENT] = bytes(variant.content)
        held[pk][Basis.VARIANT] = pk.bytes
    return held


def _pair(left: Handles, right: Handles) -> Pair:
    for basis in Basis:
        if basis in left and basis in right and left[basis] != right[basis]:
            return Pair(basis, *sorted((left[basis], right[basis])))
    raise ValueError("a variant cannot be different from itself")


def _with_settings(digest: bytes, variant: Variant) -> bytes:
    """One value for the tensors digest with the settings, which give equal tensors another meaning."""
    stated = json.dumps(variant.settings, sort_keys=True, separators=(",", ":"))
    return blake3(b"isotope/rejection/v1\0" + digest + stated.encode()).digest()


def _standing() -> QuerySet[Decision]:
    return Decision.objects.filter(kind=DecisionKind.NOT_SAME, closed_at=None)


def _bound_to_id(variant: Variant) -> QuerySet[Decision]:
    own = variant.pk.bytes
    return _standing().filter(Q(left=own) | Q(right=own), basis=Basis.VARIANT).order_by("pk")


def _other(row: Decision, variant: Variant) -> Variant | None:
    """The variant at the other end, or what it was absorbed into."""
    end = next((end for end in (row.left, row.right) if bytes(end or b"") != variant.pk.bytes), None)
    if end is None:
        return None
    found = Variant.objects.select_related("merged_into").filter(pk=UUID(bytes=bytes(end))).first()
    return found.merged_into or found if found is not None else None
