"""The objects of an HDF5 file: groups with their links, and what a dataset's header says of it.

Definition: HDF5 File Format Specification 3.0, III.A (B-trees, symbol tables), III.D (local heaps), IV.A (object
headers and their messages). Only what h5py writes for weights: addresses of 8 bytes, groups with symbol tables or with
links in their header, numbers in one piece. Everything is read by address; what an address promises is checked.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from catalog.formats.base import malformed

if TYPE_CHECKING:
    from collections.abc import Iterator

    from catalog.formats.base import Source

UNDEFINED = (1 << 64) - 1
MAX_MESSAGES = 65_536  # ours: messages of all headers of one object; a wide group has a link in each
MAX_CHUNKS = 4096  # ours: pieces of one object's header
MAX_CHUNK = 16_777_216  # ours: bytes of one piece of a header
MAX_READS = 150_000  # ours: pieces read of one file; the largest have some ten thousand objects
MAX_ENTRIES = 250_000  # ours: messages of all headers, entries of all groups and of their trees
MAX_BYTES = 134_217_728  # ours: bytes of all these
MAX_NAME = 4096
MAX_HEAP = 16_777_216

DATASPACE, LINK_INFO, DATATYPE, LINK, LAYOUT, FILTERS, CONTINUATION, SYMBOLS = 1, 2, 3, 6, 8, 11, 16, 17
_HEADS = {b"TREE": 24, b"SNOD": 8, b"HEAP": 32}
_ENTRY = 40  # bytes of a symbol's entry


class Message(NamedTuple):
    """One message of an object's header; `at` is where its data begins in the file."""

    kind: int
    data: bytes
    at: int


class Objects:
    """Reads objects of one file, whose addresses count from `base`."""

    def __init__(self, source: Source, base: int) -> None:
        self._source, self._base = source, base
        self._reads = self._spent = self._counted = 0

    def messages(self, address: int) -> list[Message]:
        """All messages of the object whose header lies there, in their order."""
        newer = self.take(address, 4) == b"OHDR"
        found: list[Message] = []
        chunks = [self._newer_chunk(address) if newer else self._older_chunk(address)]
        for count, (at, length, ordered) in enumerate(chunks):
            if count > MAX_CHUNKS or length > MAX_CHUNK:
                raise malformed("A header without end", f"byte {self._base + address}")
            data = self.take(at, length)
            for message in self._newer(data, at, ordered=ordered) if newer else self._older(data, at):
                self._count(1, address)
                found.append(message)
                if message.kind == CONTINUATION:
                    begin, size = number(message.data, 0), number(message.data, 8)
                    chunks.append((begin + 4, size - 8, ordered) if newer else (begin, size, ordered))
            if len(found) > MAX_MESSAGES:
                raise malformed("A header with messages without end", f"byte {self._base + address}")
        return found

    def links(self, messages: list[Message]) -> Iterator[tuple[str, int]]:
        """Names and addresses of the objects in a group; nothing for a dataset."""
        for message in messages:
            if message.kind == LINK:
                link = _link(message)
                if link is not None:
                    yield link
            elif message.kind == SYMBOLS:
                yield from self._symbols(number(message.data, 0), number(message.data, 8))

    def dense(self, messages: list[Message]) -> bool:
        """Are links kept in a heap that is not read here?"""
        for message in messages:
            if message.kind == LINK_INFO and len(message.data) >= 18:
                after = 2 + 8 * (message.data[1] & 1)
                return number(message.data, after) != UNDEFINED
        return False

    def take(self, address: int, length: int) -> bytes:
        """Bytes at an address."""
        self._reads += 1
        self._spent += length
        if self._reads > MAX_READS or self._spent > MAX_BYTES:
            raise malformed("More headers than are read", f"address {address}")
        return self._source.read_at(self.place(address, length), length)

    def _count(self, entries: int, address: int) -> None:
        self._counted += entries
        if self._counted > MAX_ENTRIES:
            raise malformed("Headers without end", f"address {address}")

    def place(self, address: int, length: int) -> int:
        """The offset in the file of so many bytes at an address."""
        at = self._base + address
        if address == UNDEFINED or length < 0 or at + length > self._source.size:
            raise malformed("An address beyond the end of the file", f"address {address}")
        return at

    def _older_chunk(self, address: int) -> tuple[int, int, bool]:
        head = self.take(address, 16)
        if head[0] != 1:
            raise malformed("An object's header of an unknown version", f"byte {self._base + address}")
        return address + 16, number(head, 8, 4), False

    def _newer_chunk(self, address: int) -> tuple[int, int, bool]:
        flags = self.take(address, 6)[5]
        at = address + 6 + 16 * bool(flags & 32) + 4 * bool(flags & 16)
        width = 1 << (flags & 3)
        return at + width, number(self.take(at, width), 0, width), bool(flags & 4)

    def _older(self, data: bytes, at: int) -> Iterator[Message]:
        place = 0
        while place + 8 <= len(data):
            size = number(data, place + 2, 2)
            yield Message(number(data, place, 2), data[place + 8 : place + 8 + size], at + place + 8)
            place += 8 + size

    def _newer(self, data: bytes, at: int, *, ordered: bool) -> Iterator[Message]:
        place, head = 0, 6 if ordered else 4
        while place + head <= len(data):
            size = number(data, place + 1, 2)
            yield Message(data[place], data[place + head : place + head + size], at + place + head)
            place += head + size

    def _symbols(self, tree: int, heap: int) -> Iterator[tuple[str, int]]:
        """The links of a group with a symbol table: a B-tree of nodes, whose names lie in a heap."""
        head = self._node(heap, b"HEAP")
        names = self.take(number(head, 24), min(number(head, 8), MAX_HEAP))
        waiting = [tree]
        while waiting:
            address = waiting.pop()
            if self.take(address, 4) == b"SNOD":
                yield from self._entries(address, names)
                continue
            node = self._node(address, b"TREE")
            used = number(node, 6, 2)
            self._count(used, address)
            keys = self.take(address + 24, 16 * used + 8)
            waiting += [number(keys, 8 + 16 * child) for child in reversed(range(used))]

    def _entries(self, address: int, names: bytes) -> Iterator[tuple[str, int]]:
        count = number(self._node(address, b"SNOD"), 6, 2)
        self._count(count, address)
        table = self.take(address + 8, _ENTRY * count)
        for at in range(0, len(table), _ENTRY):
            begin = number(table, at)
            name, end, _ = names[begin : begin + MAX_NAME].partition(b"\0")
            if not end:
                raise malformed("A name that does not end", f"address {address}")
            if number(table, at + 16, 4) != 2:  # a symbolic link names another place of the same file
                yield name.decode("utf-8", "backslashreplace"), number(table, at + 8)

    def _node(self, address: int, magic: bytes) -> bytes:
        head = self.take(address, _HEADS[magic])
        if not head.startswith(magic):
            raise malformed(f"No {magic.decode()} where one should be", f"address {address}")
        return head


def number(data: bytes, at: int, width: int = 8) -> int:
    """A number of `width` bytes. Raises `MalformedFile` where they are not there."""
    if at + width > len(data):
        raise malformed("A header that is too short", "a message of an object")
    return int.from_bytes(data[at : at + width], "little")


def _link(message: Message) -> tuple[str, int] | None:
    """Name and address of a hard link; None for others."""
    data = message.data
    flags = number(data, 1, 1)
    at = 2
    kind = number(data, at, 1) if flags & 8 else 0
    at += bool(flags & 8) + 8 * bool(flags & 4) + bool(flags & 16)
    width = 1 << (flags & 3)
    length = number(data, at, width)
    name = data[at + width : at + width + length]
    if length > MAX_NAME or len(name) < length:
        raise malformed("A name that does not end", "a link")
    return (name.decode("utf-8", "backslashreplace"), number(data, at + width + length)) if kind == 0 else None
