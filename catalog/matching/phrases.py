"""The phrases that sentences about a comparison are made of."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from catalog.vocabulary import Certainty, Direction, Doubt, Mapped, Relation, SameModel

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from catalog.formats.base import Json
    from catalog.matching.base import Difference, Evidence

MAPPED: Mapping[Mapped, str] = {
    Mapped.STRAIGHT: "",
    Mapped.RESHAPED: "in another shape",
    Mapped.TRANSPOSED: "stored transposed",
    Mapped.PERMUTED: "with rows permuted for rotary embeddings",
    Mapped.ROWS: "fused or split by rows",
    Mapped.COLUMNS: "fused or split by columns",
    Mapped.SHIFTED: "with one added to each value",
    Mapped.ANY_ORDER: "with the same values in another order",
}
PARTS: Mapping[Mapped, str] = {Mapped.ROWS: "", Mapped.COLUMNS: " of the columns"}

CERTAINTIES: Mapping[Certainty, str] = {
    Certainty.PROVEN: "digests of the tensors prove it.",
    Certainty.KEYS: "keys over all values say so: no accident, but no proof against someone who means to deceive.",
}

_DOUBTS: Mapping[Doubt, str] = {
    Doubt.NO_VALUES: "one of them holds no values that can be read.",
    Doubt.NOT_HASHED: "one of them was not read in full yet.",
    Doubt.TOO_SMALL: "there are too few sampled weights to be sure.",
    Doubt.TOO_MANY: "there are too many tensors to find out which is which.",
    Doubt.NO_INTERVAL: "its quantisation leaves no bounds that values could be held against.",
    Doubt.DOUBLE_ROUNDING: "a few values differ by one step: rounded twice, or lightly trained.",
    Doubt.OFF_SAMPLE: "the samples agree, but keys over all values do not: something differs outside of the samples.",
    Doubt.BELOW_NOISE: "a smaller change would drown in the noise of the quantisation.",
    Doubt.PLACES: "their names do not show whether equal tensors sit in corresponding places.",
    Doubt.BYTES_GONE: "the bytes of one are gone, so not every value can be compared.",
    Doubt.OUT_OF_REACH: "no worker reaches both files.",
}

_RELATIONS: Mapping[Relation, str] = {
    Relation.IDENTICAL: "{left} and {right} are identical, byte for byte.",
    Relation.SAME_TENSORS: "{left} and {right} hold the same tensors under the same names; all else may differ.",
    Relation.SAME_WEIGHTS: "{left} and {right} hold the same weights.",
    Relation.OTHER_PRECISION: "{left} and {right} hold the same weights in different precisions.",
    Relation.QUANTISED: "{left} and {right} hold the same weights, quantised differently.",
    Relation.PART_OF: "{left} is part of {right}.",
    Relation.CONTAINS: "{left} contains {right}, and more.",
    Relation.REARRANGED: "not the same: {left} and {right} hold the same tensors, but some of them in other places.",
    Relation.DERIVED: "not the same: {left} and {right} are relatives, as after a fine-tune or a merge.",
    Relation.SHARES_PARTS: "{left} and {right} share parts, and differ in others.",
    Relation.UNRELATED: "{left} and {right} have nothing in common.",
    Relation.CANNOT_TELL: "cannot tell whether {left} and {right} are the same: {doubt}",
}
_MADE: Mapping[Relation, str] = {
    Relation.OTHER_PRECISION: "{made} holds the weights of {source}, rounded to a coarser precision.",
    Relation.QUANTISED: "{made} is a quantised copy of {source}.",
}
_SUSPECTED = "{left} and {right} look the same, but that is not sure."
_STRENGTH = "not the same: {left} and {right} hold the same matrices, but act at different strengths."


QUANTISED_FROM: Mapping[str, str] = {
    "value": "the quantiser read the values as they are.",
    "f16": "the quantiser read the values rounded to f16.",
    "bf16": "the quantiser read the values rounded to bf16.",
    "siblings": "both are made of a parent that is neither of them.",
}
"""By the way in which one came from the other, `ComponentVerdict.rung`."""
_ROUNDED_BY: Mapping[str, str] = {
    "truncated": "bits were dropped, and not rounded.",
    "siblings": "both are roundings of a parent that is neither of them.",
    "f16, subnormals flushed": "numbers too small for f16 became zero.",
}


def rounded_by(rung: str) -> str:
    """`bf16>f16` is a rounding to bf16, and then to f16; a plain rounding is not worth a sentence."""
    first, then, second = rung.partition(">")
    return f"it was rounded to {first}, and then to {second}." if then else _ROUNDED_BY.get(rung, "")


def related(evidence: Evidence, left: str, right: str) -> str:
    """The first sentence: what the two are to one another, and which was made of which."""
    doubt = _why(evidence)
    names = {"left": left, "right": right, "doubt": doubt}
    if evidence.relation is Relation.DERIVED and _by_strength_alone(evidence):
        return _STRENGTH.format(**names)
    sentence = _RELATIONS[evidence.relation]
    if evidence.relation in _MADE and evidence.direction is not Direction.NONE:
        made, source = (left, right) if evidence.direction is Direction.LEFT_FROM_RIGHT else (right, left)
        sentence = _MADE[evidence.relation]
        names |= {"made": made, "source": source}
    if evidence.same_model is SameModel.UNKNOWN and evidence.relation is not Relation.CANNOT_TELL:
        return f"probably: {sentence.format(**names)}"
    return sentence.format(**names)


def _by_strength_alone(evidence: Evidence) -> bool:
    strength = any(one.name == STRENGTH and one.stops for one in evidence.settings)
    return strength and all(one.relation is not Relation.DERIVED for one in evidence.components)


def _why(evidence: Evidence) -> str:
    if evidence.doubt is None:
        return "too little is known of them."
    if evidence.doubt is Doubt.BELOW_NOISE and evidence.values_outside:
        return "what differs is no more than a quantiser with an importance matrix may have moved."
    return doubted(evidence.doubt)


def doubted(doubt: Doubt) -> str:
    """Why nothing, or nothing more, can be told, as a sentence."""
    return _DOUBTS.get(doubt, f"{doubt.label}.")


STRENGTH = "strength"
"""Name of the setting that says how strongly a LoRA acts."""

_LONGEST = 60


def setting(difference: Difference) -> str:
    """`prediction_type epsilon / v_prediction`."""
    place = f" ({difference.file})" if difference.file else ""
    return f"{difference.name} {_value(difference.left)} / {_value(difference.right)}{place}"


def _value(value: Json) -> str:
    if value is None:
        return "not stated"
    text = value if isinstance(value, str) else json.dumps(value, sort_keys=True)
    return text if len(text) <= _LONGEST else f"{text[: _LONGEST - 1]}…"


def count(number: int, one: str, several: str = "") -> str:
    """`1 tensor`, `2,500 tensors`."""
    return f"{number:,} {one if number == 1 else several or one + 's'}"


def percent(share: float) -> str:
    """Three digits at most: `12.3 %`, `0.0132 %`."""
    return f"{share * 100:.3g} %"


def listed(words: Sequence[str]) -> str:
    """`a, b and c`."""
    if len(words) < 2:
        return "".join(words)
    return f"{', '.join(words[:-1])} and {words[-1]}"
