"""A fingerprint as one value for a database row or an export, and back.

Layout: `ISF1`, one byte (1: what follows is a zlib stream, 0: it is not), then u32le(length of the JSON), the JSON with
names, types and shapes, and the columns one after the other: `_COLUMNS`, lanes, samples. Lanes of a rung that are those
of an earlier one are not repeated. Samples: see `packing_samples`.
"""

from __future__ import annotations

import json
import zlib
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from catalog.fingerprints import packing_samples
from catalog.fingerprints.base import VERSION, Fingerprint, Rung, TensorPrint
from catalog.fingerprints.packing_reading import DAMAGED, Reading

if TYPE_CHECKING:
    from collections.abc import Hashable, Iterable, Mapping, Sequence
    from typing import TypeVar

    import numpy.typing as npt

    from catalog.fingerprints.base import Lanes, Samples

    Item = TypeVar("Item", bound=Hashable)

MAGIC = b"ISF1"
MOST = 512 << 20
"""Bytes that a packed fingerprint may unfold to: some 300,000 tensors."""
_LEAST = 1 << 12  # bytes that compressing makes little shorter
_LITTLE = 1 << 14  # bytes for which the best compression is not worth its time
_AT_ONCE = 4096  # tensors
_RUNGS = len(Rung)
_TD, _F16, _BF16, _F16_IS_TD, _BF16_IS_TD, _LANES, _EXACT_F16, _EXACT_BF16, _CODES, _EXTREMES = (
    1 << bit for bit in range(10)
)
"""Flags of a tensor: what it has."""


def pack(fingerprint: Fingerprint) -> bytes:
    """Values and intervals of quantised types are kept as f32, the intervals never narrower; all else exactly."""
    tensors = fingerprint.tensors
    dtypes, shapes = _numbered(one.dtype for one in tensors), _numbered(one.shape for one in tensors)
    modes, samples = packing_samples.pack(tensors)
    text = json.dumps(
        {
            "version": fingerprint.version,
            "name": fingerprint.name,
            "names": [one.name for one in tensors],
            "dtypes": list(dtypes),
            "shapes": list(shapes),
            "dtype": [dtypes[one.dtype] for one in tensors],
            "shape": [shapes[one.shape] for one in tensors],
            "samples": [packing_samples.count(one) for one in tensors],
        },
        separators=(",", ":"),
    ).encode()
    body = b"".join([len(text).to_bytes(4, "little"), text, bytes(modes), *_columns(tensors), samples])
    if len(body) > MOST:
        raise ValueError(f"{len(body):,} bytes are more than a fingerprint may have")
    small = zlib.compress(body, 6 if len(body) > _LITTLE else 1) if len(body) > _LEAST else body
    return MAGIC + (b"\1" + small if len(small) < len(body) else b"\0" + body)


def unpack(packed: bytes) -> Fingerprint:
    """The reverse of `pack`. Raises ValueError for anything that `pack` did not make."""
    body = Reading(_unfolded(packed))
    columns = body.document(int.from_bytes(body.take(4), "little"))
    if columns.get("version") != VERSION:
        raise ValueError("this fingerprint is of another version")
    names, dtypes, shapes = _named(columns)
    modes = list(body.take(len(names)))
    counts = _counts(columns, len(names))
    prints = _prints(body, names, dtypes, shapes)
    samples = packing_samples.unpack(body, modes, counts, dtypes)
    body.end()
    return Fingerprint(str(columns.get("name", "")), tuple(map(_with_samples, prints, samples)))


def _with_samples(tensor: TensorPrint, samples: Samples) -> TensorPrint:
    return tensor._replace(samples=samples)


def _unfolded(packed: bytes) -> bytes:
    if not packed.startswith(MAGIC) or packed[len(MAGIC) : len(MAGIC) + 1] not in {b"\0", b"\1"}:
        raise ValueError("this is no packed fingerprint")
    body = packed[len(MAGIC) + 1 :]
    if packed[len(MAGIC)] == 0:
        return body
    stream = zlib.decompressobj()
    try:
        found = stream.decompress(body, MOST)
    except zlib.error as error:
        raise ValueError(DAMAGED) from error
    if not stream.eof or stream.unused_data:
        raise ValueError("this packed fingerprint is cut off, or larger than one may be")
    return found


def _named(columns: Mapping[str, object]) -> tuple[list[str], list[str], list[tuple[int, ...]]]:
    """Name, type and shape of each tensor."""
    names, dtypes, shapes = (_list(columns, key) for key in ("names", "dtypes", "shapes"))
    try:
        sizes = [tuple(int(length) for length in shape) for shape in shapes]
        found = (
            [str(name) for name in names],
            [str(dtypes[int(at)]) for at in _list(columns, "dtype")],
            [sizes[int(at)] for at in _list(columns, "shape")],
        )
    except (TypeError, IndexError, OverflowError) as error:
        raise ValueError(DAMAGED) from error
    if not len(found[0]) == len(found[1]) == len(found[2]) or not all(map(_possible, sizes)):
        raise ValueError(DAMAGED)
    return found


def _possible(shape: Sequence[int]) -> bool:
    """Is it a shape that a file can have? Of more values than an address can count it is not."""
    values = 0 if 0 in shape else 1
    for length in shape:
        values *= length
        if length < 0 or values >> 64:
            return False
    return True


def _counts(columns: Mapping[str, object], tensors: int) -> list[int]:
    counts = _list(columns, "samples")
    if len(counts) != tensors or not all(type(count) is int and 0 <= count <= MOST for count in counts):
        raise ValueError(DAMAGED)
    return counts


def _list(columns: Mapping[str, object], key: str) -> list[Any]:
    found = columns.get(key)
    if not isinstance(found, list):
        raise ValueError(DAMAGED)  # noqa: TRY004 - not the caller's mistake
    return found


def _columns(tensors: Sequence[TensorPrint]) -> Iterable[bytes]:
    """In the order in which `_prints` takes them."""
    flags = [_flags(one) for one in tensors]
    yield np.array(flags, "<u2").tobytes()
    yield b"".join(one.td for one in tensors)
    yield b"".join(one.td_f16 for one, has in zip(tensors, flags, strict=True) if has & _F16)
    yield b"".join(one.td_bf16 for one, has in zip(tensors, flags, strict=True) if has & _BF16)
    yield np.array([(one.rms, one.mean) for one in tensors], "<f4").tobytes()
    full = [one for one in tensors if one.lanes is not None]
    yield np.array([one.m32 for one in full], "<u8").tobytes()
    yield np.array([(one.codes_f16, one.codes_bf16) for one in full], "<u2").tobytes()
    yield b"".join(bytes(one.codes) for one in tensors if one.codes)
    yield np.array([one.extremes for one in tensors if one.extremes], "<u2").tobytes()
    lanes = np.array([one.lanes for one in full], "<u8").reshape(-1, _RUNGS, 2)
    same = np.concatenate([_repeated(lanes[at : at + _AT_ONCE]) for at in range(0, len(lanes) or 1, _AT_ONCE)])
    yield same.tobytes()
    yield lanes[same == np.arange(_RUNGS)].tobytes()


def _repeated(lanes: Lanes) -> npt.NDArray[np.uint8]:
    """Of each rung, the first that has the same lanes."""
    found: npt.NDArray[np.uint8] = (lanes[:, :, None] == lanes[:, None]).all(axis=3).argmax(axis=2).astype(np.uint8)
    return found


def _flags(tensor: TensorPrint) -> int:
    has = {
        _TD: tensor.td,
        _F16: tensor.td_f16 and tensor.td_f16 != tensor.td,
        _BF16: tensor.td_bf16 and tensor.td_bf16 != tensor.td,
        _F16_IS_TD: tensor.td and tensor.td_f16 == tensor.td,
        _BF16_IS_TD: tensor.td and tensor.td_bf16 == tensor.td,
        _LANES: tensor.lanes is not None,
        _EXACT_F16: tensor.exact_f16,
        _EXACT_BF16: tensor.exact_bf16,
        _CODES: tensor.codes,
        _EXTREMES: tensor.extremes,
    }
    return sum(flag for flag, there in has.items() if there)


class _Column(NamedTuple):
    """One row for each tensor that has the flag."""

    rows: npt.NDArray[Any]
    number: npt.NDArray[np.int64]

    def of(self, at: int) -> Any:
        """The row of a tensor that has it."""
        return self.rows[self.number[at]]


def _prints(
    body: Reading, names: Sequence[str], dtypes: Sequence[str], shapes: Sequence[tuple[int, ...]]
) -> list[TensorPrint]:
    flags = body.array("<u2", len(names)).astype(np.int64)

    def column(flag: int, kind: str, width: int) -> _Column:
        has = flags & flag > 0
        count = int(has.sum())
        return _Column(body.array(kind, count * width).reshape(count, width), np.cumsum(has) - 1)

    td, f16, bf16 = (column(flag, "u1", 16) for flag in (_TD, _F16, _BF16))
    moments = body.array("<f4", 2 * len(names)).reshape(-1, 2)
    m32, counts = column(_LANES, "<u8", 1), column(_LANES, "<u2", 2)
    codes, extremes = column(_CODES, "u1", _RUNGS), column(_EXTREMES, "<u2", 4)
    lanes = _Column(_lanes(body, len(m32.rows)), m32.number)
    found = []
    for at, has in enumerate(flags.tolist()):
        digest = td.of(at).tobytes() if has & _TD else b""
        known = has & _LANES
        f16_count, bf16_count = counts.of(at).tolist() if known else (0, 0)
        found.append(
            TensorPrint(
                name=names[at],
                dtype=dtypes[at],
                shape=shapes[at],
                td=digest,
                td_f16=f16.of(at).tobytes() if has & _F16 else digest if has & _F16_IS_TD else b"",
                td_bf16=bf16.of(at).tobytes() if has & _BF16 else digest if has & _BF16_IS_TD else b"",
                lanes=lanes.of(at) if known else None,
                m32=int(m32.of(at)[0]) if known else 0,
                exact_f16=bool(has & _EXACT_F16),
                exact_bf16=bool(has & _EXACT_BF16),
                codes_f16=f16_count,
                codes_bf16=bf16_count,
                rms=float(moments[at, 0]),
                mean=float(moments[at, 1]),
                codes=tuple(codes.of(at).tolist()) if has & _CODES else (),
                extremes=tuple(extremes.of(at).tolist()) if has & _EXTREMES else (),
            )
        )
    return found


def _lanes(body: Reading, tensors: int) -> Lanes:
    """Of each tensor that has them."""
    same = body.array("u1", tensors * _RUNGS).reshape(tensors, _RUNGS).astype(np.int64)
    own = same == np.arange(_RUNGS)
    if (same > np.arange(_RUNGS)).any() or not np.take_along_axis(own, np.minimum(same, _RUNGS - 1), 1).all():
        raise ValueError(DAMAGED)
    rows = body.array("<u8", int(own.sum()) * 2).reshape(-1, 2)
    found = np.zeros((tensors, _RUNGS, 2), np.uint64)
    found[own] = rows
    return np.take_along_axis(found, same[:, :, None], axis=1)


def _numbered(values: Iterable[Item]) -> dict[Item, int]:
    """Each distinct value with the number of its first appearance."""
    numbers: dict[Item, int] = {}
    for value in values:
        numbers.setdefault(value, len(numbers))
    return numbers
