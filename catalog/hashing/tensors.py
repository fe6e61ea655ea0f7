"""Digests of tensors, computed as their file streams by, and the digests of sets of them.

td(T) = BLAKE3("isotope/tensor/v1" NUL DTYPE NUL u64le(values) bytes): neither name nor shape enter, so that it is
equal wherever the same values lie in the same order in the same type. The sets: see `tensors_v1` and `weights_v1`.
"""

from __future__ import annotations

import re
from functools import lru_cache
from itertools import starmap
from typing import TYPE_CHECKING, NamedTuple

from blake3 import blake3

from catalog.hashing.parts import is_weight, without_copies
from catalog.hashing.reading import truncated

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from catalog.formats.base import TensorInfo

JOINED = 64 * 1024
"""A tensor's first piece is joined with its prefix up to here. Fed alone, the prefix would push all that follows off
the boundaries at which BLAKE3 works on many chunks at once: half the speed at 16 KiB."""

OF_NOTHING = frozenset({blake3(b"isotope/tensors/v1\0").digest(), blake3(b"isotope/weights/v1\0").digest()})
"""What `tensors_v1` and `weights_v1` would be of no tensors at all: nothing has them."""

_ESCAPED = re.compile("␀[0␀]")


class _Span(NamedTuple):
    start: int
    stop: int
    prefix: bytes


class TensorLane:
    """Takes a file's blocks in order and digests the tensors in them, which may overlap or leave gaps.

    What it needs lies from `start` up to `stop`. Raises MalformedFile if a tensor reaches beyond `size`, the file's
    bytes.
    """

    def __init__(self, tensors: Sequence[TensorInfo], size: int) -> None:
        self._wanted = [_span(tensor, size) for tensor in tensors]
        self._digests: dict[_Span, bytes] = {}
        self._spans = sorted(set(self._wanted))
        self.start = self._spans[0].start if self._spans else 0
        self.stop = max((span.stop for span in self._spans), default=0)
        self._next = 0
        self._open: list[tuple[_Span, blake3]] = []

    def take(self, block: memoryview, offset: int) -> None:
        """The next block of the file, which lies at that offset."""
        if self._open:
            self._go_on(block, offset)
        end, at, spans, digests = offset + len(block), self._next, self._spans, self._digests
        while at < len(spans) and spans[at].start < end:
            span = spans[at]
            start, stop, prefix = span
            if stop <= end and stop - start <= JOINED:
                digests[span] = blake3(prefix + block[start - offset : stop - offset]).digest()
            else:
                self._begin(span, block, offset)
            at += 1
        self._next = at

    def digests(self) -> tuple[bytes, ...]:
        """The digests in the order in which the tensors were given; call it after the last block."""
        for span in self._spans[self._next :]:  # empty tensors behind the last byte
            self._digests[span] = blake3(span.prefix).digest()
        self._next = len(self._spans)
        return tuple(self._digests[span] for span in self._wanted)

    def _begin(self, span: _Span, block: memoryview, offset: int) -> None:
        first, last = span.start - offset, min(span.stop - offset, len(block))
        joined = min(first + JOINED - len(span.prefix), last)
        hasher = blake3(span.prefix + block[first:joined])
        hasher.update(block[joined:last])
        self._keep(span, hasher, offset + len(block))

    def _go_on(self, block: memoryview, offset: int) -> None:
        end = offset + len(block)
        going, self._open = self._open, []
        for span, hasher in going:
            hasher.update(block[: span.stop - offset])
            self._keep(span, hasher, end)

    def _keep(self, span: _Span, hasher: blake3, end: int) -> None:
        if span.stop > end:
            self._open.append((span, hasher))
        else:
            self._digests[span] = hasher.digest()


def begun(tensor: TensorInfo) -> blake3:
    """The hasher of one tensor's td, which wants its values: little-endian, in C order."""
    return blake3(prefix(tensor.dtype, tensor.values))


def tensor_digest(dtype: str, values: int, data: bytes | memoryview) -> bytes:
    """td of one tensor whose bytes are at hand: `values` elements of `dtype`, little-endian, C order."""
    hasher = blake3(prefix(dtype, values))
    hasher.update(data)
    return hasher.digest()


def tensors_v1(named: Iterable[tuple[TensorInfo, bytes]]) -> bytes | None:
    """`tensors:v1` of tensors of any type with their td: the same tensors under the same names. None if there are none.

    BLAKE3("isotope/tensors/v1" NUL, then for each tensor in the order of its raw name: length and bytes of the name,
    length and bytes of the type, number of dimensions and the dimensions, td), every number as u64le.
    """
    records = sorted(starmap(_record, named))
    if not records:
        return None
    return blake3(b"isotope/tensors/v1\0" + b"".join(part for record in records for part in record[1:])).digest()


def weights_v1(named: Iterable[tuple[TensorInfo, bytes]]) -> bytes | None:
    """`weights:v1` of tensors with their td: the same weights, whatever their names. None if no tensor is a weight.

    BLAKE3("isotope/weights/v1" NUL, then the different td in order) over all but what `parts.is_weight` leaves out.
    """
    weights = [(tensor.name, digest) for tensor, digest in named if is_weight(tensor)]
    kept = without_copies([name for name, _ in weights])
    digests = {weights[index][1] for index in kept}
    if not digests:
        return None
    return blake3(b"isotope/weights/v1\0" + b"".join(sorted(digests))).digest()


def _span(tensor: TensorInfo, size: int) -> _Span:
    stop = tensor.offset + tensor.nbytes
    if tensor.offset < 0 or tensor.nbytes < 0 or stop > size:
        raise truncated(max(stop, 0), size)
    return _Span(tensor.offset, stop, prefix(tensor.dtype, tensor.values))


@lru_cache(maxsize=4096)
def prefix(dtype: str, values: int) -> bytes:
    """What the values of a tensor follow in its td."""
    return b"isotope/tensor/v1\0" + dtype.encode() + b"\0" + _u64(values)


def _record(tensor: TensorInfo, digest: bytes) -> tuple[bytes, ...]:
    """The raw name to sort by, then what enters the digest."""
    name, dtype = _raw(tensor.name), tensor.dtype.encode()
    dims = b"".join(map(_u64, tensor.shape))
    return name, _u64(len(name)), name, _u64(len(dtype)), dtype, _u64(len(tensor.shape)), dims, digest


def _raw(name: str) -> bytes:
    """The bytes of a name as they are in the file, where the index writes U+0000 as `␀0` and doubles a `␀`."""
    if "␀" in name:
        name = _ESCAPED.sub(lambda found: "\0" if found.group() == "␀0" else "␀", name)
    return name.encode("utf-8", "surrogatepass")


def _u64(number: int) -> bytes:
    return number.to_bytes(8, "little")
