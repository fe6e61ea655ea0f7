"""What stands against two models becoming one by themselves: what a person said first, then the gravest."""

from __future__ import annotations

from typing import TYPE_CHECKING

from catalog.services.identity import rejections
from catalog.services.identity.chains import lies
from catalog.services.identity.declared import declared_by
from catalog.services.identity.rules import NEARLY_ALL, Answer
from catalog.services.matching.subjects import UNSOUND
from catalog.vocabulary import Kind, Obstacle, Relation

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Sequence
    from uuid import UUID

    from catalog.models import Match, Variant
    from catalog.services.identity.rules import Row
    from catalog.services.identity.scene import Scene

NEVER_PROPOSED = frozenset({Obstacle.REJECTED, Obstacle.AMBIGUOUS})
"""A person has spoken: nobody is asked again."""


def obstacle(match: Match, row: Row, scene: Scene, asking: Collection[str]) -> Obstacle | None:
    """Why the models of the two may not become one by themselves; None when they may.

    The two are members of the scene, and of different models.
    """
    left, right = (scene.members[pk] for pk in (match.left_id, match.right_id))
    ours, theirs = (scene.of_model(scene.home(one.pk)) for one in (left, right))
    if rejections.stand_between(ours, theirs):
        return Obstacle.REJECTED
    kin = [_kin(one, group, scene) for one, group in ((left, ours), (right, theirs))]
    if any(one.outcome in UNSOUND for one in (left, right)):
        return Obstacle.UNSOUND
    if len({_kind(one, scene) for group in kin for one in group} - {Kind.UNKNOWN.value}) > 1:
        return Obstacle.KINDS
    if match.evidence.get("settings") or settings_that_differ(*kin):
        return Obstacle.SETTINGS
    return _of_the_weights(match, row, scene, (ours, theirs)) or _of_the_models(match, row, scene, asking)


def stated_differently(match: Match, scene: Scene) -> list[str]:
    """The settings that stand against the match: stated differently by the two, or by any of those like them."""
    left, right = (scene.members[pk] for pk in (match.left_id, match.right_id))
    own = settings_that_differ([left], [right]) or list(match.evidence.get("settings", []))
    kin = (_kin(one, scene.of_model(scene.home(one.pk)), scene) for one in (left, right))
    return own or settings_that_differ(*kin)


def settings_that_differ(ours: Iterable[Variant], theirs: Iterable[Variant]) -> list[str]:
    """The settings that one of each group states, and states differently."""
    others = list(theirs)
    return sorted({name for one in ours for other in others for name in _differing(one, other)})


def _kin(of: Variant, group: Sequence[Variant], scene: Scene) -> list[Variant]:
    """Those of its model that are like it: a person may have put quite other ones beside them."""
    found = scene.bonds.kin(of.pk, [one.pk for one in group])
    return [one for one in group if one.pk in found]


def _kind(variant: Variant, scene: Scene) -> str:
    """What a person said of the model, else what the file says."""
    home = scene.home(variant.pk)
    if "kind" in home.edited or variant.kind == Kind.UNKNOWN:
        return home.kind
    return variant.kind


def _differing(left: Variant, right: Variant) -> list[str]:
    return [name for name in left.settings.keys() & right.settings if left.settings[name] != right.settings[name]]


def _of_the_weights(
    match: Match, row: Row, scene: Scene, groups: tuple[Sequence[Variant], Sequence[Variant]]
) -> Obstacle | None:
    ours, theirs = ({one.pk for one in group} for group in groups)
    if lies(ours, theirs, scene.bonds):
        return Obstacle.CHAIN
    if match.relation != Relation.SAME_TENSORS and not match.evidence.get("places"):
        return Obstacle.PLACES
    if row.answer is Answer.IF_GONE:
        return None if _nearly_proven(match, scene.gone) else row.obstacle
    if row.obstacle in {Obstacle.QUANTISED, Obstacle.SIBLINGS} and declared_by(match):
        return Obstacle.DECLARED
    return row.obstacle


def _nearly_proven(match: Match, gone: Collection[UUID]) -> bool:
    """The bytes of one are gone, digests prove nearly all of it, and exact keys all the rest."""
    proven, rest = match.evidence.get("proven", 0.0), match.evidence.get("by_key", 0.0)
    return (match.left_id in gone or match.right_id in gone) and proven >= NEARLY_ALL and rest >= 1.0


def _of_the_models(match: Match, row: Row, scene: Scene, asking: Collection[str]) -> Obstacle | None:
    if scene.home(match.left_id).touched and scene.home(match.right_id).touched:
        return Obstacle.TOUCHED
    return Obstacle.ASKED if row.name in asking else None
