"""How the weights are stored: the dtype of nine values in ten, the scheme of a quantisation, the number of values."""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING

from catalog.formats.ggml import FILE_TYPES, TYPES
from catalog.hashing.parts import is_weight, without_copies
from catalog.recognition.rules import Ends, Holds, Marker, No, evidence
from catalog.vocabulary import Format, Precision

if TYPE_CHECKING:
    from collections.abc import Mapping

    from catalog.recognition.facts import Facts

DOMINANT = 0.9
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
    "F4": Precision.FP4,
}
_BITS: Mapping[Precision, int] = {
    Precision.FP64: 64,
    Precision.FP32: 32,
    Precision.FP16: 16,
    Precision.BF16: 16,
    Precision.FP8_E4M3: 8,
    Precision.FP8_E5M2: 8,
    Precision.INT8: 8,
    Precision.INT4: 4,
    Precision.FP4: 4,
}
_QUANTISED = frozenset(block.name for block in TYPES.values() if block.values > 1)

_SCHEMES: tuple[tuple[str, Precision | None, tuple[Marker, ...]], ...] = (
    ("bitsandbytes nf4", Precision.INT4, (Ends((".quant_state.bitsandbytes__nf4",)),)),
    ("bitsandbytes fp4", Precision.FP4, (Ends((".quant_state.bitsandbytes__fp4",)),)),
    ("bitsandbytes int8", Precision.INT8, (Ends((".SCB",)),)),
    ("GPTQ", Precision.INT4, (Ends((".qweight",)), Ends((".g_idx",)))),
    ("AWQ", Precision.INT4, (Ends((".qweight",)), Ends((".qzeros",)), No(Ends((".g_idx",))))),
    ("fp8 scaled", None, (Holds(("\nscaled_fp8\n", ".scaled_fp8\n")),)),
)
"""Names of a scheme's tensors -> its name, and the precision it stands for (None: the dtype says it)."""


@dataclass(frozen=True, slots=True)
class Stored:
    """`reason` says where the precision comes from."""

    precision: str
    bits: int
    quantisation: str
    parameters: int
    reason: str


def stored(facts: Facts) -> Stored:
    """Precision, quantisation and number of parameters of one model."""
    values = _values(facts)
    total = sum(values.values())
    if not total:
        return Stored(Precision.UNKNOWN, 0, "", 0, "")
    if facts.probe.format is Format.GGUF:
        return _of_gguf(facts, values)
    scheme, stands_for = _scheme(facts)
    dtype, count = values.most_common(1)[0]
    word = stands_for or (_WORDS.get(dtype, Precision.UNKNOWN) if count >= DOMINANT * total else Precision.MIXED)
    if word.startswith("fp8") and not scheme and Ends((".weight_scale", ".scale_weight")).found(facts):
        scheme = "fp8 scaled"
    shares = ", ".join(f"{100 * number / total:.3g} % {name}" for name, number in values.most_common(3))
    return Stored(word, _BITS.get(word, 0), scheme, total, f"values: {shares}")


def _values(facts: Facts) -> Counter[str]:
    """Number of values of the weight tensors by dtype."""
    tensors = [tensor for tensor in facts.probe.tensors if is_weight(tensor)]
    counts: Counter[str] = Counter()
    for index in without_copies([tensor.name for tensor in tensors]):
        counts[tensors[index].dtype] += tensors[index].values
    return counts


def _of_gguf(facts: Facts, values: Counter[str]) -> Stored:
    """By the file type that the header names, else by the most common type."""
    stated = facts.header.get("general.file_type")
    name = FILE_TYPES.get(stated & ~_GUESSED) if isinstance(stated, int) else None
    reason = f"the header's general.file_type is {stated}" if name else ""
    if name is None:
        name = values.most_common(1)[0][0]
        reason = f"most values are {name}"
    if name in _WORDS and name not in _QUANTISED:
        return Stored(_WORDS[name], _BITS[_WORDS[name]], "", sum(values.values()), reason)
    digits = re.search(r"\d", name)
    return Stored(name, int(digits[0]) if digits else 0, name, sum(values.values()), reason)


def _scheme(facts: Facts) -> tuple[str, Precision | None]:
    """The quantisation scheme that the tensors' names betray."""
    for name, precision, markers in _SCHEMES:
        if evidence(markers, facts):
            return name, precision
    return "", None
