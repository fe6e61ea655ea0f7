"""Evidence in plain words, and as the plain values that `match --json` and the API give."""

from __future__ import annotations

import math
from collections import Counter
from typing import TYPE_CHECKING

from catalog.matching.phrases import (
    CERTAINTIES,
    MAPPED,
    PARTS,
    QUANTISED_FROM,
    count,
    doubted,
    listed,
    percent,
    related,
    rounded_by,
    setting,
)
from catalog.vocabulary import Certainty, Mapped, Relation, SameModel, TensorVerdict

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from catalog.formats.base import Json
    from catalog.matching.base import ComponentVerdict, Difference, Evidence, Row

LEFT, RIGHT = "the first", "the second"
_NAMED = 3
"""Tensors that a sentence names before it says "and 5 more"."""

_SLIGHT = 0.0001
"""A smaller share of the values is not told."""

_SAME_MODEL: Mapping[SameModel, Json] = {
    SameModel.YES: True,
    SameModel.NO: False,
    SameModel.PARTIAL: "partial",
    SameModel.UNKNOWN: None,
}


def summary(evidence: Evidence, left: str = LEFT, right: str = RIGHT) -> str:
    """A few sentences: what they are to one another, how sure that is, how they lie beside one another, what differs.

    `left` and `right` are what the two are called.
    """
    names = tuple(name for name in (left, right) if name not in {LEFT, RIGHT})
    told = (sentence for sentence in _sentences(evidence, left, right) if sentence)
    return " ".join(one if one.startswith(names) else one[:1].upper() + one[1:] for one in told)


def as_json(evidence: Evidence, left: str = LEFT, right: str = RIGHT) -> dict[str, Json]:
    """The answer of `match --json`; numbers that JSON does not know are null."""
    return {
        "relation": evidence.relation.value,
        "certainty": evidence.certainty.value,
        "same_model": _SAME_MODEL[evidence.same_model],
        "direction": evidence.direction.value or None,
        "detection_limit": _finite(evidence.detection_limit),
        "values_compared": evidence.values_compared,
        "values_outside": evidence.values_outside,
        "summary": summary(evidence, left, right),
        "settings_differ": [_difference(difference) for difference in evidence.settings],
        "tensors": [_row(row) for row in evidence.rows],
    }


def mapped(row: Row) -> str:
    """How a tensor lies beside its like: "", "transposed", "part 2 of 3"."""
    if row.mapped in PARTS:
        of = PARTS[row.mapped]
        return f"part {row.part} of {row.parts}{of}" if row.part and row.parts else f"one part{of}"
    return MAPPED[row.mapped]


def _difference(difference: Difference) -> dict[str, Json]:
    return {
        "name": difference.name,
        "file": difference.file,
        "left": difference.left,
        "right": difference.right,
        "stops": difference.stops,
    }


def _row(row: Row) -> dict[str, Json]:
    return {
        "component": row.component,
        "left": row.left or None,
        "right": row.right or None,
        "left_dtype": row.left_dtype or None,
        "right_dtype": row.right_dtype or None,
        "left_shape": list(row.left_shape) if row.left else None,
        "right_shape": list(row.right_shape) if row.right else None,
        "mapped": mapped(row),
        "compared": row.compared,
        "of": row.of,
        "outside": row.outside,
        "largest": _finite(row.largest),
        "typical": _finite(row.typical),
        "verdict": row.verdict.value,
    }


def _finite(number: float | None) -> float | None:
    return number if number is not None and math.isfinite(number) else None


def _sentences(evidence: Evidence, left: str, right: str) -> Iterator[str]:
    yield related(evidence, left, right)
    yield _components(evidence)
    yield _certain(evidence)
    yield _rounded(evidence)
    yield _different(evidence)
    yield _layout(evidence)
    yield _alone(evidence, TensorVerdict.ONLY_LEFT, left)
    yield _alone(evidence, TensorVerdict.ONLY_RIGHT, right)
    yield _settings(evidence)
    if evidence.doubt is not None and evidence.relation is not Relation.CANNOT_TELL:
        yield doubted(evidence.doubt)
    if evidence.full:
        yield "comparing every value of both files would tell more."


def _components(evidence: Evidence) -> str:
    """Of two that are the same in part: which parts."""
    if evidence.same_model is not SameModel.PARTIAL:
        return ""
    both = [_pair_of_names(one) for one in evidence.components if _both(one) and one.relation in _LIKE]
    other = [_pair_of_names(one) for one in evidence.components if _both(one) and one.relation not in _LIKE]
    told = []
    if any(both):
        told.append(f"the same in both: {listed([name for name in both if name])}")
    if any(other):
        told.append(f"not the same: {listed([name for name in other if name])}")
    return "; ".join(told) + "." if told else ""


_LIKE = frozenset(
    {
        Relation.IDENTICAL,
        Relation.SAME_TENSORS,
        Relation.SAME_WEIGHTS,
        Relation.OTHER_PRECISION,
        Relation.QUANTISED,
    }
)


def _both(verdict: ComponentVerdict) -> bool:
    return bool(verdict.values[0] and verdict.values[1])


def _pair_of_names(verdict: ComponentVerdict) -> str:
    return " = ".join(dict.fromkeys(name for name in (verdict.left, verdict.right) if name))


def _certain(evidence: Evidence) -> str:
    if evidence.certainty is Certainty.PROVEN:
        return "" if evidence.relation is Relation.IDENTICAL else CERTAINTIES[Certainty.PROVEN]
    if evidence.certainty is Certainty.KEYS and not evidence.values_outside:
        return CERTAINTIES[Certainty.KEYS]
    if not evidence.values_compared:
        return ""
    return _counted(evidence)


def _counted(evidence: Evidence) -> str:
    """How many values were compared, and what a change would have had to be to go unseen."""
    whole = evidence.certainty is Certainty.ALL_VALUES
    number = count(evidence.values_compared, "value")
    compared = f"all {number} were compared" if whole else f"{number} were sampled"
    outside = f"{count(evidence.values_outside, 'of them', 'of them')}" if evidence.values_outside else "none"
    verb = "lies" if evidence.values_outside <= 1 else "lie"
    text = f"{compared}: {outside} {verb} outside of what rounding allows."
    limit = _finite(evidence.detection_limit)
    if limit is None or evidence.values_outside or whole:
        return text
    return f"{text} A change of all weights by more than {percent(limit)} of their size would have been seen."


def _rounded(evidence: Evidence) -> str:
    """By which way the one came from the other, and how many tensors are not even rounded."""
    rung = next((one.rung for one in evidence.components if one.relation is evidence.relation), "")
    if evidence.relation is Relation.OTHER_PRECISION:
        return rounded_by(rung)
    if evidence.relation is not Relation.QUANTISED:
        return ""
    pairs = [row for row in _rows(evidence) if row.left and row.right]
    equal = sum(1 for row in pairs if row.verdict is TensorVerdict.EQUAL)
    told = f"{equal:,} of {count(len(pairs), 'tensor')} {'is' if equal == 1 else 'are'} equal, value for value."
    return " ".join(filter(None, (QUANTISED_FROM.get(rung, "").capitalize(), told if equal else "")))


def _told_of(evidence: Evidence) -> Sequence[ComponentVerdict]:
    """The components that a sentence goes into: not those that have nothing in common, nor those of one side."""
    return [one for one in evidence.components if _both(one) and one.relation in {*_LIKE, evidence.relation}]


def _rows(evidence: Evidence) -> Sequence[Row]:
    return [row for one in _told_of(evidence) for row in one.rows]


def _different(evidence: Evidence) -> str:
    """The tensors that stand against it, and how far apart both are."""
    if evidence.relation not in {Relation.DERIVED, Relation.REARRANGED, Relation.CANNOT_TELL}:
        return ""
    every = _rows(evidence)
    rows = [row for row in every if row.verdict is TensorVerdict.DIFFERENT]
    if not rows:
        return ""
    distances = [one.distance for one in _told_of(evidence) if one.distance is not None]
    apart = f", at a distance of {percent(max(distances))}" if max(distances, default=0.0) > 0 else ""
    both = sum(1 for row in every if row.left and row.right)
    names = _names([row.left or row.right for row in rows])
    return f"{count(len(rows), 'tensor')} of {both:,} {_verb(rows)}{apart}: {names}."


def _verb(rows: Sequence[Row]) -> str:
    return "differs" if len(rows) == 1 else "differ"


def _layout(evidence: Evidence) -> str:
    """How many tensors have other names than their like, or hold their values otherwise."""
    others = sum(1 for row in _rows(evidence) if row.left and row.right and row.left != row.right)
    found = Counter(row.mapped for row in _rows(evidence) if row.mapped not in {Mapped.STRAIGHT, Mapped.RESHAPED})
    told = [f"{count(number, 'tensor')} {MAPPED[how]}" for how, number in found.most_common()]
    named = [f"{count(others, 'tensor')} under other names"] if others and evidence.relation in _LIKE else []
    return f"{listed([*named, *told])}." if named or told else ""


def _alone(evidence: Evidence, verdict: TensorVerdict, name: str) -> str:
    """The components and the tensors of one side that have no like."""
    if evidence.relation in {Relation.UNRELATED, Relation.IDENTICAL}:
        return ""
    side = 0 if verdict is TensorVerdict.ONLY_LEFT else 1
    parts = [(one.left, one.right)[side] or "one component" for one in evidence.components if _lonely(one, side)]
    rows = [row for row in _rows(evidence) if row.verdict is verdict]
    told = [*parts, *([_names([row.left or row.right for row in rows])] if rows else [])]
    if not told:
        return ""
    whole = sum(row.of for row in evidence.rows if (row.left, row.right)[side])
    alone = [row for one in evidence.components if _lonely(one, side) for row in one.rows]
    share = sum(row.of for row in (*rows, *alone)) / whole if whole else 0.0
    return f"only in {name}: {'; '.join(told)}{f' ({percent(share)} of its values)' if share >= _SLIGHT else ''}."


def _lonely(verdict: ComponentVerdict, side: int) -> bool:
    """Whether only that side has the component."""
    return bool(verdict.values[side]) and not verdict.values[1 - side]


def _names(names: Sequence[str]) -> str:
    if len(names) <= _NAMED:
        return listed(names)
    return f"{', '.join(names[:_NAMED])} and {len(names) - _NAMED:,} more"


def _settings(evidence: Evidence) -> str:
    """Those that stop a join with what both state, the others by name."""
    stopping = [setting(one) for one in evidence.settings if one.stops]
    others = [f"{one.name} ({one.file})" if one.file else one.name for one in evidence.settings if not one.stops]
    told = []
    if stopping:
        same = "same weights, other settings" if evidence.relation in _LIKE else "settings differ"
        told.append(f"{same}: {'; '.join(stopping)}.")
    if others:
        told.append(f"what does not change the meaning of the weights differs too: {_names(others)}.")
    return " ".join(one[:1].upper() + one[1:] for one in told)
