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
    for kind, key in found:
        if kind in {KeyKind.E, KeyKind.FZ}:
            yield Key(kind, key)
        elif (same := (kind in _TO_BF16, key)) not in seen:
            seen.add(same)
            yield Key(kind, key)


def _component_keys(known: Evidence) -> tuple[Key, ...]:
    rungs = list(KINDS.values())
    wanted = (known.rich & known.core[:, None]).T[rungs]
    if not wanted.any():
        return ()
    lanes = known.lanes.transpose(2, 1, 0)[:, rungs]
    found, there = sums(np.stack([np.broadcast_to(known.values, wanted.shape), *lanes]), wanted)
    by_kind = {
        kind: _digest(b"component", _domain(rung), words.tobytes())
        for (kind, rung), words, has in zip(KINDS.items(), found.astype("<u8"), there.tolist(), strict=True)
        if has
    }
    flags = _exact(known)
    own = KeyKind.F16 if flags.f16 else KeyKind.BF16
    same = by_kind.get(own) if any(flags) else _exact_key(known)
    return (*([Key(KeyKind.E, same)] if same is not None else []), *starmap(Key, by_kind.items()))


def _anchors(known: Evidence) -> tuple[Key, ...]:
    rungs = [rung for _, rung, _ in _ANCHORS]
    wanted = np.array([(known.core == of_core) & known.rich[:, rung] for _, rung, of_core in _ANCHORS])
    lanes = known.lanes.transpose(2, 1, 0)[:, rungs]
    rows = np.stack([*lanes, np.broadcast_to(known.values, wanted.shape)])
    found = [
        Key(kind, _digest(b"anchor", _domain(rung), struct.pack("<3Q", values, first, second)))
        for (kind, rung, _), some in zip(_ANCHORS, least(rows, wanted, ANCHORS), strict=True)
        for first, second, values in some
    ]
    return (*found, *_extremes(known))


def _extremes(known: Evidence) -> Iterator[Key]:
    """Those that come first when their words are mixed, so that size and spread decide nothing."""
    wanted = known.rich[:, Rung.BF16] & (known.extremes > 0)
    mixed = tables.mixed(tables.mixed(known.values) ^ known.extremes)
    (rows,) = least(np.stack([mixed, known.values, known.extremes])[:, None], wanted[None], ANCHORS)
    for _, values, word in rows:
        codes = (word >> at & 0xFFFF for at in (48, 32, 16, 0))
        yield Key(KeyKind.EXTREMES, _digest(b"extremes", b"bf16", struct.pack("<5Q", values, *codes)))


_ANCHORS = (
    (KeyKind.ANCHOR_CORE_F16, Rung.F16, True),
    (KeyKind.ANCHOR_CORE_BF16, Rung.BF16, True),
    (KeyKind.ANCHOR_AUX_F16, Rung.F16, False),
    (KeyKind.ANCHOR_AUX_BF16, Rung.BF16, False),
)
"""Kind, rung, and whether it is over core tensors."""


def _exact(known: Evidence) -> Exact:
    f16 = known.exact_f16[known.core & known.rich[:, Rung.F16]]
    bf16 = known.exact_bf16[known.core & known.rich[:, Rung.BF16]]
    return Exact(bool(f16.size and f16.all()), bool(bf16.size and bf16.all()))


def _exact_key(known: Evidence) -> bytes | None:
    """Over f16 lanes and the exact f32 values: of components that neither 16-bit type holds."""
    wanted = known.core & known.rich[:, Rung.F16]
    rows = np.stack([known.values, *known.lanes[:, Rung.F16].T, known.m32])
    found, there = sums(rows[:, None], wanted[None])
    return _digest(b"component", b"f32", found[0].astype("<u8").tobytes()) if there[0] else None


def _domain(rung: Rung) -> bytes:
    if rung is Rung.FZ:
        return b"fz"
    return b"bf16" if rung in _BFLOAT else b"f16"


def _digest(what: bytes, domain: bytes, words: bytes) -> bytes:
    """`words` are u64le."""
    return blake3(b"isotope/" + what + b"/v1/" + domain + b"\0" + words).digest(length=16)


def _weighs(tensor: TensorPrint) -> bool:
    if len(tensor.axes) < 2 or tensor.values < CORE_VALUES:
        return False
    return tensor.lanes is None or max(tensor.codes_f16, tensor.codes_bf16) >= CODES
