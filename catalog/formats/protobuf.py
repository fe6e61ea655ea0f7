"""The wire format of protobuf, walked by offset: long fields are passed over, whatever they hold is never in memory.

Definition: https://protobuf.dev/programming-guides/encoding. Stricter than parsers are where no writer goes: a known
field of another wire type, a group, or a number longer than it may be is refused instead of being kept as unknown.
Messages are described by a `Message`; every field that nobody asks for is checked by it, to the last nested one, so
that nothing is taken that a parser would refuse. Depth, fields and numbers counted are bounded; nothing recurses.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, NamedTuple, TypeAlias

from catalog.formats.base import Source, malformed, truncated

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

VARINT, FIXED64, LENGTH, FIXED32 = 0, 1, 2, 5
"""Wire types; 3 and 4 are the groups of old, which nobody writes."""

MAX_SIZE = (1 << 31) - 1  # no parser takes a longer message
MAX_DEPTH = 100  # CodedInputStream: default recursion limit
MAX_FIELDS = 2_000_000  # ours: fields walked in one file; the largest graphs have a million
MAX_COUNTED = 67_108_864  # ours: bytes of packed numbers counted in one file

_WITH_NUMBER = frozenset((VARINT, LENGTH))
_FIRST_WINDOW = 4096
_MAX_WINDOW = 1_048_576
_NEAR = 16_384  # bytes that are read sooner than passed over
_LONGEST_FIELD = 20  # of a tag and a number: 5 and 10 bytes, rounded up
_BLOCK = 1_048_576
_GOES_ON = bytes(range(0x80, 0x100))
_TOO_LONG = re.compile(rb"[\x80-\xff]{10}|[\x80-\xff]{9}[\x02-\x7f]")


class Kind(NamedTuple):
    """What a field holds that is no message: the wire type of one value, and whether many may stand in one field."""

    single: int
    packed: bool = False


INT = Kind(VARINT)
INTS = Kind(VARINT, packed=True)
FLOAT = Kind(FIXED32)
FLOATS = Kind(FIXED32, packed=True)
DOUBLES = Kind(FIXED64, packed=True)
BYTES = Kind(LENGTH)


class Message:
    """A message of a schema. `inside`: by tag what lies in a field with a length, a message or packed values."""

    __slots__ = ("inside", "known", "name", "tags")

    def __init__(self, name: str) -> None:
        self.name = name
        self.tags: set[int] = set()
        self.known: set[int] = set()
        self.inside: dict[int, Message | Kind] = {}


def schema(fields: Mapping[str, Mapping[int, Kind | str]]) -> dict[str, Message]:
    """Messages from their fields by number; a text names the message that a field holds."""
    messages = {name: Message(name) for name in fields}
    for name, numbers in fields.items():
        message = messages[name]
        message.known.update(numbers)
        for number, what in numbers.items():
            if isinstance(what, str):
                message.inside[number << 3 | LENGTH] = messages[what]
            else:
                message.tags.add(number << 3 | what.single)
                if what.packed:
                    message.inside[number << 3 | LENGTH] = what
        message.tags.update(message.inside)
    return messages


Field: TypeAlias = "tuple[int, int, int, int]"
"""Tag (number * 8 + wire type), where the value begins and ends in the file, and the number that a varint is, or 0."""


class Wire:
    """Walks the messages of one file. Every method raises `MalformedFile` for what a parser would refuse."""

    def __init__(self, source: Source) -> None:
        self._source, self._size = source, source.size
        self._data, self._base, self._last = b"", 0, -1
        self._next_window = _FIRST_WINDOW
        self._steps = self._counted = 0
        if self._size > MAX_SIZE:
            raise malformed(f"A protobuf of {self._size:,} bytes, more than any program reads", "its length")

    def fields(self, message: Message, at: int, stop: int, wanted: frozenset[int], depth: int) -> Iterator[Field]:
        """The fields of a message whose numbers are wanted, in their order; all others are checked and passed over."""
        while at < stop:
            field = tag, begin, at, _ = self._field(message, at, stop)
            if tag >> 3 in wanted:
                yield field
            elif tag & 7 == LENGTH:
                self.look_inside(message, tag, begin, at, depth)

    def look_inside(self, message: Message, tag: int, at: int, stop: int, depth: int) -> None:
        """Checks the value of one field of a message that has this depth."""
        inside = message.inside.get(tag)
        if isinstance(inside, Message):
            self.check_depth(depth + 1, at)
            self.check(inside, at, stop, depth + 1)
        elif inside is not None:
            self.count(inside, at, stop)

    def check(self, message: Message, at: int, stop: int, depth: int) -> None:
        """Looks through a message, and those in it, that nobody wants anything of."""
        above: list[tuple[Message, int]] = []
        while True:
            if at == stop:
                if not above:
                    return
                message, stop = above.pop()
                continue
            tag, begin, end, _ = self._field(message, at, stop)
            inside = message.inside.get(tag)
            if isinstance(inside, Message):
                above.append((message, stop))
                message, at, stop = inside, begin, end
                self.check_depth(depth + len(above), at)
                continue
            if inside is not None:
                self.count(inside, begin, end)
            at = end

    def check_depth(self, depth: int, at: int) -> None:
        """Refuses a message that lies deeper than parsers go; the outermost has depth 0."""
        if depth > MAX_DEPTH:
            raise malformed(f"Messages nested deeper than {MAX_DEPTH}", f"byte {at}")

    def count(self, kind: Kind, at: int, stop: int) -> int | None:
        """How many values a packed field holds; None of varints where so many were counted that it takes too long."""
        if kind.single != VARINT:
            width = 4 if kind.single == FIXED32 else 8
            if (stop - at) % width:
                raise malformed("Packed numbers of which the last one is cut off", f"byte {at}")
            return (stop - at) // width
        return self._count_varints(at, stop)

    def raw(self, at: int, stop: int) -> bytes:
        """The bytes of a value, which the caller knows to be few."""
        begin, end = at - self._base, stop - self._base
        if begin >= 0 and end <= len(self._data):
            return self._data[begin:end]
        return self._source.read_at(at, stop - at)

    def text(self, at: int, stop: int, longest: int) -> str:
        """A name: UTF-8 of at most `longest` bytes."""
        if stop - at > longest:
            raise malformed(f"A name of {stop - at:,} bytes", f"byte {at}")
        try:
            return self.raw(at, stop).decode()
        except UnicodeDecodeError as error:
            raise malformed("A name that is not UTF-8", f"byte {at}") from error

    def _field(self, message: Message, position: int, end: int) -> Field:
        """The field at a position. In one piece, since it runs for each of some hundred thousand of them."""
        self._steps += 1
        index = position - self._base
        if not 0 <= index <= self._last:
            index = self._load(position)
        data, base, value = self._data, self._base, 0
        try:
            tag, index = (data[index], index + 1) if data[index] < 128 else _varint(data, index, 5, base)
            at, wire = base + index, tag & 7
            if wire in _WITH_NUMBER:
                value, index = (data[index], index + 1) if data[index] < 128 else _varint(data, index, 10, base)
        except IndexError:
            raise truncated(base + len(data) + 1, self._size) from None
        stop = base + index
        if wire == LENGTH:
            at, stop, value = stop, stop + value, 0
        elif wire != VARINT:
            stop = at + _width(wire, position)
        if stop > end or tag not in message.tags:
            self._refuse(message, tag, position, stop, end)
        return tag, at, stop, value

    def _refuse(self, message: Message, tag: int, position: int, stop: int, end: int) -> None:
        """Lets only those pass that are not known, and end where they may."""
        if stop > end == self._size:
            raise truncated(stop, self._size)
        if stop > end:
            raise malformed("A field that reaches beyond its message", f"byte {position}")
        if tag not in message.tags and (tag >> 3 in message.known or tag < 8):
            raise malformed(f"Field {tag >> 3} of {message.name} with wire type {tag & 7}", f"byte {position}")

    def _load(self, position: int) -> int:
        """A window that begins here, at index 0: small after a jump, growing as long as one follows the other."""
        if self._steps > MAX_FIELDS:
            raise malformed(f"More fields than are read ({MAX_FIELDS:,})", f"byte {position}")
        follows = self._base <= position <= self._base + len(self._data) + _NEAR
        self._next_window = min(self._next_window * 4, _MAX_WINDOW) if follows else _FIRST_WINDOW
        length = min(self._next_window, self._size - position)
        self._data, self._base = self._source.read_at(position, length), position
        self._last = length - (_LONGEST_FIELD if position + length < self._size else 1)
        return 0

    def _count_varints(self, at: int, stop: int) -> int | None:
        if stop == at:
            return 0
        if self.raw(stop - 1, stop)[0] > 127:
            raise malformed("Packed numbers of which the last one is cut off", f"byte {at}")
        self._counted += stop - at
        if self._counted > MAX_COUNTED:
            return None
        count, before = 0, b""
        for begin in range(at, stop, _BLOCK):
            block = self.raw(begin, min(begin + _BLOCK, stop))
            count += len(block.translate(None, _GOES_ON))
            block = before + block
            if _TOO_LONG.search(block):
                raise malformed("A number of more than 64 bits", f"byte {begin}")
            before = block[-9:]
        return count


def _width(wire: int, position: int) -> int:
    if wire == FIXED32:
        return 4
    if wire == FIXED64:
        return 8
    raise malformed(f"A field of wire type {wire}", f"byte {position}")


def _varint(data: bytes, index: int, longest: int, base: int) -> tuple[int, int]:
    """A number of at most `longest` bytes, and the index after it. Raises `IndexError` where the bytes run out."""
    value = 0
    for shift in range(0, 7 * longest, 7):
        byte = data[index]
        index += 1
        value |= (byte & 127) << shift
        if byte < 128:
            if value >> (32 if longest == 5 else 64):
                break
            return value, index
    raise malformed("A number that is too long", f"byte {base + index}")


def signed(value: int) -> int:
    """A varint as an int64."""
    return value - (1 << 64) if value >> 63 else value
