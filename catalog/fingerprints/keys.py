"""Keys by which components find each other: over all values of a component, and over a few tensors of it (anchors).

The key of a component is a digest of the sum of its core tensors' lanes, each different tensor counted once; so it is
the same however they are named, ordered, turned, cut or fused. Kinds of one domain can meet: the f16 key of a file
made by way of bf16 is the `FB` key of its f32 parent.

Extremes are the tolerant anchor, for an f16 and a bf16 file whose parent is not here. f32 to f16 to bf16 gives the
same as f32 to bf16 for 94 % of values, so a key over a few values of a tensor mostly agrees, and of the eight that are
least one does nearly surely.
"""

from __future__ import annotations

from enum import StrEnum
from typing import TYPE_CHECKING, NamedTuple

from blake3 import blake3

from catalog.fingerprints.base import AUX_VALUES, CODES, CORE_VALUES, Key, KeyKind, Rung

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

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
    f16, bf16 = core(fingerprint, Rung.F16), core(fingerprint, Rung.BF16)
    return Exact(
        bool(f16) and all(tensor.exact_f16 for tensor in f16), bool(bf16) and all(tensor.exact_bf16 for tensor in bf16)
    )


def component_keys(fingerprint: Fingerprint) -> tuple[Key, ...]:
    """Of all values: the exact key and one for each rung; none where there are no core tensors."""
    found = [Key(kind, key) for kind, rung in KINDS.items() if (key := _rung_key(fingerprint, rung)) is not None]
    by_kind = {key.kind: key.key for key in found}
    flags = exact(fingerprint)
    same: bytes | None
    if flags.f16:
        same = by_kind[KeyKind.F16]
    elif flags.bf16:
        same = by_kind[KeyKind.BF16]
    else:
        same = _exact_key(fingerprint)
    return (Key(KeyKind.E, same), *found) if same is not None else tuple(found)


def anchors(fingerprint: Fingerprint) -> tuple[Key, ...]:
    """Of single tensors: of each kind the `ANCHORS` least."""
    found: list[Key] = []
    for kind, rung, chosen in _ANCHORS:
        keys = {
            _lanes(tensor, rung): _digest(b"anchor", _domain(rung), tensor.values, _lanes(tensor, rung))
            for tensor in fingerprint.tensors
            if chosen(tensor, rung)
        }
        found += [Key(kind, keys[lanes]) for lanes in sorted(keys)[:ANCHORS]]
    extremes = {_extremes(tensor) for tensor in fingerprint.tensors if _has_extremes(tensor)}
    return (*found, *(Key(KeyKind.EXTREMES, key) for key in sorted(extremes)[:ANCHORS]))


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
    (KeyKind.ANCHOR_CORE_F16, Rung.F16, is_core),
    (KeyKind.ANCHOR_CORE_BF16, Rung.BF16, is_core),
    (KeyKind.ANCHOR_AUX_F16, Rung.F16, is_aux),
    (KeyKind.ANCHOR_AUX_BF16, Rung.BF16, is_aux),
)


def _rung_key(fingerprint: Fingerprint, rung: Rung) -> bytes | None:
    tensors = core(fingerprint, rung)
    if not tensors:
        return None
    sums = _sums(_lanes(tensor, rung) for tensor in tensors)
    return _digest(b"component", _domain(rung), sum(tensor.values for tensor in tensors), sums)


def _exact_key(fingerprint: Fingerprint) -> bytes | None:
    """Over f16 lanes and the exact f32 values: of components that neither 16-bit type holds."""
    found: dict[tuple[int, ...], int] = {}
    for tensor in fingerprint.tensors:
        if is_core(tensor, Rung.F16):
            found[tensor.values, *_lanes(tensor, Rung.F16), tensor.m32] = tensor.values
    if not found:
        return None
    return _digest(b"component", b"f32", sum(found.values()), _sums(key[1:] for key in found))


def _lanes(tensor: TensorPrint, rung: Rung) -> tuple[int, ...]:
    if tensor.lanes is None:
        raise ValueError(f"the values of {tensor.name} are not known")
    return tuple(tensor.lanes[rung].tolist())


def _sums(lanes: Iterable[tuple[int, ...]]) -> tuple[int, ...]:
    return tuple(sum(column) & _WORD for column in zip(*lanes, strict=True))


def _domain(rung: Rung) -> bytes:
    if rung is Rung.FZ:
        return b"fz"
    return b"bf16" if rung in _BFLOAT else b"f16"


def _digest(what: bytes, domain: bytes, values: int, words: Iterable[int]) -> bytes:
    numbers = b"".join(word.to_bytes(8, "little") for word in (values, *words))
    return blake3(b"isotope/" + what + b"/v1/" + domain + b"\0" + numbers).digest(length=16)


def _weighs(tensor: TensorPrint) -> bool:
    if len(tensor.axes) < 2 or tensor.values < CORE_VALUES:
        return False
    return tensor.lanes is None or max(tensor.codes_f16, tensor.codes_bf16) >= CODES


def _has_extremes(tensor: TensorPrint) -> bool:
    return bool(tensor.extremes) and (is_core(tensor, Rung.BF16) or is_aux(tensor, Rung.BF16))


def _extremes(tensor: TensorPrint) -> bytes:
    return _digest(b"extremes", b"bf16", tensor.values, tensor.extremes)
