"""What a layout is, and the tree of names that it is recognised in. Nothing here looks at a disk."""

from __future__ import annotations

from collections import Counter, defaultdict
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Set


_SURE = 2
"""So many telling folder names say enough without anything else."""


class Claim(NamedTuple):
    """A layout says that a folder is one of its own. Of several claims on a folder the largest `strength` wins.

    `roots` are the folders, relative to the library, that become its. `proven` by a file of the program; `weak` when
    nothing but a few folder names speak for it.
    """

    strength: tuple[int, int, int, int]
    roots: tuple[bytes, ...]
    proven: bool = False
    weak: bool = False


@dataclass(frozen=True, slots=True)
class Layout:
    """A tool's way to keep models.

    `symbol`: two letters for its tile. `title(path, sha256, kind)` is what the tool itself calls a model: `path` is
    relative to the tool's root, `sha256` is in hexadecimal or None, `kind` a stored word; "" where it has no name for
    it. `scheme` is that of the external ids that are names of the tool; the titles of one
    `by_digest` want the SHA-256. The tool of a `managed` layout keeps track of
    its files by itself: they are looked at and never written, moved or removed.
    """

    name: str
    label: str
    symbol: str
    claim: Callable[[Spot], Claim | None]
    title: Callable[[bytes, str | None, str], str]
    managed: bool = False
    scheme: str = ""
    by_digest: bool = False


@dataclass(slots=True)
class Tree:
    """The folders of a library that hold models, by their paths relative to it; "" is the library itself.

    `folder` is the library's own path. `inside`: folder -> names of the folders right in it. `models`: folder -> how
    many models lie in it and below. `blobs`: folder -> how many files right in it are named by their digest.
    `marks`: folder -> telling names right in it.
    """

    folder: bytes
    inside: dict[bytes, set[bytes]] = field(default_factory=lambda: defaultdict(set))
    models: Counter[bytes] = field(default_factory=Counter)
    blobs: Counter[bytes] = field(default_factory=Counter)
    marks: dict[bytes, set[bytes]] = field(default_factory=lambda: defaultdict(set))

    @classmethod
    def grow(cls, folder: bytes, paths: Iterable[bytes], marks: Iterable[bytes]) -> Tree:
        """From the paths of models and of marks."""
        tree = cls(folder)
        here: Counter[bytes] = Counter()
        for path in paths:
            above, _, name = path.rpartition(b"/")
            here[above] += 1
            if name.startswith(b"sha256-"):
                tree.blobs[above] += 1
        for above, count in here.items():
            tree._add(above, count)
        for path in marks:
            above, _, name = path.rpartition(b"/")
            tree.marks[above].add(name)
        return tree

    def _add(self, folder: bytes, count: int) -> None:
        while folder:
            self.models[folder] += count
            above, _, name = folder.rpartition(b"/")
            self.inside[above].add(name)
            folder = above
        self.models[b""] += count

    def spots(self) -> Iterable[Spot]:
        """Every folder, each after the ones that it lies in."""
        return (Spot(self, path) for path in sorted(self.models))


class Spot(NamedTuple):
    """One folder of a tree."""

    tree: Tree
    path: bytes

    @property
    def top(self) -> bool:
        """It is the library itself."""
        return not self.path

    @property
    def whole(self) -> bytes:
        """Its absolute path."""
        return self.tree.folder.rstrip(b"/") + b"/" + self.path if self.path else self.tree.folder.rstrip(b"/")

    @property
    def name(self) -> bytes:
        """The last part of it."""
        return self.whole.rpartition(b"/")[2]

    @property
    def above(self) -> bytes:
        """The folder that it lies in, relative to the library; of the library "" as well."""
        return self.path.rpartition(b"/")[0]

    @property
    def folders(self) -> Set[bytes]:
        """Names of the folders right in it."""
        return self.tree.inside.get(self.path, frozenset())

    @property
    def marks(self) -> Set[bytes]:
        """Telling names right in it."""
        return self.tree.marks.get(self.path, frozenset())

    @property
    def models(self) -> int:
        """How many models lie in it and below."""
        return self.tree.models[self.path]

    def join(self, name: bytes) -> bytes:
        """The path of something in it."""
        return self.path + b"/" + name if self.path else name

    def within(self, name: bytes) -> Spot:
        """A folder in it."""
        return Spot(self.tree, self.join(name))


@dataclass(frozen=True, slots=True)
class Rooms:
    """Tools that keep one folder for each kind of model: which folders those are.

    `models`: what the folder with all of them is called where the tool is installed. `telling` names are of this tool
    and few others; `further` ones count beside them. `marks` lie in the folder of the program, and so do the folders
    `beside`, which hold models too.
    """

    models: bytes
    telling: frozenset[bytes]
    further: frozenset[bytes]
    marks: frozenset[bytes] = frozenset()
    beside: frozenset[bytes] = frozenset()

    def claim(self, spot: Spot) -> Claim | None:
        """A folder is this tool's by one telling name where it is called as it should be or is the library itself;
        by any of its names where the program lies beside it; elsewhere by two telling names.
        """
        telling, count = len(self.telling & spot.folders), len((self.telling | self.further) & spot.folders)
        named = spot.name == self.models
        program = Spot(spot.tree, spot.above)
        marks = len(self.marks & program.marks) if named and not spot.top else 0
        least = 0 if marks else 1 if named or spot.top else _SURE
        if not count or telling < least:
            return None
        wide = named and not spot.top and (marks or self.beside & program.folders)
        weak = not named and (not spot.top or telling < _SURE)
        root = program.path if wide else spot.path
        return Claim((marks, int(named), count, telling), (root,), proven=bool(marks), weak=weak)

    def split(self, path: bytes) -> tuple[str, str]:
        """The kind's folder and the rest of a path below the tool's root; two empty texts where there is no such."""
        parts = path.split(b"/")
        if parts[0] == self.models:
            parts = parts[1:]
        elif parts[0] in self.beside and parts[0] not in self.telling | self.further:
            return "", ""
        return (shown(parts[0]), shown(b"/".join(parts[1:]))) if len(parts) > 1 else ("", "")


def words(text: str) -> frozenset[bytes]:
    """Names, with blanks between them."""
    return frozenset(text.encode().split())


def shown(path: bytes) -> str:
    """A path as text."""
    return path.decode("utf-8", "backslashreplace")


def without_suffix(path: str) -> str:
    """`sub/foo.safetensors` -> `sub/foo`"""
    folder, slash, name = path.rpartition("/")
    return folder + slash + (name.rpartition(".")[0] or name)


def stem(path: str) -> str:
    """`sub/foo.safetensors` -> `foo`"""
    return without_suffix(path).rpartition("/")[2]
