"""Tensors whose values do not lie plainly in the file: read again after the one read, and digested as if they did.

Their digest is that of the logical values, little-endian and in C order, so that a transposed view differs from its
matrix and equals a copy of itself. Memory is bounded whatever the file claims: `_BLOCK` of values, `_SPAN` of the file.
"""

from __future__ import annotations

import re
from itertools import count, product
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from catalog.errors import MalformedFile
from catalog.hashing.varints import varints
from catalog.vocabulary import FindingCode

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    import numpy.typing as npt

    from catalog.formats.base import TensorInfo
    from catalog.hashing.base import Takes
    from catalog.hashing.varints import Filling

    Bytes = npt.NDArray[np.uint8]

_BLOCK = 16 << 20  # bytes of values put in order at once
_LARGE_BLOCK = 96 << 20  # the same where each block is gathered from all over the file: fewer passes
_SPAN = 16 << 20  # bytes of the file read at once
_SMALL = 32 << 10  # a span that is read whole, however few of its values are wanted
_DENSE = 4  # a span is read whole, too, where at least every fourth byte is wanted

_STEPS = 4096  # pieces gathered between two questions whether to go on
_MAX_AXES = 32  # NumPy's limit before 2.0; as many have eight billion values
_VALUES = {1: "u1", 2: "u2", 4: "u4", 8: "u8", 16: "V16"}
"""How NumPy moves values of so many bytes, whatever they mean."""
_BITS = {"BOOL": 8, "C32": 32, "C64": 64, "C128": 128}
"""Bits of a value where the digits of the type's name do not say them."""
_DIGITS = re.compile(r"(?:BF|F|I|U)(\d+)")


class _Axis(NamedTuple):
    """One dimension: values, and bytes from one to the next."""

    length: int
    stride: int


def bits_of(dtype: str) -> int:
    """Bits of one value, by the type's name; what follows a line below (`F8_E4M3`, `C64_CONJ`) changes nothing."""
    name = dtype.partition("_")[0]
    digits = _DIGITS.fullmatch(name)
    return int(digits.group(1)) if digits is not None else _BITS.get(name, 8)


def width_of(dtype: str) -> int:
    """Bytes of one value; 1 for the types that pack several into a byte."""
    return max(1, bits_of(dtype) // 8)


def swap_of(dtype: str) -> int:
    """Bytes that change their order between kinds of machines: of a complex value, each of its two parts."""
    width = width_of(dtype)
    return width // 2 if dtype.startswith("C") else width


def feed(reader: Filling, tensor: TensorInfo, hasher: Takes, check: Callable[[], None]) -> None:
    """Give the hasher the tensor's values in order. `check` is called before each read, and may raise.

    Raises `MalformedFile` where the bytes are not the values that the tensor has.
    """
    for block in blocks(reader, tensor, check):
        hasher.update(np.ascontiguousarray(block).data)


def blocks(reader: Filling, tensor: TensorInfo, check: Callable[[], None]) -> Iterator[Bytes]:
    """The values as bytes, little-endian, in C order, at most `_BLOCK` at once; `feed` says what is raised."""
    stored = tensor.stored
    if stored is not None and stored.varint:
        yield from varints(reader, tensor, bits_of(tensor.dtype), check)
        return
    swap = swap_of(tensor.dtype) if stored is not None and stored.big_endian else 1
    pieces = _strided(reader, tensor, check) if stored is not None and stored.strides else _plain(reader, tensor, check)
    for piece in pieces:
        yield piece.reshape(-1, swap)[:, ::-1] if swap > 1 else piece


def _plain(reader: Filling, tensor: TensorInfo, check: Callable[[], None]) -> Iterator[Bytes]:
    step = _BLOCK  # a multiple of every width
    for at in range(0, tensor.nbytes, step):
        check()
        yield _read(reader, tensor.offset + at, min(step, tensor.nbytes - at))


def _strided(reader: Filling, tensor: TensorInfo, check: Callable[[], None]) -> Iterator[Bytes]:
    """The values of a view: block by block of its C order, each gathered from where it lies."""
    width = width_of(tensor.dtype)
    strides = tensor.stored.strides if tensor.stored is not None else ()
    axes = _joined([_Axis(length, step * width) for length, step in zip(tensor.shape, strides, strict=True)])
    if any(axis.length == 0 for axis in axes):
        return
    if len(axes) > _MAX_AXES or any(axis.stride < 0 for axis in axes) or _span(axes, width) > tensor.nbytes:
        raise malformed("A view that reaches beyond its bytes", tensor)
    whole = _read(reader, tensor.offset, tensor.nbytes) if tensor.nbytes <= _SPAN else None
    split, rows = _split(axes, width, _BLOCK if whole is not None else _LARGE_BLOCK)
    for outer in product(*(range(axis.length) for axis in axes[:split])):
        begin = sum(number * axis.stride for number, axis in zip(outer, axes, strict=False))
        for row in range(0, axes[split].length, rows) if split < len(axes) else (0,):
            check()
            box, at = _rows(axes[split:], row, rows)
            if whole is not None:
                block = np.ascontiguousarray(_view(whole, begin + at, box, width))
            else:
                block = _gather(reader, tensor.offset + begin + at, box, width, check)
            yield block.reshape(-1).view(np.uint8)


def _rows(axes: list[_Axis], first: int, count: int) -> tuple[list[_Axis], int]:
    """At most `count` rows from number `first` on, and the bytes before them."""
    if not axes:
        return axes, 0
    rows = _Axis(min(count, axes[0].length - first), axes[0].stride)
    return [rows, *axes[1:]], first * rows.stride


def _joined(axes: list[_Axis]) -> list[_Axis]:
    """The same values with as few dimensions as possible."""
    found: list[_Axis] = []
    for axis in axes:
        if axis.length == 1:
            continue
        if found and found[-1].stride == axis.length * axis.stride:
            found[-1] = _Axis(found[-1].length * axis.length, axis.stride)
        else:
            found.append(axis)
    return found


def _split(axes: Sequence[_Axis], width: int, most: int) -> tuple[int, int]:
    """Which dimension to cut, and into how many rows, so that each block fits; those after it stay whole."""
    inner = width
    for at in range(len(axes) - 1, -1, -1):
        if inner * axes[at].length > most:
            return at, max(1, most // inner)
        inner *= axes[at].length
    return 0, axes[0].length if axes else 1


def _gather(
    reader: Filling, offset: int, box: Sequence[_Axis], width: int, check: Callable[[], None]
) -> npt.NDArray[np.generic]:
    """The values of one block, whose own span is large: cut along the widest steps until reading pays."""
    block = np.empty([axis.length for axis in box], _VALUES[width])
    left = [(offset, tuple(box), block)]
    for step in count():
        if not left:
            break
        if step % _STEPS == 0:
            check()
        begin, axes, target = left.pop()
        span = _span(axes, width)
        if span <= max(_SMALL, width) or (span <= _SPAN and span <= _DENSE * _wanted(axes, width)):
            target[...] = _view(_read(reader, begin, span), 0, axes, width)
            continue
        widest = max(range(len(axes)), key=lambda at: axes[at].stride if axes[at].length > 1 else -1)
        axis = axes[widest]
        half = axis.length // 2
        for first, length in ((0, half), (half, axis.length - half)):
            cut = (*axes[:widest], _Axis(length, axis.stride), *axes[widest + 1 :])
            index = (slice(None),) * widest + (slice(first, first + length),)
            left.append((begin + first * axis.stride, cut, target[index]))
    return block


def _view(data: Bytes, offset: int, axes: Sequence[_Axis], width: int) -> npt.NDArray[np.generic]:
    """The values of a box that begins at `offset` of the data; NumPy itself refuses one that reaches beyond them."""
    shape, strides = [axis.length for axis in axes], [axis.stride for axis in axes]
    return np.ndarray(shape, _VALUES[width], data, offset, strides)


def _span(axes: Sequence[_Axis], width: int) -> int:
    return width + sum((axis.length - 1) * axis.stride for axis in axes)


def _wanted(axes: Sequence[_Axis], width: int) -> int:
    """Bytes of different values in a box."""
    count = width
    for axis in axes:
        count *= axis.length if axis.stride else 1
    return count


def _read(reader: Filling, offset: int, length: int) -> Bytes:
    room = bytearray(length)
    reader.fill(memoryview(room), offset)
    return np.frombuffer(room, np.uint8)


def malformed(what: str, tensor: TensorInfo) -> MalformedFile:
    """The error for bytes that are not the values of their tensor."""
    return MalformedFile(FindingCode.MALFORMED, what=what, where=f"tensor {tensor.name[:120]}")
