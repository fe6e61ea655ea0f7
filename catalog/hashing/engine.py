"""One read of a file feeds every digest that a plan asks for, the tensors' among them."""

from __future__ import annotations

import os
import time
from functools import lru_cache, partial
from typing import TYPE_CHECKING, NamedTuple

from catalog.errors import Cancelled, ChangedFile
from catalog.hashing import DEFINITIONS, definition, sha256
from catalog.hashing.base import Definition, FileDigests, OpenFileLike, Plan, Share, Target
from catalog.hashing.conveyor import Consume, Conveyor
from catalog.hashing.reading import Reader, truncated
from catalog.hashing.sha256 import Sha256
from catalog.hashing.tensors import TensorLane, begun
from catalog.storage.values import Snapshot
from catalog.vocabulary import Algorithm, FindingCode

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from catalog.hashing.base import Lane, Takes

THREADS_FROM = 2 << 20  # measured: below it, starting threads costs as much as they save
BLOCK = 2 << 20  # measured: half of it costs more handing over, twice as much falls out of the cache
SMALL_BLOCK = 128 << 10  # the least that is worth handing over
DEPTH = 8  # so 16 MiB of ring at most, for a file of any size
DEPTH_ALONE = 4  # BLAKE3 alone outruns the reader: a short ring stays in the second-level cache

_PAIR = frozenset({Algorithm.SHA256.value, Algorithm.AUTOV3.value})

STOPPED = "The reading was stopped; nothing of it counts."


def digest_file(
    file: OpenFileLike,
    plan: Plan,
    *,
    progress: Callable[[int], None] | None = None,
    cancelled: Callable[[], bool] | None = None,
    keep_cache: bool = False,
) -> FileDigests:
    """Read the file once and compute all that the plan asks for.

    `progress` is told the bytes of this file read so far, `cancelled` is asked, both after each block of at most
    2 MiB and in the calling thread: they should be quick. With `keep_cache` the pages that this read brings into the
    system's cache stay there; else, from 64 MiB on, they are dropped again.

    Raises ValueError for an unknown algorithm, ChangedFile if the file was written to while or before it was read,
    MalformedFile if it ends too early, UnreadableFile if the disk fails, and Cancelled.
    """
    started = time.perf_counter()
    before = _snapshot(file)
    shares = _paired(_shares(plan, before.size), before.size)
    tensors = TensorLane([tensor for tensor in plan.tensors if tensor.stored is None], before.size)
    reader = Reader(file, keep_cache=keep_cache)
    wanting: tuple[TensorLane | Lane, ...] = (tensors, *plan.lanes)
    _read(reader, shares, [lane for lane in wanting if lane.stop], progress or _ignore, cancelled or _never)
    digests = _with_stored(reader, plan, tensors.digests(), cancelled or _never)
    if not before.same_moment(Snapshot.of(os.fstat(file.fileno()))):
        raise ChangedFile(FindingCode.CHANGING)
    return FileDigests(
        digests={share.name: share.hasher.digest() for share in shares},
        tensors=digests,
        bytes_read=reader.bytes_read,
        seconds=time.perf_counter() - started,
    )


def _snapshot(file: OpenFileLike) -> Snapshot:
    """The stat before the read; it has to agree with what the caller knows of the file."""
    now = Snapshot.of(os.fstat(file.fileno()))
    known = getattr(file, "snapshot", None)
    if file.size != now.size or (isinstance(known, Snapshot) and not known.same_moment(now)):
        raise ChangedFile(FindingCode.CHANGING)
    return now


def _shares(plan: Plan, size: int) -> list[Share]:
    if plan.body is not None and plan.body > size:
        raise truncated(plan.body, size)
    alone = len(plan.algorithms) == 1 and not plan.tensors and not plan.lanes
    target = Target(size, plan.body, alone=alone and size >= THREADS_FROM)
    shares = []
    for known in _ordered(plan.algorithms):
        begun = known.begin(target)
        if begun is not None and begun[2] > begun[1]:  # a digest of nothing names nothing
            shares.append(Share(known.name, *begun, light=known.light))
    return shares


def _paired(shares: list[Share], size: int) -> list[Share]:
    """The shares, with the SHA-256 of the file and of its body such that they can be computed in turn."""
    both = [share for share in shares if share.name in _PAIR]
    if size < sha256.WORTH or len(both) < len(_PAIR):
        return shares
    loops = sha256.loops()
    if loops is None:
        return shares
    return [share._replace(hasher=Sha256(loops)) if share.name in _PAIR else share for share in shares]


@lru_cache(maxsize=64)
def _ordered(names: frozenset[str]) -> tuple[Definition, ...]:
    """The definitions in the order of the register, then others by name."""
    chosen = {definition(name) for name in names}
    return *(known for known in DEFINITIONS if known in chosen), *sorted(chosen - {*DEFINITIONS}, key=_name)


def _name(known: Definition) -> str:
    return known.name


def _read(
    reader: Reader,
    shares: list[Share],
    own: Sequence[TensorLane | Lane],
    progress: Callable[[int], None],
    cancelled: Callable[[], bool],
) -> None:
    """Read from the first byte that anybody wants to the last."""
    start = min([share.start for share in shares] + [lane.start for lane in own], default=0)
    stop = max([share.stop for share in shares] + [lane.stop for lane in own], default=0)
    lanes = _lanes(shares, own)
    if cancelled():
        raise Cancelled(STOPPED)
    if stop - start < THREADS_FROM:
        _read_at_once(reader, lanes, start, stop)
        progress(stop)
        return
    block = min(BLOCK, max(SMALL_BLOCK, (stop - start) // 16 & -SMALL_BLOCK))
    with Conveyor(lanes, start, stop, block=block, depth=DEPTH if len(lanes) > 1 else DEPTH_ALONE) as conveyor:
        for offset in range(start, stop, block):
            if cancelled():
                raise Cancelled(STOPPED)
            reader.fill(conveyor.room(), offset)
            conveyor.send()
            progress(min(offset + block, stop))


def _with_stored(
    reader: Reader, plan: Plan, plain: tuple[bytes, ...], cancelled: Callable[[], bool]
) -> tuple[bytes, ...]:
    """The digests of all tensors in their order; those that do not lie plainly in the file are read now, once each."""
    if len(plain) == len(plan.tensors):
        return plain
    from catalog.hashing.stored import feed  # noqa: PLC0415 # it brings NumPy, for which nearly no file has a use

    known: dict[object, bytes] = {}
    left = iter(plain)

    def check() -> None:
        if cancelled():
            raise Cancelled(STOPPED)

    found = []
    for tensor in plan.tensors:
        if tensor.stored is None:
            found.append(next(left))
            continue
        same = tensor._replace(name="")
        if same not in known:
            hasher = begun(tensor)
            others = [values for lane in plan.lanes if (values := lane.stored(tensor)) is not None]
            feed(reader, tensor, _Together((hasher, *others)) if others else hasher, check)
            for values in others:
                values.close()
            known[same] = hasher.digest()
        found.append(known[same])
    return tuple(found)


class _Together(NamedTuple):
    """Several that take the same bytes."""

    takers: tuple[Takes, ...]

    def update(self, data: memoryview, /) -> None:
        """The next bytes."""
        for taker in self.takers:
            taker.update(data)


def _lanes(shares: list[Share], own: Sequence[TensorLane | Lane]) -> list[Consume]:
    """A lane for each costly digest, one for all light ones, and those that have one of their own."""
    pair = [share for share in shares if isinstance(share.hasher, Sha256)]
    alone = [share for share in shares if not share.light and share not in pair]
    lanes: list[Consume] = [partial(_feed_pair, pair[0], pair[1])] if pair else []
    lanes += [partial(_feed, (share,)) for share in alone]
    light = tuple(share for share in shares if share.light)
    if light:
        lanes.append(partial(_feed, light))
    lanes += [lane.take for lane in own]
    return lanes


def _feed(shares: Iterable[Share], block: memoryview, offset: int) -> None:
    """Give each share what it wants of the block."""
    end = offset + len(block)
    for share in shares:
        if share.start <= offset and share.stop >= end:
            share.hasher.update(block)
        elif share.start < end and share.stop > offset:
            share.hasher.update(block[max(0, share.start - offset) : share.stop - offset])


def _feed_pair(one: Share, other: Share, block: memoryview, offset: int) -> None:
    """Give both what they want of the block."""
    pieces = [block[max(0, share.start - offset) : max(0, share.stop - offset)] for share in (one, other)]
    if isinstance(one.hasher, Sha256) and isinstance(other.hasher, Sha256):
        one.hasher.update_with(pieces[0], other.hasher, pieces[1])


def _read_at_once(reader: Reader, lanes: list[Consume], start: int, stop: int) -> None:
    block = memoryview(bytearray(stop - start))
    if not block:
        return
    reader.fill(block, start)
    for lane in lanes:
        lane(block, start)


def _ignore(read: int) -> None:
    """No progress is wanted."""


def _never() -> bool:
    return False
