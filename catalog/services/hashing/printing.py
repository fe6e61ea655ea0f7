"""The fingerprint of one place, made in the read that digests it. Where it fails, the digests remain."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, NamedTuple

from catalog.errors import MISTAKES
from catalog.fingerprints import keys, packing
from catalog.fingerprints.building import Builder, Rounded
from catalog.hashing.parts import parts_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from catalog.fingerprints.base import Fingerprint, Key
    from catalog.fingerprints.lane import FileLane
    from catalog.formats import TensorInfo
    from catalog.formats.packing import Unpacked
    from catalog.hashing.base import Lane, Values

log = logging.getLogger(__name__)

MOST_TENSORS = 200_000
"""Each takes some six kilobytes while its fingerprint is made. The largest models have half as many."""


class Print(NamedTuple):
    """The fingerprint of one part, packed, with what it is found by."""

    name: str
    packed: bytes
    keys: tuple[Key, ...]
    core_tensors: int
    core_values: int
    exact: keys.Exact


class Printed(NamedTuple):
    """Of a whole place. `rounded` are the digests of its tensors in 16 bits; None where nothing is known."""

    prints: tuple[Print, ...] = ()
    rounded: Rounded | None = None


class Printer:
    """Gives each file's read a lane, and afterwards the prints. After a failure it gives nothing."""

    def __init__(self, index: Unpacked | None, names: Sequence[bytes]) -> None:
        self._builder: Builder | None = None
        if index is None or not 0 < len(index.tensors) <= MOST_TENSORS:
            return
        try:
            self._builder = Builder(index.tensors, index.metadata, parts_of(index.tensors, names))
        except MISTAKES as error:
            self.fail(error)

    def lanes(self, file: int, size: int) -> tuple[Lane, ...]:
        """For the read of one file, by its number in the place."""
        if self._builder is None:
            return ()
        try:
            return (_Careful(self, self._builder.lane(file, size)),)
        except MISTAKES as error:
            self.fail(error)
            return ()

    def printed(self, tensors: Sequence[bytes]) -> Printed:
        """After all files were read, once; `tensors` are the digests of all tensors."""
        builder, self._builder = self._builder, None
        if builder is None:
            return Printed()
        try:
            rounded = builder.rounded(tensors)
            made = builder.fingerprints(tensors, packable=True)
            del builder  # it holds more of each tensor than what is kept
            return Printed(tuple(_prints(made)), rounded)
        except MISTAKES as error:
            self.fail(error)
            return Printed()

    def fail(self, error: Exception) -> None:
        """There will be no fingerprint; why is in the log."""
        log.error("a fingerprint could not be made", exc_info=error)
        self._builder = None

    @property
    def failed(self) -> bool:
        """Whether there is nothing left to do."""
        return self._builder is None


class _Careful:
    """A lane that nobody hears of any more once it has failed."""

    def __init__(self, printer: Printer, lane: FileLane) -> None:
        self._printer, self._lane = printer, lane
        self.start, self.stop = lane.start, lane.stop

    def take(self, block: memoryview, offset: int) -> None:
        """The next block."""
        if self._printer.failed:
            return
        try:
            self._lane.take(block, offset)
        except MISTAKES as error:
            self._printer.fail(error)

    def stored(self, tensor: TensorInfo) -> Values | None:
        """What wants the values of a tensor."""
        if self._printer.failed:
            return None
        try:
            values = self._lane.stored(tensor)
        except MISTAKES as error:
            self._printer.fail(error)
            return None
        return _CarefulValues(self._printer, values) if values is not None else None


class _CarefulValues:
    def __init__(self, printer: Printer, values: Values) -> None:
        self._printer, self._values = printer, values

    def update(self, data: memoryview, /) -> None:
        if self._printer.failed:
            return
        try:
            self._values.update(data)
        except MISTAKES as error:
            self._printer.fail(error)

    def close(self) -> None:
        if self._printer.failed:
            return
        try:
            self._values.close()
        except MISTAKES as error:
            self._printer.fail(error)


def _prints(fingerprints: Iterable[Fingerprint]) -> Iterable[Print]:
    for one in fingerprints:
        yield Print(one.name, packing.pack(one), *keys.index(one))
