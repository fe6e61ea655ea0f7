"""Variants with the same tensors under the same names become one model, unless something stands against it.

What stands against it is kept beside the relation, so that a person sees why and can decide.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from blake3 import blake3
from django.db import connection
from django.db.models import Count

from catalog.models import Decision, FormerName, Match, ModelHash, ModelRecord, Preference, Variant
from catalog.services import findings, totals
from catalog.services.identity import rejections
from catalog.services.identity.holding import hold_homes, live
from catalog.services.identity.uniting import unite
from catalog.storage.keys import path_key
from catalog.vocabulary import Algorithm, Certainty, DecisionKind, FindingCode, Kind, Obstacle, Outcome, Relation

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Sequence
    from uuid import UUID

RULE = Relation.SAME_TENSORS.value
ASK = f"ask:{RULE}"
"""The site's setting by which this rule only proposes."""

_NOTHING = blake3(b"isotope/tensors/v1\0").digest()
_UNSOUND = frozenset({Outcome.INVALID.value, Outcome.SUSPICIOUS.value, Outcome.UNSAFE.value})


def join_same_tensors(*, variants: Sequence[Variant]) -> list[Decision]:
    """Joins the models of variants whose `tensors:v1` was just stored with those that have the same.

    To be called at the end of the transaction that stores content and digests. Of each pair that was looked at a
    relation is kept, whether joined or not. What was joined, in order.
    """
    fresh = {variant.merged_into_id or variant.pk for variant in variants}
    digests = _digests(fresh)
    hold(digests)
    families = _families(digests)
    if not families:
        return []
    scene = _Scene.of(families, asked=_asked())
    for family in scene.families(families):
        for variant in family.members:
            if variant.pk in fresh:
                _place(variant, family, scene)
    _keep_matches(scene.matches.values())
    return scene.decisions


def hold(digests: Iterable[bytes]) -> None:
    """One transaction at a time per digest: of two that store the same, the second one sees the rows of the first.

    A transaction that locks rows before it joins takes these first, so that two of them never wait for each other.
    """
    keys = sorted({int.from_bytes(digest[:8], "little", signed=True) for digest in digests})
    if keys:
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_advisory_xact_lock(key) FROM unnest(%s::bigint[]) key", [keys])


@dataclass(slots=True)
class _Family:
    """Live variants with one tensors digest, by number."""

    digest: bytes
    tensors: int
    members: list[Variant]


@dataclass(slots=True)
class _Scene:
    """The locked models, and what has become of them so far."""

    models: dict[UUID, ModelRecord]
    variants: dict[UUID, Variant]
    asked: bool
    decisions: list[Decision] = field(default_factory=list)
    matches: dict[tuple[UUID, UUID], Match] = field(default_factory=dict)

    @classmethod
    def of(cls, found: dict[bytes, dict[UUID, int]], *, asked: bool) -> _Scene:
        variants, models = hold_homes({pk for members in found.values() for pk in members})
        return cls(models, {variant.pk: variant for variant in variants}, asked)

    def families(self, found: dict[bytes, dict[UUID, int]]) -> list[_Family]:
        return [
            _Family(digest, max(members.values()), [row for pk, row in self.variants.items() if pk in members])
            for digest, members in sorted(found.items())
        ]

    def home(self, variant: Variant) -> ModelRecord:
        return live(variant.model_id, self.models)

    def joined(self, model: ModelRecord, into: ModelRecord, decision: Decision) -> None:
        for row in self.models.values():
            if model.pk in {row.pk, row.merged_into_id}:
                row.merged_into = into
        self.decisions.append(decision)

    def homes(self, variants: Iterable[Variant]) -> dict[UUID, list[Variant]]:
        groups: dict[UUID, list[Variant]] = {}
        for variant in variants:
            groups.setdefault(self.home(variant).pk, []).append(variant)
        return groups


def _digests(ids: Collection[UUID]) -> set[bytes]:
    rows = ModelHash.objects.filter(variant__in=ids, file=None, algorithm=Algorithm.TENSORS)
    return {bytes(digest) for digest in rows.values_list("digest", flat=True)} - {_NOTHING}


def _families(digests: Collection[bytes]) -> dict[bytes, dict[UUID, int]]:
    """By digest the variants that have it and their number of tensors; only where they are several."""
    known = ModelHash.objects.filter(algorithm=Algorithm.TENSORS, file=None)
    several = known.filter(digest__in=digests).values("digest").annotate(count=Count("pk")).filter(count__gt=1)
    shared = list(several.values_list("digest", flat=True))
    if not shared:
        return {}
    rows = known.filter(digest__in=shared, variant__merged_into=None).values_list(
        "digest", "variant", "variant__tensor_index__tensors", "variant__parameters"
    )
    found: dict[bytes, dict[UUID, int]] = {}
    for digest, variant, tensors, values in rows:
        if tensors is None or values > 0:  # tensors without values prove nothing
            found.setdefault(bytes(digest), {})[variant] = tensors or 0
    return {digest: members for digest, members in found.items() if len(members) > 1}


def _asked() -> bool:
    return Preference.objects.filter(key=ASK, value=True).exists()


def _place(variant: Variant, family: _Family, scene: _Scene) -> None:
    """Joins the variant's model with each of the others in turn, the touched first, then by number."""
    homes = scene.homes(other for other in family.members if other.pk != variant.pk)
    own = homes.pop(scene.home(variant).pk, [])
    if own:
        _note(variant, own[0], family, scene, None)
    fitting = _fitting(variant, homes)
    for pk in sorted(homes, key=lambda pk: (not scene.models[pk].touched, scene.models[pk].number)):
        theirs = scene.models[pk]
        ours = scene.home(variant)
        members = scene.homes(family.members)[ours.pk]
        obstacle = _obstacle(members, homes[pk], scene) if pk in fitting else Obstacle.AMBIGUOUS
        _note(variant, homes[pk][0], family, scene, obstacle)
        if obstacle is None:
            _join(ours, theirs, variant, family, scene)


def _fitting(variant: Variant, homes: dict[UUID, list[Variant]]) -> set[UUID]:
    """Of models that are not the same, only the one whose place the variant took may have it."""
    if len(homes) < 2 or rejections.first_between(list(homes.values())) is None:
        return set(homes)
    places = {(place.library_id, path_key(bytes(place.path))) for place in variant.locations.all()}
    return {pk for pk, members in homes.items() if _were_at(members, places)}


def _were_at(members: Collection[Variant], places: Collection[tuple[int, bytes]]) -> bool:
    rows = FormerName.objects.filter(variant__in=members).values_list("library", "path_key")
    return any((library, bytes(key)) in places for library, key in rows)


def _obstacle(ours: Sequence[Variant], theirs: Sequence[Variant], scene: _Scene) -> Obstacle | None:
    """What stands against joining, the gravest first."""
    left, right = scene.home(ours[0]), scene.home(theirs[0])
    both = [*ours, *theirs]
    if all(_unsound(variant) for variant in ours) or all(_unsound(variant) for variant in theirs):
        return Obstacle.UNSOUND
    if len({_kind(variant, scene) for variant in both} - {Kind.UNKNOWN.value}) > 1:
        return Obstacle.KINDS
    if any(differing(one, other) for one in ours for other in theirs):
        return Obstacle.SETTINGS
    if rejections.stand_between(*(Variant.objects.filter(model=home, merged_into=None) for home in (left, right))):
        return Obstacle.REJECTED
    if left.touched and right.touched:
        return Obstacle.TOUCHED
    return Obstacle.ASKED if scene.asked else None


def differing(left: Variant, right: Variant) -> list[str]:
    """The settings that both state, and state differently."""
    return sorted(name for name in left.settings.keys() & right.settings if left.settings[name] != right.settings[name])


def _unsound(variant: Variant) -> bool:
    return variant.outcome in _UNSOUND


def _kind(variant: Variant, scene: _Scene) -> str:
    """What a person said of the model, else what the file says."""
    home = scene.home(variant)
    if "kind" in home.edited or variant.kind == Kind.UNKNOWN:
        return home.kind
    return variant.kind


def _note(variant: Variant, other: Variant, family: _Family, scene: _Scene, obstacle: Obstacle | None) -> None:
    """Keeps the relation; if settings differ, somebody has to look at it."""
    left, right = sorted((variant, other), key=lambda one: one.pk)
    evidence = {"tensors": family.tensors, "parameters": variant.parameters, "digest": family.digest.hex()}
    if obstacle is not None:
        evidence["obstacle"] = obstacle.value
    scene.matches.setdefault(
        (left.pk, right.pk),
        Match(
            left=left,
            right=right,
            relation=Relation.SAME_TENSORS,
            certainty=Certainty.PROVEN,
            algorithm=Algorithm.TENSORS,
            evidence=evidence,
        ),
    )
    if obstacle is Obstacle.SETTINGS:
        stated = ", ".join(differing(variant, other))
        findings.raise_finding(
            code=FindingCode.SETTINGS_DIFFER,
            params={"other": str(scene.home(other)), "setting": stated},
            variant=variant,
        )


def _join(ours: ModelRecord, theirs: ModelRecord, variant: Variant, family: _Family, scene: _Scene) -> None:
    """The touched one stays, else the older one."""
    into, model = sorted((ours, theirs), key=lambda one: (not one.touched, one.number))
    image = unite(models=[model], into=into)
    decision = Decision.objects.create(
        kind=DecisionKind.JOIN,
        rule=RULE,
        before=image.written() | {"variant": str(variant.pk), "digest": family.digest.hex()},
    )
    decision.models_touched.set(ModelRecord.objects.filter(pk__in={*image.models(), into.pk, model.pk}))
    scene.joined(model, into, decision)
    if not {"kind", "base"}.isdisjoint(into.edited):
        totals.stale_of([into.pk])


def _keep_matches(matches: Iterable[Match]) -> None:
    rows = sorted(matches, key=lambda match: (match.left_id, match.right_id))
    Match.objects.bulk_create(
        rows,
        update_conflicts=True,
        unique_fields=["left", "right"],
        update_fields=["relation", "certainty", "algorithm", "evidence"],
    )
