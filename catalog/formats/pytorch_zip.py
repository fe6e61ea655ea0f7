"""PyTorch's zip: one folder with `data.pkl`, `version`, `byteorder` and a member of `data/` for each storage.

TorchScript's is the same with `constants.pkl` and code beside it (caffe2/serialize/inline_container.h, torch/csrc/jit).
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, NamedTuple

from catalog.errors import MalformedFile, UnsupportedFormat
from catalog.formats import zip_archive
from catalog.formats.base import Source, malformed
from catalog.formats.pickle_index import Index, Layout, Run, index
from catalog.formats.pickle_machine import Machine, unsafe
from catalog.formats.pickle_opcodes import run
from catalog.formats.pickle_tape import Tape
from catalog.formats.pickle_torch import Torch
from catalog.formats.pickle_walks import walk_rest
from catalog.formats.zip_archive import DEFLATED, Member
from catalog.vocabulary import FindingCode

if TYPE_CHECKING:
    from collections.abc import Mapping

    from catalog.formats.pickle_machine import Findings
    from catalog.formats.pickle_values import Storage, Value

MAX_PACKED_PICKLE = 67_108_864
"""Bytes of a pickle that is compressed inside the zip; one that is not is walked where it lies."""
MAX_VERSION = 10  # inline_container.h, kMaxSupportedFileFormatVersion

_SMALL = 65_536
_LONGEST_VERSION = 9  # digits
_PLAIN = re.compile(
    r"data\.pkl|version|byteorder|\.format_version|\.storage_alignment|data/\d{1,20}|data/|"
    r"\.data/(?:serialization_id|version|)"
)
_SCRIPT = re.compile(
    r"constants\.pkl|constants/\d{1,20}|traced_inputs\.pkl|traced_inputs/\d{1,20}|"
    r"bytecode\.pkl|attributes\.pkl|mobile_debug_handles\.pkl|"
    r"(?:code|debug|extra)/(?:[^/]+/)*[^/]*|code/.+\.py|\.data/.+"
)


_NUMBERED_APART = ("constants", "traced_inputs")
"""Pickles of a script whose storages lie in folders of their own, and are counted from 0 again
(ScriptModuleSerializer::writeArchive). What a script was traced with is no weights."""


class Archive(NamedTuple):
    """The members by their name within the one folder; `script`: it is TorchScript's."""

    members: Mapping[str, Member]
    script: bool

    @property
    def compressed(self) -> bool:
        """Whether a storage cannot be read where it lies."""
        return any(member.method == DEFLATED and member.size for name, member in self.members.items() if _holds(name))


def open_archive(source: Source) -> Archive:
    """The members of a file. Raises `MalformedFile`, `UnsafeFile`; `UnsupportedFormat` where there is no pickle."""
    found = zip_archive.members(source)
    folder = found[0].name.partition("/")[0] + "/" if found else ""
    if not any(member.name.lower().endswith("data.pkl") for member in found):
        raise UnsupportedFormat(FindingCode.UNSUPPORTED, format="zip archive")
    inside: dict[str, Member] = {}
    for member in found:
        if not member.name.startswith(folder):
            raise unsafe("A member outside the zip's one folder", member.shown)
        inside[member.name.removeprefix(folder)] = member
    inside.pop("", None)
    if "data.pkl" not in inside:
        raise unsafe("A pickle that is not where PyTorch has it", next(m.shown for m in found if "data.pkl" in m.name))
    script = "constants.pkl" in inside
    for name, member in inside.items():
        if not _PLAIN.fullmatch(name) and not (script and _SCRIPT.fullmatch(name) and ".." not in name):
            raise unsafe("A member that PyTorch does not write", member.shown)
    return Archive(inside, script)


def read(source: Source, archive: Archive, findings: Findings) -> Index:
    """The index of one file; of one with compressed storages, ranges of the compressed bytes."""
    torch = Torch(findings, legacy=False)
    unchecked = not any(member.crc for member in archive.members.values())  # PyTorch can leave all checksums out
    roots = {}
    broken: MalformedFile | None = None
    for name, member in archive.members.items():
        if name.endswith("pkl"):
            try:
                fetcher = _apart(archive, name, findings) or torch
                roots[name] = _walk(source, member, findings, fetcher, checked=not unchecked)
            except MalformedFile as error:  # what another one holds may be worse
                broken = broken or error
    if broken is not None:
        raise broken
    _check_version(source, archive)
    layout = Layout(roots.get("constants.pkl"), _big_endian(source, archive))
    return index(torch, roots["data.pkl"], lambda storage: _place(archive, storage), source.size, layout)


def _apart(archive: Archive, name: str, findings: Findings) -> Torch | None:
    """What fetches the storages of a pickle that has a folder of its own for them."""
    folder = name.removesuffix(".pkl")
    if folder not in _NUMBERED_APART or not any(member.startswith(f"{folder}/") for member in archive.members):
        return None
    return Torch(findings, legacy=False, folder=f"{folder}/")


def _walk(source: Source, member: Member, findings: Findings, torch: Torch, *, checked: bool) -> Value:
    """The object of one pickle. What stands behind it is walked too, since a reader might go on."""
    start, stop = member.offset, member.offset + member.size
    if member.method == DEFLATED:
        whole = zip_archive.content(source, member, MAX_PACKED_PICKLE)
        source, start, stop = _Bytes(source.name, whole), 0, len(whole)
    tape = Tape(source, start, stop, member.shown)
    root = run(Machine(tape, findings, torch.call, torch.fetch))
    if tape.left:
        place = tape.place
        walk_rest(tape, torch)
        raise malformed("Bytes behind the pickle", place)
    if checked:
        zip_archive.check_crc(source, member, whole if member.method == DEFLATED else None)
    return root


class _Bytes:
    """Unpacked bytes as a source."""

    def __init__(self, name: bytes, whole: bytes) -> None:
        self.name = name
        self.size = len(whole)
        self._whole = whole

    def read_at(self, offset: int, length: int) -> bytes:
        return self._whole[offset : offset + length]


def _holds(name: str) -> bool:
    return name.startswith(("data/", "constants/"))


def _check_version(source: Source, archive: Archive) -> None:
    told = [archive.members[name] for name in (".data/version", "version") if name in archive.members]
    if not told:
        raise malformed("A file of PyTorch's without its version", "version")
    for member in told:
        text = zip_archive.content(source, member, _SMALL).strip()
        if not text.isdigit() or len(text) > _LONGEST_VERSION or not int(text):
            raise malformed("A version that is no number", member.shown)
        if int(text) > MAX_VERSION:
            raise UnsupportedFormat(FindingCode.UNSUPPORTED, format=f"PyTorch zip version {int(text)}")


def _big_endian(source: Source, archive: Archive) -> bool:
    member = archive.members.get("byteorder")
    order = b"little" if member is None else zip_archive.content(source, member, _SMALL)
    if order not in {b"little", b"big"}:
        raise malformed("A byte order that does not exist", "byteorder")
    return order == b"big"


def _place(archive: Archive, storage: Storage) -> Run:
    """Where a storage lies: in `data`, or with the constants of a script."""
    member = archive.members.get(f"data/{storage.key}") or archive.members.get(storage.key)
    if member is None:
        raise malformed("A tensor whose storage is not in the file", f"storage {storage.key[:40]}")
    return Run(member.offset, member.size)
