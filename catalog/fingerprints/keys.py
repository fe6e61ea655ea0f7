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
from itertools import starmap
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from blake3 import blake3

from catalog.fingerprints import tables
from catalog.fingerprints.base import CODES, CORE_VALUES, Key, KeyKind, Rung
from catalog.fingerprints.evidence import evidence, least, sums

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from catalog.fingerprints.base import Fingerprint, TensorPrint
    from catalog.fingerprints.evidence import Evidence

ANCHORS = 8
"""Of each kind: those whose key is least, so that everybody who has the same tensors chooses the same."""

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
_BFLOAT = frozenset({Rung.BF16, Rung.BF})
_APART = frozenset({KeyKind.E, KeyKind.FZ})
_TO_BF16 = frozenset({KeyKind.BF16, KeyKind.BF})


class Exact(NamedTuple):
    """Of a component: whether every core value is one of f16, of bf16."""

    f16: bool
    bf16: bool


def weight(fingerprint: Fingerprint) -> tuple[int, int]:
    """How many different core tensors there are, quantised ones too, and their values."""
    found = {tensor.td: tensor.values for tensor in fingerprint.tensors if _weighs(tensor)}
    return len(found), sum(found.values())


def component_keys(fingerprint: Fingerprint) -> tuple[Key, ...]:
    """Of all values: the exact key and one for each rung; none where there are no core tensors."""
    return _component_keys(evidence(fingerprint))


def anchors(fingerprint: Fingerprint) -> tuple[Key, ...]:
    """Of single tensors: of each kind the `ANCHORS` least."""
    return _anchors(evidence(fingerprint))


class Index(NamedTuple):
    """What a component is found by. `keys`: all that can tell more than another one. Then `weight`, and `exact`."""

    keys: tuple[Key, ...]
    core_tensors: int
    core_values: int
    exact: Exact


def index(fingerprint: Fingerprint) -> Index:
    """What is kept of a component in rows."""
    known = evidence(fingerprint)
    return Index(
        (*_telling(_component_keys(known)), *_anchors(known)),
        *weight(fingerprint),
        _exact(known),
    )


def _telling(found: Sequence[Key]) -> Iterator[Key]:
    """Without those that meet nothing but what another one meets: rungs that end in f16 (bf16) where that one did."""
    seen: set[tuple[bool, bytes]] = set()
    for one in found:
        same = one.kind in _TO_BF16, one.key
        if one.kind in _APART or same not in seen:
            yield one
            if one.kind not in _APART:
                seen.add(same)


def _component_keys(known: Evidence) -> tuple[Key, ...]:
    wanted = (known.rich & known.core[:, None]).T
    if not wanted.any():
        return ()
    rows = np.zeros((4, len(Rung) + 1, len(known.values)), np.uint64)  # the last set is that of the exact key
    rows[0] = known.values
    rows[1:3, :-1], rows[1:3, -1] = known.lanes.transpose(2, 1, 0), known.lanes[:, Rung.F16].T
    rows[3, -1] = known.m32
    found, there = sums(rows, np.concatenate([wanted, wanted[Rung.F16, None]]))
    words = found.astype("<u8")
    digests: dict[tuple[bytes, bytes], bytes] = {}
    by_kind = {}
    for kind, rung in KINDS.items():
        if there[rung]:
            own = _DOMAINS[rung], words[rung, :3].tobytes()
            if own not in digests:
                digests[own] = _digest(b"component", *own)
            by_kind[kind] = digests[own]
    flags, same = _exact(known), None
    if any(flags):
        same = by_kind.get(KeyKind.F16 if flags.f16 else KeyKind.BF16)
    elif there[-1]:  # over the exact f32 values too: of components that neither 16-bit type holds
        same = _digest(b"component", b"f32", words[-1].tobytes())
    return (*([Key(KeyKind.E, same)] if same is not None else []), *starmap(Key, by_kind.items()))


def _anchors(known: Evidence) -> tuple[Key, ...]:
    core, aux, f16, bf16 = known.core, ~known.core, known.rich[:, Rung.F16], known.rich[:, Rung.BF16]
    wanted = np.array([core & f16, core & bf16, aux & f16, aux & bf16])
    rows = np.empty((3, len(_ANCHORS), len(core)), np.uint64)
    rows[:2] = known.lanes.transpose(2, 1, 0)[:, [rung for _, rung in _ANCHORS]]
    rows[2] = known.values
    found = [
        Key(kind, _digest(b"anchor", _DOMAINS[rung], struct.pack("<3Q", values, first, second)))
        for (kind, rung), some in zip(_ANCHORS, least(rows, wanted, ANCHORS), strict=True)
        for first, second, values in some
    ]
    return (*found, *_extremes(known))


def _extremes(known: Evidence) -> Iterator[Key]:
    """Those that come first when their words are mixed, so that size and spread decide nothing."""
    wanted = known.rich[:, Rung.BF16] & (known.extremes > 0)
    rows = set(zip(known.values[wanted].tolist(), known.extremes[wanted].tolist(), strict=True))
    if len(rows) > ANCHORS:
        values, words = np.array(list(rows), np.uint64).T
        chosen = np.argsort(tables.mixed(tables.mixed(values) ^ words))[:ANCHORS]
        rows = set(zip(values[chosen].tolist(), words[chosen].tolist(), strict=True))
    for number, word in sorted(rows):
        codes = (word >> at & 0xFFFF for at in (48, 32, 16, 0))
        yield Key(KeyKind.EXTREMES, _digest(b"extremes", b"bf16", struct.pack("<5Q", number, *codes)))


_ANCHORS = (
    (KeyKind.ANCHOR_CORE_F16, Rung.F16),
    (KeyKind.ANCHOR_CORE_BF16, Rung.BF16),
    (KeyKind.ANCHOR_AUX_F16, Rung.F16),
    (KeyKind.ANCHOR_AUX_BF16, Rung.BF16),
)
"""Kind and rung: over core tensors, then over aux ones."""
_DOMAINS = [b"fz" if rung is Rung.FZ else b"bf16" if rung in _BFLOAT else b"f16" for rung in Rung]
"""Of each rung. Keys of one domain can meet."""


def _exact(known: Evidence) -> Exact:
    f16, bf16 = (known.core & known.rich[:, rung] for rung in (Rung.F16, Rung.BF16))
    return Exact(
        bool(f16.any()) and not (f16 & ~known.exact_f16).any(),
        bool(bf16.any()) and not (bf16 & ~known.exact_bf16).any(),
    )


def _digest(what: bytes, domain: bytes, words: bytes) -> bytes:
    """`words` are u64le."""
    return blake3(b"isotope/%b/v1/%b\0%b" % (what, domain, words)).digest(16)


def _weighs(tensor: TensorPrint) -> bool:
    if len(tensor.axes) < 2 or tensor.values < CORE_VALUES:
        return False
    return tensor.lanes is None or max(tensor.codes_f16, tensor.codes_bf16) >= CODES
