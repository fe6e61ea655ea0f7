"""From what the components are to one another to what the variants are: relation, certainty, same model or not."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from catalog.matching import components
from catalog.matching.base import ComponentVerdict, Evidence, Row
from catalog.matching.counted import comparable, core_values, leftovers, parts
from catalog.matching.flipping import component_flipped
from catalog.matching.settings import stated
from catalog.vocabulary import Certainty, Direction, Doubt, Relation, SameModel, TensorVerdict

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from catalog.fingerprints.base import Fingerprint, TensorPrint
    from catalog.matching.base import Subject

JOIN = " + "
"""Between the names of components that are compared as one."""

_WEAKENING = (
    Relation.IDENTICAL,
    Relation.SAME_TENSORS,
    Relation.SAME_WEIGHTS,
    Relation.OTHER_PRECISION,
    Relation.QUANTISED,
)
SAME = frozenset(_WEAKENING)
"""Relations of two that are one model."""

_OTHERWISE: Mapping[Relation, SameModel] = {
    Relation.CONTAINS: SameModel.PARTIAL,
    Relation.PART_OF: SameModel.PARTIAL,
    Relation.SHARES_PARTS: SameModel.PARTIAL,
    Relation.CANNOT_TELL: SameModel.UNKNOWN,
}
"""What the others make of two; those that are not here make them different models."""

_CERTAINTIES = (Certainty.PROVEN, Certainty.ALL_VALUES, Certainty.KEYS, Certainty.SAMPLES, Certainty.SUSPECTED)
_SETTLED = frozenset({Certainty.PROVEN, Certainty.ALL_VALUES})
_OVER_ALL = frozenset({Certainty.PROVEN, Certainty.ALL_VALUES, Certainty.KEYS})

SURE_SAMPLES = 1000
SURE_LIMIT = 2e-4
"""By samples, two are called one model from so many on, if a change of this share of the weights would have been seen:
the lightest fine-tunes that were measured move them by 1e-4 to 1e-3. Fewer, or coarser: not before all values are."""

_OPEN = frozenset({*SAME, Relation.CANNOT_TELL, Relation.CONTAINS, Relation.PART_OF})
"""Relations of which a comparison of all values may tell more; the others are answers already."""

_ROLES = (
    ("vae", re.compile(r"(^|[/._])(vae|first_stage_model|vqvae|vqgan|movq)(_|$|\.|/)")),
    ("text encoder", re.compile(r"text_encoder|cond_stage_model|conditioner\.embedders")),
    ("denoiser", re.compile(r"diffusion_model|(^|/)(unet|transformer|prior|decoder)(_\d)?$")),
)


def role(part: str) -> str:
    """What a component does, by the name of its part; the name itself where that says nothing."""
    return next((name for name, pattern in _ROLES if pattern.search(part)), part)


def concluded(left: Subject, right: Subject, verdicts: Sequence[ComponentVerdict]) -> Evidence:
    """The evidence for the whole. `verdicts` are of components that belong together; the others are found here."""
    lefts, rights = parts(left), parts(right)
    if not comparable(lefts, rights):
        return stated(_nothing(left, right), left, right)
    found = _Conclusion(lefts, rights, tuple(verdicts)).evidence()
    return stated(_with_leftovers(found, leftovers(left), leftovers(right)), left, right)


def _with_leftovers(found: Evidence, left: Fingerprint | None, right: Fingerprint | None) -> Evidence:
    """Small tensors beside the components are no evidence, but what is the same must agree in them too."""
    if left is None or right is None or found.same_model not in {SameModel.YES, SameModel.UNKNOWN}:
        return found
    verdict = components.compare(left, right)[0]
    changed = any(row.verdict is TensorVerdict.DIFFERENT for row in verdict.rows)
    relation = Relation.DERIVED if changed else verdict.relation
    told = replace(found, components=(*found.components, replace(verdict, relation=relation)))
    if relation in {Relation.DERIVED, Relation.REARRANGED}:
        no = SameModel.NO
        return replace(told, relation=relation, same_model=no, direction=Direction.NONE, full=False, doubt=None)
    if verdict.doubt in _OPEN_LEFTOVERS and found.same_model is SameModel.YES:
        return replace(told, same_model=SameModel.UNKNOWN, doubt=verdict.doubt)
    return found


_OPEN_LEFTOVERS = frozenset({Doubt.NO_INTERVAL, Doubt.OFF_SAMPLE, Doubt.DOUBLE_ROUNDING, Doubt.TOO_MANY})
"""What leaves the whole open too; that they are too small to be evidence does not."""


def _nothing(left: Subject, right: Subject) -> Evidence:
    """Of one side, or of both, there is nothing to compare; or one is to be read again by a newer version."""
    one, other = left.components, right.components
    unread = any(side.content is None and not side.components for side in (left, right)) or bool(one and other)
    doubt = Doubt.NOT_HASHED if unread else Doubt.NO_VALUES
    return Evidence(Relation.CANNOT_TELL, Certainty.SUSPECTED, SameModel.UNKNOWN, places=False, doubt=doubt)


@dataclass(frozen=True)
class _Conclusion:
    """The components of both, primary first, and what those that belong together are to one another."""

    lefts: Sequence[Fingerprint]
    rights: Sequence[Fingerprint]
    verdicts: tuple[ComponentVerdict, ...]

    def evidence(self) -> Evidence:
        crossed = self._crossed()
        if crossed:
            return replace(self._told(Relation.REARRANGED, SameModel.NO, crossed), places=False)
        primary = self._primary()
        if primary is None:
            return self._without_primaries()
        if primary.relation not in SAME:
            return self._by(primary)
        return self._same_primaries()

    def _crossed(self) -> list[ComponentVerdict]:
        """Those that are the same at exchanged places. Of several that are all the same each is beside its namesake."""
        lefts, rights = {part.name for part in self.lefts}, {part.name for part in self.rights}
        same = [one for one in self.verdicts if one.relation in SAME and one.left != one.right]
        return [one for one in same if one.left in rights and one.right in lefts]

    def _primary(self) -> ComponentVerdict | None:
        """The pair of both primaries, if they are a pair."""
        for verdict in self.verdicts:
            if self.lefts[0].name in verdict.left.split(JOIN) and self.rights[0].name in verdict.right.split(JOIN):
                return verdict
        return None

    def _same_primaries(self) -> Evidence:
        """All that both have is the same, or else they share parts."""
        others = [verdict.relation for verdict in self.verdicts if verdict.relation not in SAME]
        if Relation.CANNOT_TELL in others:
            doubtful = next(one for one in self.verdicts if one.relation is Relation.CANNOT_TELL)
            return self._told(Relation.CANNOT_TELL, SameModel.UNKNOWN, [doubtful])
        more_left = bool(self._alone_left()) or Relation.CONTAINS in others
        more_right = bool(self._alone_right()) or Relation.PART_OF in others
        if (more_left and more_right) or set(others) - {Relation.CONTAINS, Relation.PART_OF}:
            return self._partial(Relation.SHARES_PARTS)
        if more_left or more_right:
            return self._partial(Relation.CONTAINS if more_left else Relation.PART_OF)
        weakest = max((one.relation for one in self.verdicts), key=_WEAKENING.index)
        sure = all(map(_sure, self.verdicts))
        return self._told(weakest, SameModel.YES if sure else SameModel.UNKNOWN, self.verdicts)

    def _by(self, primary: ComponentVerdict) -> Evidence:
        """The relation of the primaries, whatever else both share."""
        if primary.relation is Relation.UNRELATED:
            return self._without_primaries()
        same = _OTHERWISE.get(primary.relation, SameModel.NO)
        relation = primary.relation
        if relation is Relation.CONTAINS and self._alone_right():
            relation = Relation.SHARES_PARTS
        if relation is Relation.PART_OF and self._alone_left():
            relation = Relation.SHARES_PARTS
        return self._told(relation, same, [primary])

    def _without_primaries(self) -> Evidence:
        """The primary of the one is no version of that of the other: is the one a component of the other?"""
        same = [one for one in self.verdicts if one.relation in SAME]
        if same and not self._alone_left() and len(same) == len(self.verdicts):
            return self._partial(Relation.PART_OF)
        if same and not self._alone_right() and len(same) == len(self.verdicts):
            return self._partial(Relation.CONTAINS)
        if same:
            return self._partial(Relation.SHARES_PARTS)
        others = [one for one in self.verdicts if one.relation is not Relation.UNRELATED]
        strongest = max(others, key=lambda one: one.share_left + one.share_right, default=None)
        if strongest is None:
            return self._told(Relation.UNRELATED, SameModel.NO, [])
        return self._told(strongest.relation, _OTHERWISE.get(strongest.relation, SameModel.NO), [strongest])

    def _partial(self, relation: Relation) -> Evidence:
        same = [one for one in self.verdicts if one.relation in SAME]
        return self._told(relation, SameModel.PARTIAL, same or self.verdicts)

    def _alone_left(self) -> list[Fingerprint]:
        met = {name for one in self.verdicts for name in one.left.split(JOIN)}
        return [part for part in self.lefts if part.name not in met]

    def _alone_right(self) -> list[Fingerprint]:
        met = {name for one in self.verdicts for name in one.right.split(JOIN)}
        return [part for part in self.rights if part.name not in met]

    def _told(self, relation: Relation, same: SameModel, decisive: Sequence[ComponentVerdict]) -> Evidence:
        """`decisive` are the components that the answer stands on."""
        certainty = max((one.certainty for one in decisive), key=_CERTAINTIES.index, default=Certainty.SAMPLES)
        limits = [one.detection_limit for one in decisive if one.detection_limit is not None]
        doubt = next((one.doubt for one in decisive if one.doubt is not None), None)
        if doubt is None and same is SameModel.UNKNOWN:
            doubt = _why_unsure(decisive)
        proven, by_key = _shares(decisive)
        return Evidence(
            relation,
            certainty,
            same,
            direction=_direction(decisive),
            detection_limit=max(limits, default=None),
            values_compared=sum(_compared(one) for one in self.verdicts),
            values_outside=sum(one.outside for one in self.verdicts),
            places=all(one.places for one in decisive),
            proven=proven,
            by_key=by_key,
            full=relation in _OPEN and certainty not in _SETTLED and any(one.full for one in decisive),
            doubt=doubt,
            components=(*self.verdicts, *self._alone()),
        )

    def _alone(self) -> list[ComponentVerdict]:
        return [
            *(_alone(part, TensorVerdict.ONLY_LEFT) for part in self._alone_left()),
            *(_alone(part, TensorVerdict.ONLY_RIGHT) for part in self._alone_right()),
        ]


def _sure(verdict: ComponentVerdict) -> bool:
    """By samples only where there were enough of them, and they would have shown a light fine-tune.

    Whatever else is said, by a tensor that is different nothing is the same.
    """
    if any(row.verdict is TensorVerdict.DIFFERENT for row in verdict.rows):
        return False
    if verdict.certainty in _OVER_ALL:
        return verdict.doubt is not Doubt.BELOW_NOISE
    limit = verdict.detection_limit
    enough = verdict.compared >= SURE_SAMPLES and limit is not None and limit <= SURE_LIMIT
    return verdict.certainty is Certainty.SAMPLES and enough


def _compared(verdict: ComponentVerdict) -> int:
    """Sampled values, or all that keys are over."""
    if verdict.certainty is Certainty.SAMPLES or verdict.compared:
        return verdict.compared
    return sum(row.compared for row in verdict.rows)


def _why_unsure(decisive: Iterable[ComponentVerdict]) -> Doubt:
    few = any(one.compared < SURE_SAMPLES for one in decisive if not _sure(one))
    return Doubt.TOO_SMALL if few else Doubt.BELOW_NOISE


def _direction(verdicts: Iterable[ComponentVerdict]) -> Direction:
    told = {one.direction for one in verdicts} - {Direction.NONE}
    return told.pop() if len(told) == 1 else Direction.NONE


def _shares(verdicts: Sequence[ComponentVerdict]) -> tuple[float, float]:
    """The shares of the smaller sides' values that digests prove, and of the rest that exact keys make equal."""
    weights = [min(one.values) for one in verdicts]
    whole = sum(weights)
    if not whole:
        return 0.0, 0.0
    proven = sum(weight * one.proven for weight, one in zip(weights, verdicts, strict=True)) / whole
    keyed = sum(weight * max(one.by_key, one.proven) for weight, one in zip(weights, verdicts, strict=True)) / whole
    return proven, 1.0 if proven >= 1.0 else (keyed - proven) / (1.0 - proven)


def _alone(part: Fingerprint, verdict: TensorVerdict) -> ComponentVerdict:
    """A component that has no like on the other side."""
    alone = ComponentVerdict(
        left=part.name,
        right="",
        relation=Relation.UNRELATED,
        certainty=Certainty.SAMPLES,
        values=(core_values(part), 0),
        rows=tuple(_lonely(part.name, tensor) for tensor in part.tensors),
    )
    return alone if verdict is TensorVerdict.ONLY_LEFT else component_flipped(alone)


def _lonely(part: str, tensor: TensorPrint) -> Row:
    """A tensor of the left one that has no like."""
    verdict = TensorVerdict.ONLY_LEFT
    return Row(part, tensor.name, "", tensor.dtype, "", tensor.shape, (), verdict, of=tensor.values)
