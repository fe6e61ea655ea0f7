"""Values of an ONNX file that lie in other files: which names may be followed, and where in those files they lie.

A file says where by keys and values (onnx/docs/ExternalData.md): `location`, `offset`, `length`, `checksum`; `basepath`
is written by older exporters, `prepacked_N` by ONNX Runtime. Nothing is opened here: a location is only ever compared
with the names of the files that were handed in.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, NamedTuple

from catalog.errors import MalformedFile
from catalog.formats.base import Problem, SetMember, malformed
from catalog.formats.text import clean_text
from catalog.storage.values import shown
from catalog.vocabulary import FindingCode
from catalog.vocabulary.sizes import human_sizes

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

MAX_TOLD = 10
"""Problems told of one file; some exporters write a file for each tensor."""

_KEYS = frozenset(("location", "offset", "length", "checksum", "basepath"))
_PREPACKED = "prepacked"
_NUMBER = re.compile(r"[0-9]{1,18}")
_REACHING = re.compile(r"[A-Za-z]:|[A-Za-z][A-Za-z0-9+.-]*://|[/~]|.*[\\\0-\x1f\x7f]", re.DOTALL)
_MEMORY = "_ORT_MEM_ADDR_"
"""Part of a location by which ONNX Runtime and OpenVINO take the offset for an address in their own memory."""


class Outside(NamedTuple):
    """Where values lie: a name as the file states it, and the first byte. `reaches`: it is no name beside the file."""

    location: str
    offset: int
    reaches: bool


def outside(entries: Iterable[tuple[str, str]], nbytes: int, place: str) -> Outside:
    """What the notes of one tensor of `nbytes` come to. Raises `MalformedFile`."""
    told: dict[str, str] = {}
    for key, value in entries:
        if key.startswith(_PREPACKED):
            continue
        if key not in _KEYS or key in told:
            raise malformed(f"An unknown or repeated note about external data ({clean_text(key, 40)})", place)
        told[key] = value
    location = told.get("location", "")
    if not location:
        raise malformed("External data without a location", place)
    offset, length = _number(told, "offset", place), _number(told, "length", place)
    if length is not None and length != nbytes:
        raise malformed(f"External data of {length:,} bytes where the shape takes {nbytes:,}", place)
    return Outside(location.removeprefix("./"), offset or 0, _reaches(location))


def _number(told: dict[str, str], key: str, place: str) -> int | None:
    text = told.get(key)
    if text is None:
        return None
    if not _NUMBER.fullmatch(text):
        raise malformed(f"External data whose {key} is no number ({clean_text(text, 40)})", place)
    return int(text)


def _reaches(location: str) -> bool:
    """It leaves the folder of the file, or may on some system."""
    return _REACHING.match(location) is not None or ".." in location.split("/") or _MEMORY in location


class DataFiles:
    """The files beside an ONNX file that may hold values of it, by name; counted from 1, as `TensorInfo.file` does."""

    def __init__(self, beside: Sequence[SetMember]) -> None:
        self._files = {
            file.name.rpartition(b"/")[2]: (number, file.source.size) for number, file in enumerate(beside, start=1)
        }
        self._reaching: dict[str, None] = {}
        self._missing: dict[str, None] = {}

    def number(self, place: Outside, nbytes: int) -> int | None:
        """Which file holds these values of a tensor; None where none does, and `problems` will tell.

        Raises `MalformedFile` where the file ends before them.
        """
        if place.reaches:
            _keep(self._reaching, place.location)
            return None
        raw = place.location.encode()
        if raw not in self._files:
            _keep(self._missing, place.location)
            return None
        number, size = self._files[raw]
        if place.offset + nbytes > size:
            promised, there = human_sizes(place.offset + nbytes, size)
            raise MalformedFile(FindingCode.TRUNCATED, expected=promised, actual=there, file=shown(raw))
        return number

    @property
    def unsafe(self) -> bool:
        """Some values lie at a place that is not to be followed."""
        return bool(self._reaching)

    def problems(self) -> Iterator[Problem]:
        """One for each name that is not to be followed, or is not there: the first few."""
        for location in self._reaching:
            yield Problem(FindingCode.REACHES_OUTSIDE, {"target": clean_text(location, 200)})
        for location in self._missing:
            yield Problem(FindingCode.EXTERNAL_DATA_MISSING, {"name": clean_text(location, 200)})


def _keep(told: dict[str, None], location: str) -> None:
    if len(told) < MAX_TOLD:
        told.setdefault(location)
