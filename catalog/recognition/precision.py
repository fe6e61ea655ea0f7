"""How the weights are stored: the dtype of nine values in ten, the scheme of a quantisation, the number of values."""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import dataclass, field
from math import prod
from typing import TYPE_CHECKING

from catalog.formats.ggml import FILE_TYPES, TYPES
from catalog.hashing.parts import is_weight, without_copies
from catalog.recognition.schemes import scheme_of
from catalog.vocabulary import Format, Precision

if TYPE_CHECKING:
    from collections.abc import Mapping

    from catalog.recognition.facts import Facts
    from catalog.recognition.schemes import Found

DOMINANT = 0.9
MAJORITY = 0.5
"""Of a quantised model: the rest are the layers that its scheme leaves alone."""

_SHOWN = 4
_GUESSED = 1024  # llama.h, LLAMA_FTYPE_GUESSED: a flag on the file type

_WORDS: Mapping[str, Precision] = {
    "F64": Precision.FP64,
    "F32": Precision.FP32,
    "F16": Precision.FP16,
    "BF16": Precision.BF16,
    "F8_E4M3": Precision.FP8_E4M3,
    "F8_E4M3FNUZ": Precision.FP8_E4M3,
    "F8_E5M2": Precision.FP8_E5M2,
    "F8_E5M2FNUZ": Precision.FP8_E5M2,
    "I8": Precision.INT8,
    "U8": Precision.INT8,
    "F6_E2M3": Precision.FP6,
    "F6_E3M2": Precision.FP6,
    "I6": Precision.INT6,
    "I5": Precision.INT5,
    "I4": Precision.INT4,
    "U4": Precision.INT4,
    "NF4": Precision.INT4,
    "F4": Precision.FP4,
    "I3": Precision.INT3,
    "I2": Precision.INT2,
    "U2": Precision.INT2,
    "I1": Precision.INT1,
}
_BITS: Mapping[Precision, int] = {
    Precision.FP64: 64,
    Precision.FP32: 32,
    Precision.FP16: 16,
    Precision.BF16: 16,
    Precision.FP8_E4M3: 8,
    Precision.FP8_E5M2: 8,
    Precision.INT8: 8,
    Precision.FP6: 6,
    Precision.INT6: 6,
    Precision.INT5: 5,
    Precision.INT4: 4,
    Precision.FP4: 4,
    Precision.INT3: 3,
    Precision.INT2: 2,
    Precision.INT1: 1,
}
_QUANTISED = frozenset(block.name for block in TYPES.values() if block.values > 1)


@dataclass(frozen=True, slots=True)
class Stored:
    """`reasons` are (field, text): where the precision, the scheme and the number come from."""

    precision: str = Precision.UNKNOWN
    bits: int = 0
    quantisation: str = ""
    parameters: int = 0
    dtypes: Mapping[str, int] = field(default_factory=dict)
    reasons: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, slots=True)
class Weights:
    """The values of the weight tensors by their sort, the number of those tensors, and whether copies were left out."""

    values: Counter[str]
    tensors: int
    copies: bool

    @property
    def total(self) -> int:
        """All values."""
        return self.values.total()


def stored(facts: Facts) -> Stored:
    """Precision, quantisation and number of parameters of one model."""
    found = scheme_of(facts) if facts.probe.format is not Format.GGUF else None
    weights = _weights(facts, found)
    if not weights.total:
        return Stored()
    dtypes = dict(weights.values.most_common())
    counted = ("parameters", _counted(weights))
    if facts.probe.format is Format.GGUF:
        word, bits, scheme, reason = _of_gguf(facts, weights.values)
        return Stored(word, bits, scheme, weights.total, dtypes, (("precision", reason), counted))
    word = _word(weights, MAJORITY if found else DOMINANT)
    quantised = (("quantisation", found.text),) if found else ()
    name = found.scheme.name if found else ""
    reasons = (("precision", _shares(weights)), *quantised, counted)
    return Stored(word, _BITS.get(word, 0), name, weights.total, dtypes, reasons)


def _weights(facts: Facts, found: Found | None) -> Weights:
    """The weights as they were before any packing; what a scheme puts beside them does not count."""
    names = [name for name, tensor in facts.tensors.items() if is_weight(tensor)]
    if found and found.scheme.beside:
        names = [name for name in names if not name.endswith(found.scheme.beside)]
    kept = without_copies(names)
    tensors = [facts.tensors[names[index]] for index in kept]
    values: Counter[str] = Counter()
    if packer := found.scheme.packer if found else None:
        for index, tensor in zip(kept, tensors, strict=True):
            sort, count = packer(facts, names[index], tensor) or (tensor.dtype, tensor.values)
            values[sort] += count
    else:
        for tensor in tensors:
            values[tensor.dtype] += prod(tensor.shape)
    return Weights(+values, len(kept), len(kept) < len(names))


def _word(weights: Weights, share: float) -> Precision:
    sort, count = weights.values.most_common(1)[0]
    same = sum(number for other, number in weights.values.items() if _WORDS.get(other) is _WORDS.get(sort))
    return _WORDS.get(sort, Precision.UNKNOWN) if max(count, same) >= share * weights.total else Precision.MIXED


def _shares(weights: Weights) -> str:
    parts = weights.values.most_common(_SHOWN)
    return "values: " + ", ".join(f"{100 * number / weights.total:.3g} % {name}" for name, number in parts)


def _counted(weights: Weights) -> str:
    tensors = "one weight tensor" if weights.tensors == 1 else f"{weights.tensors:,} weight tensors"
    values = "one value" if weights.total == 1 else f"{weights.total:,} values"
    return f"{values} in {tensors}{'; EMA copies left out' if weights.copies else ''}"


def _of_gguf(facts: Facts, values: Counter[str]) -> tuple[str, int, str, str]:
    """By the file type that the header names, else by the most common type."""
    stated = facts.header.get("general.file_type")
    name = FILE_TYPES.get(stated & ~_GUESSED) if isinstance(stated, int) else None
    reason = f"the header's general.file_type is {stated}" if name else ""
    if name is None:
        name = values.most_common(1)[0][0]
        reason = f"most values are {name}"
    if name in _WORDS and name not in _QUANTISED:
        return _WORDS[name], _BITS[_WORDS[name]], "", reason
    digits = re.search(r"\d", name)
    return name, int(digits[0]) if digits else 0, name, reason
