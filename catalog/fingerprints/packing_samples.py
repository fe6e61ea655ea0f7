"""Samples in few bytes. Where a type's own codes tell value and interval, only the codes are kept.

Each tensor's samples are of one mode. CODES: the codes of its own type. F16, BF16, F32: codes of that type, of which
the values are values of its own type. EXACT, EXACT_F32: values without a width, as f64 or f32. WIDE: value as f32, and
how far the interval reaches below and above it, as f16 with an exponent of the tensor's own, rounded up. Even: the same
where it reaches equally far.
"""

from __future__ import annotations

from enum import IntEnum
from typing import TYPE_CHECKING

import numpy as np

from catalog.fingerprints import codes, floats
from catalog.fingerprints.base import NO_SAMPLES, Samples
from catalog.fingerprints.packing_reading import DAMAGED

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    import numpy.typing as npt

    from catalog.fingerprints.base import Floats, TensorPrint
    from catalog.fingerprints.packing_reading import Reading

    Bytes = npt.NDArray[np.uint8]


class Mode(IntEnum):
    """How the samples of a tensor are kept."""

    NONE = 0
    CODES = 1
    F16 = 2
    BF16 = 3
    F32 = 4
    EXACT = 5
    EXACT_F32 = 6
    WIDE = 7
    EVEN = 8


_CODED = frozenset({Mode.CODES, Mode.F16, Mode.BF16, Mode.F32})
_KINDS = {Mode.F16: "<u2", Mode.BF16: "<u2", Mode.F32: "<u4", Mode.EXACT: "<f8", Mode.EXACT_F32: "<f4"}
_FINER = 0x1FFF
"""Bits of f32 that are zero in all that f16 or bf16 hold, but for a NaN."""
_LARGEST = 60000.0
"""The greatest reach of a tensor's samples is scaled below it."""


def count(tensor: TensorPrint) -> int:
    """How many samples it has."""
    return len(tensor.samples.values) if tensor.raw is None else len(tensor.raw) // floats.WIDTHS[tensor.dtype]


def pack(tensors: Sequence[TensorPrint]) -> tuple[list[Mode], bytes]:
    """The mode of each tensor, and the bytes of the samples of all in turn."""
    found: dict[int, tuple[Mode, bytes]] = {}
    together: dict[str, list[int]] = {}
    singles: dict[int, bytes] = {}
    for number, tensor in enumerate(tensors):
        if not count(tensor):
            found[number] = Mode.NONE, b""
        elif tensor.raw is not None and tensor.dtype == "F32":
            singles[number] = tensor.raw
        elif tensor.raw is not None:
            found[number] = Mode.CODES, tensor.raw
        elif tensor.dtype in floats.WIDTHS and tensor.dtype != "F64":
            together.setdefault(tensor.dtype, []).append(number)
    if singles:
        found |= zip(singles, _narrowed(list(singles.values())), strict=True)
    for dtype, numbers in together.items():
        found |= zip(numbers, _coded(dtype, [tensors[number].samples for number in numbers]), strict=True)
    rows = [found.get(number) or _packed(tensor.samples) for number, tensor in enumerate(tensors)]
    return [mode for mode, _ in rows], b"".join([data for _, data in rows])


def _narrowed(raw: Sequence[bytes]) -> Iterator[tuple[Mode, bytes]]:
    """f32 values as stored, of each tensor some, in 16 bits where these hold all of its own."""
    bits = np.frombuffer(b"".join(raw), "<u4")
    starts = np.cumsum([0, *(len(own) // 4 for own in raw)])
    if (np.bitwise_or.reduceat(bits, starts[:-1]) & _FINER).all():
        yield from ((Mode.F32, own) for own in raw)
        return
    f16, bf16 = codes.f16_codes(bits), codes.bf16_codes(bits)
    kept = [
        (mode, narrow.astype("<u2"), np.logical_and.reduceat(wide == bits, starts[:-1]).tolist())
        for mode, narrow, wide in (
            (Mode.F16, f16, codes.f16_bits(f16)),
            (Mode.BF16, bf16, codes.bf16_bits(bf16)),
        )
    ]
    for number, (own, start, stop) in enumerate(zip(raw, starts[:-1], starts[1:], strict=True)):
        fitting = ((mode, narrow[start:stop].tobytes()) for mode, narrow, fits in kept if fits[number])
        yield next(fitting, (Mode.F32, own))


def unpack(body: Reading, modes: Sequence[int], counts: Sequence[int], dtypes: Sequence[str]) -> list[Samples]:
    """The samples of each tensor. Raises ValueError for what `pack` did not make."""
    found = []
    for mode, count, dtype in zip(modes, counts, dtypes, strict=True):
        if mode not in set(Mode) or (mode == Mode.NONE) != (count == 0):
            raise ValueError(DAMAGED)
        found.append(_unpacked(body, Mode(mode), count, dtype) if count else NO_SAMPLES)
    return found


def _coded(dtype: str, tensors: Sequence[Samples]) -> Iterator[tuple[Mode, bytes]]:
    """Of tensors of one type of floating point, looked at all at once."""
    whole = Samples(*map(np.concatenate, zip(*tensors, strict=True)))
    own = _own_codes(dtype, whole)
    alike = _alike(floats.samples(dtype, own.view(np.uint8)), whole)
    ends = np.cumsum([len(samples.values) for samples in tensors]).tolist()
    kept = [(Mode.CODES, own, alike)]
    if dtype == "F32":
        bits = own.view(np.uint32)
        f16, bf16 = codes.f16_codes(bits), codes.bf16_codes(bits)
        kept = [
            (Mode.F16, f16.astype("<u2"), alike & (codes.f16_bits(f16) == bits)),
            (Mode.BF16, bf16.astype("<u2"), alike & (codes.bf16_bits(bf16) == bits)),
            (Mode.F32, own, alike),
        ]
    for samples, start, stop in zip(tensors, [0, *ends], ends, strict=False):
        fitting = ((mode, data[start:stop].tobytes()) for mode, data, fits in kept if fits[start:stop].all())
        yield next(fitting, None) or _packed(samples)


def _packed(samples: Samples) -> tuple[Mode, bytes]:
    if not len(samples.values):
        return Mode.NONE, b""
    values = np.where(np.isnan(samples.values) & (samples.low == samples.high), samples.low, samples.values)
    if _alike(_exact(values), samples).all():
        return _shortened(values)
    return _wide(samples)


@np.errstate(invalid="ignore", over="ignore")
def _shortened(values: Floats) -> tuple[Mode, bytes]:
    """Exact values, in 32 bits where these hold them."""
    single = values.astype("<f4")
    if np.array_equal(single.astype(np.float64), values, equal_nan=True):
        return Mode.EXACT_F32, single.tobytes()
    return Mode.EXACT, values.astype("<f8").tobytes()


def _exact(values: Floats) -> Samples:
    """As those of F64, which are what they are."""
    return floats.samples("F64", np.ascontiguousarray(values, "<f8").view(np.uint8))


def _own_codes(dtype: str, samples: Samples) -> npt.NDArray[np.generic]:
    """The codes that the samples of a type of floating point may have been read from."""
    above, below = np.isfinite(samples.low), np.isfinite(samples.high)
    unknown = np.isnan(samples.values)
    values = np.where(unknown & above & ~below, np.inf, np.where(unknown & below & ~above, -np.inf, samples.values))
    with np.errstate(over="ignore", invalid="ignore", under="ignore"):
        bits = values.astype("<f4").view("<u4")
    if dtype == "F32":
        return bits
    if dtype == "F16":
        return codes.f16_codes(bits)
    if dtype == "BF16":
        return codes.bf16_codes(bits)
    return _nearest(dtype, samples)


def _nearest(dtype: str, samples: Samples) -> Bytes:
    """Codes of 8 bits, found by their values and, where these are no numbers, by their intervals."""
    table = floats.table(dtype)
    order = np.argsort(table.values)  # what is no number comes last
    found = order[np.minimum(np.searchsorted(table.values[order], samples.values), len(order) - 1)]
    nameless = np.flatnonzero(np.isnan(table.values))
    for at in np.flatnonzero(np.isnan(samples.values)):
        alike = (table.low[nameless] == samples.low[at]) & (table.high[nameless] == samples.high[at])
        if alike.any():
            found[at] = nameless[alike.argmax()]
    return found.astype(np.uint8)


def _wide(samples: Samples) -> tuple[Mode, bytes]:
    with np.errstate(over="ignore", invalid="ignore"):
        values = samples.values.astype("<f4")
        exact = values.astype(np.float64)
        below, above = (_reach(reach) for reach in (exact - samples.low, samples.high - exact))
    largest = max(np.max(reach, where=np.isfinite(reach), initial=0.0) for reach in (below, above))
    exponent = int(np.clip(np.frexp(largest / _LARGEST)[1], -1000, 1000)) if largest else 0
    least, most = (_up(np.ldexp(reach, -exponent)) for reach in (below, above))
    start = np.array([exponent], "<i2").tobytes() + values.tobytes() + least.tobytes()
    return (Mode.EVEN, start) if np.array_equal(least, most) else (Mode.WIDE, start + most.tobytes())


def _reach(reach: Floats) -> Floats:
    """How far an interval reaches; without end where nothing is known."""
    return np.where(np.isnan(reach), np.inf, np.maximum(reach, 0.0))


def _up(reach: Floats) -> npt.NDArray[np.float16]:
    """Rounded up to f16."""
    with np.errstate(over="ignore", under="ignore"):
        found = reach.astype("<f2")
        return np.where(found.astype(np.float64) < reach, np.nextafter(found, np.float16(np.inf)), found)


def _unpacked(body: Reading, mode: Mode, count: int, dtype: str) -> Samples:
    if mode in _CODED:
        return _decoded(body, mode, count, dtype)
    if mode in {Mode.EXACT, Mode.EXACT_F32}:
        with np.errstate(invalid="ignore"):
            return _exact(body.array(_KINDS[mode], count).astype(np.float64))
    exponent = int(body.array("<i2", 1)[0])
    with np.errstate(invalid="ignore", over="ignore"):
        values = body.array("<f4", count).astype(np.float64)
        below = np.ldexp(body.array("<f2", count).astype(np.float64), exponent)
        above = below if mode is Mode.EVEN else np.ldexp(body.array("<f2", count).astype(np.float64), exponent)
        low, high = values - below, values + above
    unknown = np.isnan(values)
    return Samples(values, np.where(unknown, -np.inf, low), np.where(unknown, np.inf, high))


def _decoded(body: Reading, mode: Mode, count: int, dtype: str) -> Samples:
    """By the type's own rule, from its codes or from narrower ones."""
    if mode is Mode.CODES and dtype in floats.WIDTHS and dtype not in {"F32", "F64"}:
        return floats.samples(dtype, body.array("u1", count * floats.WIDTHS[dtype]))
    if mode is Mode.CODES or dtype != "F32":
        raise ValueError(DAMAGED)
    found = body.array(_KINDS[mode], count)
    if mode is Mode.F16:
        found = codes.f16_bits(found.astype(np.uint16))
    elif mode is Mode.BF16:
        found = codes.bf16_bits(found.astype(np.uint16))
    return floats.samples("F32", found.view(np.uint8))


def _alike(left: Samples, right: Samples) -> npt.NDArray[np.bool_]:
    """Which samples are the same."""
    found = np.ones(len(left.values), np.bool_)
    for one, other in zip(left, right, strict=True):
        found &= (one == other) | (np.isnan(one) & np.isnan(other))
    return found
