"""How strongly a LoRA acts: alpha / rank of each module, however its file says it.

kohya's files hold a scalar `alpha` a module (where it is missing, alpha = rank), PEFT states `lora_alpha` in its
configuration, with patterns for single modules, and with `use_rslora` divides it by the root of the rank; diffusers
keeps PEFT's configurations in the header. Sources: kohya-ss/sd-scripts networks/lora.py, KohakuBlueleaf/LyCORIS
lycoris/modules, huggingface/peft tuners/lora/{config,layer}.py, llama.cpp's `adapter.lora.alpha`.
"""

from __future__ import annotations

import math
import re
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from catalog.formats.folders import ADAPTER, HEADER
from catalog.matching.base import Difference
from catalog.matching.pairing_precision import to_bf16, to_f16
from catalog.matching.phrases import STRENGTH
from catalog.recognition.settings import SAVED_ADAPTER, saved_adapters
from catalog.vocabulary import TensorVerdict

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from catalog.fingerprints.base import Fingerprint, TensorPrint
    from catalog.formats.base import Json
    from catalog.matching.base import ComponentVerdict, Subject

_LOW = re.compile(
    r"(?P<module>.+?)[._](lora_down\.weight|lora_A(\.default)?(\.weight)?|lora_a|lora\.down\.weight"
    r"|lora_linear_layer\.down\.weight|qkv_lora1?\.down\.weight|proj_lora1\.down\.weight|hada_w1_b)"
)
"""The matrix of a module whose first axis is the rank."""
_KRON = re.compile(r"(?P<module>.+)\.lokr_w[12](?P<low>_b)?")
"""LoKr: two factors, each whole or in two low matrices; alpha counts only if one of them is low."""
_ALPHA = ".alpha"
_BARE = "base_model.model."
"""With this, PEFT's own names, a configuration beside the file says the alpha; without it nothing is known."""
_LEAST = 0.01
_ROUNDED = {"F16": to_f16, "BF16": to_bf16}
"""Types in which an alpha may have been stored less exactly than it was."""
_AS_WRITTEN = 1e-6
"""Relative. A configuration writes in decimal what a tensor holds as f32."""


class Strength(NamedTuple):
    """Of one module: alpha, or its equivalent, over `rank`; None where the file does not say it.

    `dtype`: the type that a file stores its alpha in, "" where a configuration or nothing says it.
    """

    alpha: float | None
    rank: float = 1.0
    dtype: str = ""

    @property
    def value(self) -> float | None:
        """How strongly it acts."""
        return None if self.alpha is None else self.alpha / self.rank

    def differs(self, other: Strength) -> bool:
        """Whether both are known, and neither is the other one as its own type holds it."""
        if self.value is None or other.value is None:
            return False
        if self.dtype == other.dtype != "":
            return self.value != other.value
        pairs = (
            (self.value, other.value),
            (self._stored(other.value), self.value),
            (other._stored(self.value), other.value),
        )
        return not any(math.isclose(one, another, rel_tol=_AS_WRITTEN) for one, another in pairs)

    def _stored(self, value: float) -> float:
        """Another strength, as the type of this one's alpha would hold it."""
        rounded = _ROUNDED.get(self.dtype)
        return value if rounded is None else float(rounded(np.array([value * self.rank]))[0]) / self.rank


def alphas(part: Fingerprint) -> frozenset[str]:
    """The names of the scalars that are alphas of its modules, and not weights of their own."""
    scalars = [one.name for one in part.tensors if one.name.endswith(_ALPHA) and one.values == 1]
    if not scalars:
        return frozenset()
    modules = {found for tensor in part.tensors for found in (_module(tensor.name),) if found}
    return frozenset(name for name in scalars if name.removesuffix(_ALPHA) in modules)


def differences(
    left: Subject, right: Subject, verdicts: Iterable[ComponentVerdict], *, same_names: bool = False
) -> tuple[Difference, ...]:
    """One, if both are LoRAs whose like modules act at different strengths, or if only one says its strength.

    What the other does not say may be anything but where it has the same names: then it is a copy without its
    configuration, and nothing stops.
    """
    one, other = strengths(left), strengths(right)
    if not one or not other:
        return ()
    pairs = _pairs(one, other, verdicts)
    differing = [pair for pair in pairs if pair[0].differs(pair[1])]
    if differing:
        return (_told([pair[0] for pair in differing], [pair[1] for pair in differing], stops=True),)
    if any((first.value is None) != (second.value is None) for first, second in pairs):
        known = [each.value for pair in pairs for each in pair if each.value is not None]
        stops = not same_names and any(not math.isclose(value, 1.0, rel_tol=_LEAST) for value in known)
        return (_told(list(one.values()), list(other.values()), stops=stops),)
    return ()


def strengths(subject: Subject) -> dict[tuple[str, str], Strength]:
    """The strength of each module of a LoRA by its part and name; empty for anything else."""
    adapters = tuple(_adapters(subject))
    found: dict[tuple[str, str], Strength] = {}
    for part in subject.components:
        scalars = {tensor.name: tensor for tensor in part.tensors if tensor.name.endswith(_ALPHA)}
        for module, rank in _ranks(part).items():
            alpha = scalars.get(module + _ALPHA)
            found[part.name, module] = _stored(alpha, rank) if alpha is not None else _stated(module, rank, adapters)
    return found


def _ranks(part: Fingerprint) -> dict[str, int]:
    """Module -> rank; 0 where a module has whole factors only, so that alpha says nothing."""
    ranks: dict[str, int] = {}
    for tensor in part.tensors:
        low, kron = _LOW.fullmatch(tensor.name), _KRON.fullmatch(tensor.name)
        if low and tensor.shape:
            ranks[low["module"]] = tensor.shape[0]
        elif kron:
            rank = tensor.shape[0] if kron["low"] and tensor.shape else 0
            ranks[kron["module"]] = max(rank, ranks.get(kron["module"], 0))
    return ranks


def _module(name: str) -> str:
    found = _LOW.fullmatch(name) or _KRON.fullmatch(name)
    return found["module"] if found else ""


def _stored(alpha: TensorPrint, rank: int) -> Strength:
    if not rank:
        return Strength(1.0)
    values = alpha.samples.values
    value = float(values[0]) if len(values) else math.nan
    return Strength(value if math.isfinite(value) else None, rank, alpha.dtype)


class _Adapter(NamedTuple):
    """What a configuration says of the modules that begin with `part`."""

    part: str
    alpha: float
    patterns: Mapping[str, float]
    by_root: bool

    def strength(self, module: str, rank: int) -> float:
        path = module.removeprefix(_BARE)
        alpha = next((value for key, value in self.patterns.items() if _fits(key, path)), self.alpha)
        return alpha / (math.sqrt(rank) if self.by_root else rank)


def _fits(pattern: str, path: str) -> bool:
    """PEFT's patterns are names, or ends of names; expressions beyond that are not followed."""
    plain = pattern.removeprefix("^")
    return path == plain or path.endswith(f".{plain}")


def _stated(module: str, rank: int, adapters: Sequence[_Adapter]) -> Strength:
    """From a configuration. No alpha at all means alpha = rank, but for PEFT's own files, which never hold it."""
    for adapter in adapters:
        if rank and module.startswith(adapter.part):
            return Strength(adapter.strength(module, rank))
    return Strength(None if module.startswith(_BARE) and rank else 1.0)


def _adapters(subject: Subject) -> Iterator[_Adapter]:
    inner = subject.metadata.get(HEADER)
    header = inner if isinstance(inner, dict) else subject.metadata
    saved = [(f"{part}.", config) for part, config in saved_adapters(header.get(SAVED_ADAPTER)) if part]
    for part, config in (*saved, ("", subject.metadata.get(ADAPTER))):
        found = _adapter(part, config) if isinstance(config, dict) else None
        if found is not None:
            yield found
    alpha = _finite(header.get("adapter.lora.alpha"))
    if alpha is not None:
        yield _Adapter("", alpha, {}, by_root=False)


def _adapter(part: str, config: Mapping[str, Json]) -> _Adapter | None:
    alpha = _finite(config.get("lora_alpha"))
    if alpha is None:
        return None
    pattern = config.get("alpha_pattern")
    rows = pattern.items() if isinstance(pattern, dict) else ()
    patterns = {key: told for key, value in rows if (told := _finite(value)) is not None}
    return _Adapter(part, alpha, patterns, by_root=config.get("use_rslora") is True)


def _finite(value: Json) -> float | None:
    told = number(value)
    return told if told is not None and math.isfinite(told) else None


def number(value: Json) -> float | None:
    """What a configuration says as a number; whole ones may have any size there."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    try:
        return float(value)
    except OverflowError:
        return math.inf


def _pairs(
    left: Mapping[tuple[str, str], Strength],
    right: Mapping[tuple[str, str], Strength],
    verdicts: Iterable[ComponentVerdict],
) -> list[tuple[Strength, Strength]]:
    """The strengths of modules whose low matrices are alike; without such, all beside all where each side has one."""
    one, other = ({name: value for (_, name), value in side.items()} for side in (left, right))
    names = [
        (_module(row.left), _module(row.right))
        for verdict in verdicts
        for row in verdict.rows
        if row.left and row.right and row.verdict is not TensorVerdict.DIFFERENT
    ]
    found = [(one[first], other[second]) for first, second in names if first in one and second in other]
    if found:
        return found
    lefts, rights = set(one.values()), set(other.values())
    return [(lefts.pop(), rights.pop())] if len(lefts) == len(rights) == 1 else []


def _told(left: Sequence[Strength], right: Sequence[Strength], *, stops: bool) -> Difference:
    return Difference(STRENGTH, _range(left), _range(right), stops=stops)


def _range(found: Sequence[Strength]) -> Json:
    """One number, or from the least to the most; None where none is known."""
    values = sorted({round(one.value, 6) for one in found if one.value is not None})
    if len(values) < 2:
        return values[0] if values else None
    return f"{values[0]:g} to {values[-1]:g}"
