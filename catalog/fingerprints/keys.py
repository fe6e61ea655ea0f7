"""Keys by which components find each other: over all values of a component, and over a few tensors of it (anchors).

The key of a component is a digest of the sum of its core tensors' lanes, each different tensor counted once; so it is
the same however they are named, ordered, turned, cut or fused. Kinds of one domain can meet: the f16 key of a file
made by way of bf16 is the `FB` key of its f32 parent.

Extremes are the tolerant anchor, for an f16 and a bf16 file whose parent is not here. f32 to f16 to bf16 gives the
same as f32 to bf16 for 94 % of values, so the two largest and the two smallest values of a tensor are the same in both
for 76 % of tensors (measured, of real weights as of random ones): that all of the eight least keys miss happens once
in 90,000 times, of a component with three tensors once in 70. Two of the four values would miss still less, but meet
by chance in one of 1,500 pairs of tensors of equal size and spread; four do in one of 300,000.
"""

from __future__ import annotations

import struct
from enum import StrEnum
from itertools import starmap
from typing import TYPE_CHECKING, NamedTuple

from blake3 import blake3

from catalog.fingerprints.base import AUX_VALUES, CODES, CORE_VALUES, Key, KeyKind, Rung

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable

    from catalog.fingerprints.base import Fingerprint, TensorPrint

ANCHORS = 8
"""Of each kind: those whose key is least, so that everybody who has the same tensors chooses the same."""
_WORD = (1 << 64) - 1

KINDS = {
    KeyKind.F16: Rung.F16,
    KeyKind.BF16: Rung.BF16,
    KeyKind.FB: Rung.FB,
    KeyKind.BF: Rung.BF,
    KeyKind.FZ: Rung.FZ,
    KeyKind.E4M3: Rung.E4M3,
    KeyKind.E4M3_F16: Rung.E4M3_F16,
    KeyKind.E4M3_BF16: Rung.E4M3_BF16,
    KeyKind.E5M2: Rung.E5M2,
    KeyKind.E5M2_F16: Rung.E5M2_F16,
    KeyKind.E5M2_BF16: Rung.E5M2_BF16,
}
"""The keys of whole components, and the rung that each is over."""
_FP8 = (Rung.E4M3, Rung.E4M3_F16, Rung.E4M3_BF16, Rung.E5M2, Rung.E5M2_F16, Rung.E5M2_BF16)
_BFLOAT = frozenset({Rung.BF16, Rung.BF})


class Exact(NamedTuple):
    """Of a component: whether every core value is one of f16, of bf16."""

    f16: bool
    bf16: bool


class Meaning(StrEnum):
    """What two equal keys say of the values of two components."""

    SAME = "same"
    NEW_FROM_STORED = "new_from_stored"
    """The new one is the other, rounded as the rung says."""
    STORED_FROM_NEW = "stored_from_new"


class Join(NamedTuple):
    """`rung`: the rounding that lies between the two; None where none does."""

    meaning: Meaning
    rung: Rung | None = None


def different(tensor: TensorPrint, rung: Rung) -> int:
    """How many different values it has on a rung (up to 255 known); 0 where the values are not known."""
    if tensor.lanes is None:
        return 0
    if tensor.codes:
        return tensor.codes[rung]
    return tensor.codes_bf16 if rung in _BFLOAT else tensor.codes_f16


def is_core(tensor: TensorPrint, rung: Rung) -> bool:
    """Whether it is evidence on that rung: two dimensions or more, and different values enough."""
    return len(tensor.axes) >= 2 and tensor.values >= CORE_VALUES and different(tensor, rung) >= CODES


def is_aux(tensor: TensorPrint, rung: Rung = Rung.F16) -> bool:
    """A norm or a bias that is evidence on that rung."""
    return len(tensor.axes) == 1 and tensor.values >= AUX_VALUES and different(tensor, rung) >= CODES


def core(fingerprint: Fingerprint, rung: Rung = Rung.F16) -> tuple[TensorPrint, ...]:
    """The core tensors, those with equal lanes once; in the order of the fingerprint."""
    found: dict[tuple[int, ...], TensorPrint] = {}
    for tensor in fingerprint.tensors:
        if is_core(tensor, rung):
            found.setdefault((tensor.values, *_lanes(tensor, rung)), tensor)
    return tuple(found.values())


def weight(fingerprint: Fingerprint) -> tuple[int, int]:
    """How many different core tensors there are, quantised ones too, and their values."""
    found = {tensor.td: tensor.values for tensor in fingerprint.tensors if _weighs(tensor)}
    return len(found), sum(found.values())


def exact(fingerprint: Fingerprint) -> Exact:
    """Both are False of a component without core tensors."""
    return _exact(_known(fingerprint))


def component_keys(fingerprint: Fingerprint) -> tuple[Key, ...]:
    """Of all values: the exact key and one for each rung; none where there are no core tensors."""
    known = _known(fingerprint)
    by_kind = {kind: key for kind, rung in KINDS.items() if (key := _rung_key(known, rung)) is not None}
    flags = _exact(known)
    if flags.f16:
        same = by_kind.get(KeyKind.F16)
    elif flags.bf16:
        same = by_kind.get(KeyKind.BF16)
    else:
        same = _exact_key(known)
    found = [Key(KeyKind.E, same)] if same is not None else []
    return (*found, *starmap(Key, by_kind.items()))


def anchors(fingerprint: Fingerprint) -> tuple[Key, ...]:
    """Of single tensors: of each kind the `ANCHORS` least."""
    known, found = _known(fingerprint), list[Key]()
    for kind, rung, of_core in _ANCHORS:
        least = sorted({(*one.lanes[rung], one.values) for one in known if one.core is of_core and one.rich(rung)})
        found += [Key(kind, _digest(b"anchor", _domain(rung), (one[2], *one[:2]))) for one in least[:ANCHORS]]
    extremes = {(one.values, *one.extremes) for one in known if one.extremes and one.rich(Rung.BF16)}
    keys = sorted(_digest(b"extremes", b"bf16", words) for words in extremes)
    return (*found, *(Key(KeyKind.EXTREMES, key) for key in keys[:ANCHORS]))


def joins(new: KeyKind, exact_new: Exact, stored: KeyKind, exact_stored: Exact) -> Join | None:
    """What it means that the key of one kind of the new component is the key of another kind of the stored one.

    None: nothing. Two f32 files that agree in f16 alone are not the same.
    """
    if new == stored == KeyKind.E:
        return Join(Meaning.SAME)
    if new == stored:
        return _both(new, exact_new, exact_stored)
    of_new, of_stored = _CHAINS.get((new, stored)), _CHAINS.get((stored, new))
    if of_new is not None and of_new.holds(exact_stored):
        return Join(Meaning.STORED_FROM_NEW, of_new.rung)
    if of_stored is not None and of_stored.holds(exact_new):
        return Join(Meaning.NEW_FROM_STORED, of_stored.rung)
    return None


def _both(kind: KeyKind, new: Exact, stored: Exact) -> Join | None:
    """The same kind on both sides: the one that holds nothing finer is the rounding of the other."""
    rule = _SAME_KIND.get(kind)
    if rule is None or not (rule.holds(new) or rule.holds(stored)):
        return None
    if rule.holds(new) and rule.holds(stored):
        return Join(Meaning.SAME, rule.rung if kind is KeyKind.FZ else None)
    return Join(Meaning.NEW_FROM_STORED if rule.holds(new) else Meaning.STORED_FROM_NEW, rule.rung)


class _Rule(NamedTuple):
    """`holds` of the side that is the rounding of the other."""

    rung: Rung
    holds: Callable[[Exact], bool]


def _in_f16(flags: Exact) -> bool:
    return flags.f16


def _in_bf16(flags: Exact) -> bool:
    return flags.bf16


_SAME_KIND = {
    KeyKind.F16: _Rule(Rung.F16, _in_f16),
    KeyKind.BF16: _Rule(Rung.BF16, _in_bf16),
    KeyKind.FZ: _Rule(Rung.FZ, _in_f16),
}
_CHAINS = {
    (KeyKind.FB, KeyKind.F16): _Rule(Rung.FB, _in_f16),
    (KeyKind.BF, KeyKind.BF16): _Rule(Rung.BF, _in_bf16),
    **{(kind, KeyKind.F16): _Rule(rung, _in_f16) for kind, rung in KINDS.items() if rung in _FP8},
}
"""(kind of the parent, kind of what was made of it): what holds of the latter."""

_ANCHORS = (
    (KeyKind.ANCHOR_CORE_F16, Rung.F16, True),
    (KeyKind.ANCHOR_CORE_BF16, Rung.BF16, True),
    (KeyKind.ANCHOR_AUX_F16, Rung.F16, False),
    (KeyKind.ANCHOR_AUX_BF16, Rung.BF16, False),
)
"""Kind, rung, and whether it is over core tensors."""


class _Known(NamedTuple):
    """What keys need of a tensor that is big enough to be evidence. `core`: of two dimensions or more; else aux."""

    core: bool
    values: int
    lanes: list[list[int]]
    counts: tuple[int, ...]
    m32: int
    exact: Exact
    extremes: tuple[int, ...]

    def rich(self, rung: Rung) -> bool:
        """Whether it has different values enough there."""
        return self.counts[rung] >= CODES


def _known(fingerprint: Fingerprint) -> list[_Known]:
    found = []
    for tensor in fingerprint.tensors:
        if tensor.lanes is None:
            continue
        axes, values = len(tensor.axes), tensor.values
        if values < (CORE_VALUES if axes > 1 else AUX_VALUES) or not axes:
            continue
        counts = tensor.codes or tuple(different(tensor, rung) for rung in Rung)
        flags = Exact(tensor.exact_f16, tensor.exact_bf16)
        found.append(_Known(axes > 1, values, tensor.lanes.tolist(), counts, tensor.m32, flags, tensor.extremes))
    return found


def _exact(known: Iterable[_Known]) -> Exact:
    f16 = [one.exact.f16 for one in known if one.core and one.rich(Rung.F16)]
    bf16 = [one.exact.bf16 for one in known if one.core and one.rich(Rung.BF16)]
    return Exact(bool(f16) and all(f16), bool(bf16) and all(bf16))


def _rung_key(known: Iterable[_Known], rung: Rung) -> bytes | None:
    """Over each different tensor once."""
    rows = {(one.values, *one.lanes[rung]) for one in known if one.core and one.rich(rung)}
    return _digest(b"component", _domain(rung), _sums(rows)) if rows else None


def _exact_key(known: Iterable[_Known]) -> bytes | None:
    """Over f16 lanes and the exact f32 values: of components that neither 16-bit type holds."""
    rows = {(one.values, *one.lanes[Rung.F16], one.m32) for one in known if one.core and one.rich(Rung.F16)}
    return _digest(b"component", b"f32", _sums(rows)) if rows else None


def _lanes(tensor: TensorPrint, rung: Rung) -> tuple[int, ...]:
    if tensor.lanes is None:
        raise ValueError(f"the values of {tensor.name} are not known")
    return tuple(tensor.lanes[rung].tolist())


def _sums(rows: Iterable[tuple[int, ...]]) -> list[int]:
    return [sum(column) & _WORD for column in zip(*rows, strict=True)]


def _domain(rung: Rung) -> bytes:
    if rung is Rung.FZ:
        return b"fz"
    return b"bf16" if rung in _BFLOAT else b"f16"


def _digest(what: bytes, domain: bytes, words: Collection[int]) -> bytes:
    numbers = struct.pack(f"<{len(words)}Q", *words)
    return blake3(b"isotope/" + what + b"/v1/" + domain + b"\0" + numbers).digest(length=16)


def _weighs(tensor: TensorPrint) -> bool:
    if len(tensor.axes) < 2 or tensor.values < CORE_VALUES:
        return False
    return tensor.lanes is None or max(tensor.codes_f16, tensor.codes_bf16) >= CODES
