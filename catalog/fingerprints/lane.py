"""One file's part in the fingerprint of its variant: takes the blocks of the one read, as a lane of the conveyor."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from catalog.fingerprints import batches
from catalog.fingerprints.capturing import Capture, cut_out
from catalog.fingerprints.streams import has_lanes, stream
from catalog.hashing.tensors import TensorLane

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    import numpy as np
    import numpy.typing as npt

    from catalog.fingerprints.experts import Part
    from catalog.fingerprints.sketch import Wanted
    from catalog.fingerprints.streams import Stream, Values
    from catalog.formats.base import TensorInfo

_OPEN = 4
"""Tensors may overlap; of more than so many at one place the values are not counted, only cut out."""
_TWICE = 4
"""Nor are those that are left when so many times the file's bytes were."""


class Share(NamedTuple):
    """A tensor that this file holds: its number among the parts, and what is cut out of it, by number in the plan.

    `counted`: its codes are its values, and no scale lies beside it.
    """

    number: int
    part: Part
    wanted: tuple[tuple[int, Wanted], ...] = ()
    counted: bool = True


class _Span:
    """A tensor's place in the file, and what its bytes go to. Equal tensors share their stream."""

    __slots__ = ("captures", "key", "shares", "start", "stop", "stream")

    def __init__(self, tensor: TensorInfo) -> None:
        self.key = _key(tensor)
        self.start, self.stop = tensor.offset, tensor.offset + tensor.nbytes
        self.shares: list[Share] = []
        self.stream: Stream | None = None
        self.captures: list[tuple[int, Capture]] = []


class FileLane:
    """What it needs lies from `start` up to `stop`; 0 and 0 where it needs nothing of the read itself."""

    def __init__(self, shares: Iterable[Share], size: int) -> None:
        spans: dict[tuple[object, ...], _Span] = {}
        self._stored: dict[tuple[object, ...], _Span] = {}
        experts = []
        for share in shares:
            tensor = share.part.tensor
            kept = self._stored if tensor.stored is not None else spans
            kept.setdefault(_key(tensor), _Span(tensor)).shares.append(share)
            if share.part.expert:
                experts.append(share)
        self._spans = sorted(spans.values(), key=_place)
        self._experts = TensorLane([share.part.tensor for share in experts], size)
        self._numbers = [share.number for share in experts]
        self._left = _TWICE * size
        self._next = 0
        self._open: list[_Span] = []
        self.start = self._spans[0].start if self._spans else 0
        self.stop = max((span.stop for span in self._spans), default=0)
        self.values: dict[int, Values] = {}
        self.pieces: dict[int, npt.NDArray[np.uint8]] = {}

    def take(self, block: memoryview, offset: int) -> None:
        """The next block of the file, which lies at that offset."""
        end = offset + len(block)
        if self._numbers:
            self._experts.take(block, offset)
        going, self._open = self._open, []
        for span in going:
            self._feed(span, block[: span.stop - offset], end)
        spans, small = self._spans, []
        while self._next < len(spans) and spans[self._next].start < end:
            span = spans[self._next]
            self._next += 1
            if span.stop <= end and self._together(span):
                small.append(span)
                continue
            self._begin(span)
            self._feed(span, block[span.start - offset : span.stop - offset], end)
        if small:
            self._count(small, block, offset)

    def stored(self, tensor: TensorInfo) -> Stored | None:
        """What wants the logical values of a tensor that does not lie plainly in the file; None if nothing does."""
        span = self._stored.get(_key(tensor))
        if span is None:
            return None
        self._begin(span)
        return Stored(self, span)

    def experts(self) -> Mapping[int, bytes]:
        """td of each expert, by its number among the parts; after the last block."""
        return dict(zip(self._numbers, self._experts.digests(), strict=True))

    def _together(self, span: _Span) -> bool:
        """Whether a tensor that lies in one block is counted with others like it."""
        tensor = span.shares[0].part.tensor
        if self._left < tensor.nbytes or not any(share.counted for share in span.shares) or not batches.fits(tensor):
            return False
        self._left -= tensor.nbytes
        return True

    def _count(self, spans: Sequence[_Span], block: memoryview, offset: int) -> None:
        """Small tensors, those of one type at once."""
        by_type: dict[str, list[_Span]] = {}
        for span in spans:
            by_type.setdefault(span.shares[0].part.tensor.dtype, []).append(span)
        for dtype, alike in by_type.items():
            pieces = [block[span.start - offset : span.stop - offset] for span in alike]
            counts = [span.shares[0].part.tensor.values for span in alike]
            found = batches.count(dtype, bytearray().join(pieces), counts)
            for number, (span, piece) in enumerate(zip(alike, pieces, strict=True)):
                self._keep(span, found[number] if found is not None else _alone(span, piece))
                for share in span.shares:
                    for at, wanted in share.wanted:
                        if (cut := cut_out(piece, wanted)) is not None:
                            self.pieces[at] = cut

    def _begin(self, span: _Span) -> None:
        tensor = span.shares[0].part.tensor
        room = sum(other.stream is not None for other in self._open) < _OPEN and self._left >= tensor.nbytes
        if room and any(share.counted for share in span.shares) and has_lanes(tensor):
            self._left -= tensor.nbytes
            span.stream = stream(tensor)
        span.captures = [
            (number, Capture(wanted)) for share in span.shares for number, wanted in share.wanted if len(wanted.offsets)
        ]

    def _feed(self, span: _Span, data: memoryview, end: int) -> None:
        _update(span, data)
        if span.stop > end:
            self._open.append(span)
        else:
            self.finish(span)

    def finish(self, span: _Span) -> None:
        """All bytes of a tensor were there."""
        values = span.stream.values() if span.stream is not None else None
        span.stream = None
        if values is not None:
            self._keep(span, values)
        for number, capture in span.captures:
            if capture.complete:
                self.pieces[number] = capture.pieces
        span.captures = []

    def _keep(self, span: _Span, values: Values) -> None:
        for share in span.shares:
            if share.counted:
                self.values[share.number] = values


class Stored:
    """Takes a tensor's logical values: little-endian, in C order."""

    def __init__(self, lane: FileLane, span: _Span) -> None:
        self._lane, self._span = lane, span

    def update(self, data: memoryview, /) -> None:
        """The next bytes; not kept."""
        _update(self._span, data.cast("B"))

    def close(self) -> None:
        """All values were there."""
        self._lane.finish(self._span)


def _alone(span: _Span, data: memoryview) -> Values:
    taker = stream(span.shares[0].part.tensor)
    taker.update(data)
    return taker.values()


def _update(span: _Span, data: memoryview) -> None:
    if not data:
        return
    if span.stream is not None:
        span.stream.update(data)
    for _, capture in span.captures:
        capture.update(data)


def _key(tensor: TensorInfo) -> tuple[object, ...]:
    return tensor.offset, tensor.nbytes, tensor.dtype, tensor.shape, tensor.stored


def _place(span: _Span) -> tuple[int, int]:
    return span.start, span.stop
