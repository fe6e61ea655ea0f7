"""The signs that rules look for: tensors and shapes, what the header and configurations state, the file's name."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from catalog.recognition.base import Sign
from catalog.recognition.rules import SILENT, Marker, fits, human_shape, weakest

if TYPE_CHECKING:
    from collections.abc import Mapping

    from catalog.recognition.facts import Facts

_LONGEST = 80
_CONVERTED = ("general.", "tokenizer.")
ARCHITECTURE = "general.architecture"
"""What GGUF's header calls the family of a model."""


@dataclass(frozen=True, slots=True)
class Has:
    """A tensor called `name`, below a prefix of `under`; `dims` maps an axis to its length or lengths."""

    name: str
    under: tuple[str, ...] = ("",)
    dims: Mapping[int, int | tuple[int, ...]] | None = None
    ndim: int | None = None
    sign: ClassVar[Sign] = Sign.TENSORS

    def found(self, facts: Facts) -> str:
        for prefix in self.under:
            tensor = facts.tensors.get(prefix + self.name)
            if tensor is None or (self.ndim is not None and len(tensor.shape) != self.ndim):
                continue
            if fits(tensor.shape, self.dims):
                shown = self.dims or self.ndim
                return f"{tensor.name} is {human_shape(tensor.shape)}" if shown else f"has {tensor.name}"
        return ""


@dataclass(frozen=True, slots=True)
class Like:
    """The first tensor whose whole name matches `pattern`; `dims` as in `Has`. For short files: all names are read."""

    pattern: str
    dims: Mapping[int, int | tuple[int, ...]] | None = None
    sign: ClassVar[Sign] = Sign.TENSORS

    def found(self, facts: Facts) -> str:
        match = re.search(f"^{self.pattern}$", facts.names, re.MULTILINE)
        tensor = facts.tensors.get(match[0]) if match else None  # a name may hold a line's end
        if tensor is None or not fits(tensor.shape, self.dims):
            return ""
        return f"{tensor.name} is {human_shape(tensor.shape)}"


@dataclass(frozen=True, slots=True)
class Begins:
    """A tensor whose name begins with one of `texts`."""

    texts: tuple[str, ...]
    sign: ClassVar[Sign] = Sign.TENSORS

    def found(self, facts: Facts) -> str:
        return next((f"has {text}…" for text in self.texts if facts.begins(text)), "")


@dataclass(frozen=True, slots=True)
class Ends:
    """A tensor whose name ends with one of `texts`: whole parts, each with its dot."""

    texts: tuple[str, ...]
    sign: ClassVar[Sign] = Sign.TENSORS

    def found(self, facts: Facts) -> str:
        return next((f"has …{text}" for text in self.texts if facts.ends(text)), "")


@dataclass(frozen=True, slots=True)
class Closes:
    """A tensor whose name ends with one of `texts`, within a part too. All names are read."""

    texts: tuple[str, ...]
    sign: ClassVar[Sign] = Sign.TENSORS

    def found(self, facts: Facts) -> str:
        return next((f"has …{text}" for text in self.texts if f"{text}\n" in facts.names), "")


@dataclass(frozen=True, slots=True)
class Holds:
    """A tensor whose name holds one of `texts`. All names are read."""

    texts: tuple[str, ...]
    sign: ClassVar[Sign] = Sign.TENSORS

    def found(self, facts: Facts) -> str:
        return next((f"has …{text}…" for text in self.texts if text in facts.names), "")


@dataclass(frozen=True, slots=True)
class Few:
    """Not more than `most` tensors, but some."""

    most: int
    sign: ClassVar[Sign] = Sign.TENSORS

    def found(self, facts: Facts) -> str:
        count = len(facts.probe.tensors)
        only = "one tensor" if count == 1 else f"{count} tensors"
        return f"has {only} only" if 0 < count <= self.most else ""


@dataclass(frozen=True, slots=True)
class Says:
    """The header or a configuration states at `path` (see `Facts.says`) a text that begins with one of `words`.

    `exact`: it is one of them. What GGUF's header states is written by converters out of the configuration.
    """

    path: str
    words: tuple[str, ...]
    exact: bool = False

    @property
    def sign(self) -> Sign:
        return Sign.CONFIG if ":" in self.path or self.path.startswith(_CONVERTED) else Sign.METADATA

    def found(self, facts: Facts) -> str:
        stated = facts.says(self.path)
        if stated is None:
            return ""
        for value in stated if isinstance(stated, list) else [stated]:
            if isinstance(value, str) and self._fits(value.lower()):
                file, _, key = self.path.rpartition(":")
                return f"{file or 'the header'} states {key} {value[:_LONGEST]}"
        return ""

    def _fits(self, value: str) -> bool:
        return value in self.words if self.exact else value.startswith(self.words)


@dataclass(frozen=True, slots=True)
class Tells:
    """A text in the header under one of `keys` holds one of `words`: a title, a name that somebody gave."""

    keys: tuple[str, ...]
    words: tuple[str, ...]
    sign: ClassVar[Sign] = Sign.METADATA

    def found(self, facts: Facts) -> str:
        for key in self.keys:
            stated = facts.header.get(key)
            if isinstance(stated, str) and any(word in stated.lower() for word in self.words):
                return f"the header states {key} {stated[:_LONGEST]}"
        return ""


@dataclass(frozen=True, slots=True)
class Architecture:
    """GGUF's `general.architecture` is one of `words`, exactly."""

    words: tuple[str, ...]
    sign: ClassVar[Sign] = Sign.CONFIG

    def found(self, facts: Facts) -> str:
        stated = facts.header.get(ARCHITECTURE)
        return f"the header's {ARCHITECTURE} is {stated}" if stated in self.words else ""


@dataclass(frozen=True, slots=True)
class Puts:
    """An ONNX graph takes in or gives out all of `names`."""

    names: tuple[str, ...]
    sign: ClassVar[Sign] = Sign.METADATA

    def found(self, facts: Facts) -> str:
        return f"the graph has {', '.join(self.names)}" if facts.puts.issuperset(self.names) else ""


@dataclass(frozen=True, slots=True)
class Named:
    """The file's name, or its folder's, holds one of `words` as a word or as two neighbours."""

    words: tuple[str, ...]
    sign: ClassVar[Sign] = Sign.PLACE

    def found(self, facts: Facts) -> str:
        return next((f"the file's name or folder says {word}" for word in self.words if word in facts.words), "")


@dataclass(frozen=True, slots=True)
class Configured:
    """The set holds a configuration called `path`."""

    path: str
    sign: ClassVar[Sign] = Sign.TENSORS

    def found(self, facts: Facts) -> str:
        return f"has {self.path}" if facts.config(self.path) else ""


@dataclass(frozen=True, slots=True)
class No:
    """The sign is missing; speaks only together with others, unless it has `words` for it."""

    marker: Marker
    words: str = SILENT
    sign: ClassVar[Sign] = Sign.TENSORS

    def found(self, facts: Facts) -> str:
        return "" if self.marker.found(facts) else self.words


@dataclass(frozen=True, slots=True)
class Quietly:
    """A cheap sign that spares dearer ones; people are shown those."""

    marker: Marker
    sign: ClassVar[Sign] = Sign.TENSORS

    def found(self, facts: Facts) -> str:
        return SILENT if self.marker.found(facts) else ""


@dataclass(frozen=True, slots=True)
class Either:
    """At least one of the signs; as strong as the weakest."""

    markers: tuple[Marker, ...]

    @property
    def sign(self) -> Sign:
        return weakest(Sign.TENSORS, self.markers)

    def found(self, facts: Facts) -> str:
        return next((found for marker in self.markers if (found := marker.found(facts))), "")
