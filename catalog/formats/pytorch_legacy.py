"""PyTorch before 1.6, and bare pickles of other programs: one pickle after the other, then the storages.

In order (torch/serialization.py, `_legacy_save`): the magic number, the protocol's version, facts about the system, the
object, the keys of the storages; then each storage as its number of values (8 bytes, little-endian) and the values.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from catalog.formats.base import malformed, truncated
from catalog.formats.pickle_index import Index, Run, index
from catalog.formats.pickle_machine import Machine, unsafe
from catalog.formats.pickle_opcodes import run
from catalog.formats.pickle_tape import Tape
from catalog.formats.pickle_torch import Torch
from catalog.formats.pickle_values import Storage
from catalog.formats.pickle_walks import walk_rest

if TYPE_CHECKING:
    from catalog.formats.base import Source
    from catalog.formats.pickle_machine import Findings
    from catalog.formats.pickle_values import Blob, Value

MAGIC_NUMBER = 0x1950A86A20F9469CFC6C
PROTOCOL_VERSION = 1001

_MOST_PICKLES = 1_000
_LABEL = "the file"


def read(source: Source, findings: Findings) -> Index:
    """The index of one file. Raises `MalformedFile`, `UnsafeFile`, `UnsupportedFormat`."""
    tape = Tape(source, 0, source.size, _LABEL)
    inside = _Inside(source, findings)
    torch = Torch(findings, inside.load)
    first = run(Machine(tape, findings, torch.call, torch.fetch))
    if _is_magic(first):
        root, places = _rest(tape, torch)
        return index(torch, root, lambda storage: _place(places, storage), source.size)
    values = [first]
    while tape.left:
        if len(values) >= _MOST_PICKLES:
            raise malformed(f"More than {_MOST_PICKLES:,} pickles in one file", tape.place)
        values.append(run(Machine(tape, findings, torch.call, torch.fetch)))
    root = values[0] if len(values) == 1 else values
    return index(torch, root, lambda storage: _place(inside.places, storage), source.size)


class _Inside:
    """Storages that lie as whole files inside a plain pickle, for `torch.storage._load_from_bytes` to read."""

    def __init__(self, source: Source, findings: Findings) -> None:
        self.places: dict[str, Run] = {}
        self._source = source
        self._findings = findings

    def load(self, blob: Blob) -> Value:
        """The storage in these bytes of the file. What lies inside them in the same way is not looked into."""
        tape = Tape(self._source, blob.offset, blob.offset + blob.length, "the bytes inside the pickle")
        torch = Torch(self._findings)
        if not _is_magic(run(Machine(tape, self._findings, torch.call, torch.fetch))):
            raise unsafe("Bytes that would be unpickled", tape.place)
        root, places = _rest(tape, torch)
        if not isinstance(root, Storage):
            raise unsafe("Bytes that would be unpickled", tape.place)
        key = f"{blob.offset}/{root.key}"
        self.places[key] = places[root.key]
        return replace(root, key=key)


def _is_magic(value: Value) -> bool:
    return isinstance(value, int) and value == MAGIC_NUMBER


def _rest(tape: Tape, torch: Torch) -> tuple[Value, dict[str, Run]]:
    """What comes behind the magic number: the object, and where each of its storages lies."""
    if run(Machine(tape, torch.findings, torch.call)) != PROTOCOL_VERSION:
        place = tape.place
        walk_rest(tape, torch)
        raise malformed("A version that PyTorch never wrote", place)
    run(Machine(tape, torch.findings, torch.call))
    root = run(Machine(tape, torch.findings, torch.call, torch.fetch))
    keys = run(Machine(tape, torch.findings, torch.call))
    return root, _storages(tape, torch, keys)


def _storages(tape: Tape, torch: Torch, keys: Value) -> dict[str, Run]:
    """Where each storage lies; all that were asked for must be there, and nothing else."""
    places: dict[str, Run] = {}
    for key in keys if isinstance(keys, list) else ():
        storage = torch.storages.get(str(key)) if isinstance(key, (int, str)) else None
        if storage is None or storage.key in places:
            raise malformed("A storage that nothing asks for", tape.place)
        count = tape.number(8)
        nbytes = count * storage.bits // 8
        if count != storage.whole:
            raise malformed(f"A storage of {count:,} values that should have {storage.whole:,}", tape.place)
        if nbytes > tape.left:
            raise truncated(tape.position + nbytes, tape.position + tape.left)
        places[storage.key] = Run(tape.position, nbytes)
        tape.skip(nbytes)
    if tape.left:
        place = tape.place
        walk_rest(tape, torch)
        raise malformed("Bytes after the last storage", place)
    return places


def _place(places: dict[str, Run], storage: Storage) -> Run:
    run = places.get(storage.key)
    if run is None:
        raise malformed("A tensor whose storage is not in the file", f"storage {storage.key[:40]}")
    return run
