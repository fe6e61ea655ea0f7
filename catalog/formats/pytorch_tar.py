"""PyTorch before 0.1.10: a tar archive of `storages`, `tensors` and `pickle` (torch/serialization.py, `legacy_load`).

The tar itself by POSIX.1-1988, with the extended headers that Python's `tarfile` adds for times.
"""

from __future__ import annotations

import re
import struct
from dataclasses import replace
from typing import TYPE_CHECKING

from catalog.formats.base import malformed, truncated
from catalog.formats.pickle_index import Index, Run, index
from catalog.formats.pickle_machine import Machine, unsafe
from catalog.formats.pickle_opcodes import run
from catalog.formats.pickle_shapes import MAX_DIMS, is_count, storage_type
from catalog.formats.pickle_tape import Tape
from catalog.formats.pickle_torch import Torch
from catalog.formats.pickle_values import Storage, Tensor, Value

if TYPE_CHECKING:
    from catalog.formats.base import Source
    from catalog.formats.pickle_machine import Findings

_BLOCK = 512
_MEMBERS = frozenset({"storages", "tensors", "pickle", "sys_info"})
_MOST_HEADERS = 64
_HARMLESS = re.compile(rb"(?:\d+ (?:[acm]time|[ug]id|[ug]name)=[^\n]*\n)*\0*")
_REGULAR, _EXTENDED = (b"0", b"\0"), b"x"


def read(source: Source, findings: Findings) -> Index:
    """The index of one file. Raises `MalformedFile`, `UnsafeFile`, `UnsupportedFormat`."""
    members = _members(source)
    tapes = {name: Tape(source, place.offset, place.offset + place.nbytes, name) for name, place in members.items()}
    if not {"storages", "tensors", "pickle"} <= tapes.keys():
        raise malformed("A tar archive without PyTorch's three members", "byte 0")
    torch = Torch(findings)
    archive = _Archive(torch, findings)
    root = run(Machine(tapes["pickle"], findings, torch.call, archive.fetch_any))
    if "sys_info" in tapes:
        run(Machine(tapes["sys_info"], findings, torch.call))
    archive.read_storages(tapes["storages"])
    archive.read_tensors(tapes["tensors"])
    if any(tape.left for tape in tapes.values()):
        raise malformed("Bytes behind a member's content", "the archive")
    root = archive.again(Tape(source, *_ends(members["pickle"]), "pickle"))
    return index(torch, root, archive.place, source.size)


def _ends(place: Run) -> tuple[int, int]:
    return place.offset, place.offset + place.nbytes


class _Archive:
    """What the members say, and where each storage lies."""

    def __init__(self, torch: Torch, findings: Findings) -> None:
        self._torch = torch
        self._findings = findings
        self._places: dict[str, Run] = {}
        self._storages: dict[str, Storage] = {}
        self._tensors: dict[str, Tensor] = {}

    def fetch_any(self, key: Value) -> Value:
        """Anything, as long as only the names of the pickle matter."""
        return key[0] if isinstance(key, tuple) and key else None

    def fetch(self, key: Value) -> Value:
        """A container with its source, else a tensor or a storage by its number."""
        if isinstance(key, tuple):
            return self.fetch_any(key)
        found = self._tensors.get(_number(key)) or self._storages.get(_number(key))
        if found is None:
            raise malformed("A tensor that is not in the file", "the pickle")
        return found

    def again(self, tape: Tape) -> Value:
        """The object, now that the tensors in it are known."""
        return run(Machine(tape, self._findings, self._torch.call, self.fetch))

    def read_storages(self, tape: Tape) -> None:
        for _ in range(self._count(tape)):
            told = self._pickle(tape)
            if not isinstance(told, tuple) or len(told) != 3:
                raise malformed("A storage that does not say what it is", tape.place)
            dtype, bits = storage_type(told[2])
            count = tape.number(8)
            nbytes = count * bits // 8
            if nbytes > tape.left:
                raise truncated(tape.position + nbytes, tape.position + tape.left)
            key = _number(told[0])
            self._places[key] = Run(tape.position, nbytes)
            self._storages[key] = Storage(key, dtype, bits, count, count)
            tape.skip(nbytes)
        views = self._pickle(tape)
        for view in views if isinstance(views, list) else ():
            self._add_view(view, tape)

    def read_tensors(self, tape: Tape) -> None:
        for _ in range(self._count(tape)):
            told = self._pickle(tape)
            storage = self._storages.get(_number(told[1])) if isinstance(told, tuple) and len(told) == 3 else None
            dims = tape.number(4)
            tape.skip(4)
            if dims > MAX_DIMS or storage is None or not isinstance(told, tuple):
                raise malformed("A tensor without storage or shape", tape.place)
            numbers = struct.unpack(f"<{2 * dims + 1}q", tape.take(8 * (2 * dims + 1)))
            args = (storage, numbers[-1], numbers[:dims], numbers[dims:-1])
            self._tensors[_number(told[0])] = self._torch.tensor(args, None, tape.place)

    def place(self, storage: Storage) -> Run:
        return self._places[storage.key]

    def _add_view(self, view: Value, tape: Tape) -> None:
        """A storage that is a part of another one: `(key, key of the whole, first, count)`."""
        if not isinstance(view, tuple) or len(view) != 4 or not is_count(view[2]) or not is_count(view[3]):
            raise malformed("A view of a storage that says not which", tape.place)
        whole = self._storages.get(_number(view[1]))
        if whole is None or view[2] + view[3] > whole.whole:
            raise malformed("A view that reaches beyond its storage", tape.place)
        self._storages[_number(view[0])] = replace(whole, start=view[2], used=view[3])

    def _count(self, tape: Tape) -> int:
        count = self._pickle(tape)
        if not is_count(count) or count > tape.left:
            raise malformed("A number of members that is none", tape.place)
        return count

    def _pickle(self, tape: Tape) -> Value:
        return run(Machine(tape, self._findings, self._torch.call))


def _number(key: Value) -> str:
    if isinstance(key, int) and key.bit_length() <= 64:
        return str(key)
    return key[:255] if isinstance(key, str) else ""


def _members(source: Source) -> dict[str, Run]:
    """Where each member lies; nothing else may be in the archive."""
    found: dict[str, Run] = {}
    at = 0
    for _ in range(_MOST_HEADERS):
        head = source.read_at(at, _BLOCK)
        if not head.strip(b"\0"):
            _check_rest(source, at)
            return found
        size, kind = _size(head, at), head[156:157]
        name = head[:100].partition(b"\0")[0].decode("ascii", "replace")
        if at + _BLOCK + size > source.size:
            raise truncated(at + _BLOCK + size, source.size)
        if kind == _EXTENDED:
            _check_extended(source.read_at(at + _BLOCK, min(size, _BLOCK * 16)), at)
        elif kind not in _REGULAR or name not in _MEMBERS or name in found or head[345:500].strip(b"\0"):
            raise unsafe("A member that PyTorch does not write", f"byte {at} of the tar archive")
        else:
            found[name] = Run(at + _BLOCK, size)
        at += _BLOCK + (size + _BLOCK - 1) // _BLOCK * _BLOCK
    raise malformed("A tar archive of too many members", f"byte {at}")


def _size(head: bytes, at: int) -> int:
    """The size of a member, if the header's checksum is right."""
    plain = head[:148] + b" " * 8 + head[156:]
    try:
        size, checksum = int(head[124:136].strip(b"\0 ") or b"0", 8), int(head[148:156].strip(b"\0 ") or b"0", 8)
    except ValueError as error:
        raise malformed("A tar header without a size", f"byte {at}") from error
    if sum(plain) != checksum or size < 0:
        raise malformed("A tar header with a wrong checksum", f"byte {at}")
    return size


def _check_extended(text: bytes, at: int) -> None:
    if not _HARMLESS.fullmatch(text):
        raise unsafe("A tar header that changes what a member is", f"byte {at}")


def _check_rest(source: Source, at: int) -> None:
    """Only zeros may follow, up to the size of a tape's record."""
    if source.size - at > 20 * _BLOCK or source.read_at(at, source.size - at).strip(b"\0"):
        raise unsafe("Bytes behind the tar archive", f"byte {at}")
