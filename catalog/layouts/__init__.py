"""Which tool keeps a folder, and what it calls a model there: from names alone."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from catalog.layouts import (
    a1111,
    comfyui,
    fooocus,
    huggingface,
    invokeai,
    lmstudio,
    ollama,
    sdnext,
    stabilitymatrix,
    swarmui,
)
from catalog.layouts.base import Claim, Layout, Spot, Tree

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

__all__ = ["LAYOUTS", "Layout", "Root", "guess", "is_managed", "label_of", "named", "owner", "roots", "title"]

LAYOUTS = (
    huggingface.LAYOUT,
    ollama.LAYOUT,
    invokeai.LAYOUT,
    lmstudio.LAYOUT,
    stabilitymatrix.LAYOUT,
    swarmui.LAYOUT,
    sdnext.LAYOUT,
    fooocus.LAYOUT,
    a1111.LAYOUT,
    comfyui.LAYOUT,
)
"""The folders of the tools that people keep models with. Of equal claims the first one's counts."""
_BY_NAME = {layout.name: layout for layout in LAYOUTS}


class Root(NamedTuple):
    """A tool's folder below a library; `proven` by a file of the program, `weak` where little speaks for it."""

    path: bytes
    layout: Layout
    proven: bool = False
    weak: bool = False


def roots(folder: bytes, paths: Iterable[bytes], marks: Iterable[bytes] = ()) -> tuple[Root, ...]:
    """The tools' folders in a library: from its own path, the paths of its models, and those of telling names.

    A folder in the folder of another tool counts where it is plainly one; nothing counts in a managed one.
    """
    found: dict[bytes, Root] = {}
    for spot in Tree.grow(folder, paths, marks).spots():
        around = owner(found, spot.path)
        if around is not None and around.layout.managed:
            continue
        best = _best(spot)
        if best is None or (around is not None and (best[0].weak or best[1] is around.layout)):
            continue
        for path in best[0].roots:
            found.setdefault(path, Root(path, best[1], best[0].proven, best[0].weak))
    return tuple(found[path] for path in sorted(found))


def owner(among: Mapping[bytes, Root], path: bytes) -> Root | None:
    """The tool's folder that a path lies in, of several the innermost; `among` has them by their own paths."""
    while path not in among:
        if not path:
            return None
        path = path.rpartition(b"/")[0]
    return among[path]


def guess(among: Sequence[Root], paths: Iterable[bytes]) -> Layout | None:
    """The layout of a library as a whole: that of the tool whose folder it is, or that all its models lie with."""
    by_path = {root.path: root for root in among}
    if b"" in by_path:
        return by_path[b""].layout
    one_tool = len({root.layout.name for root in among}) == 1
    return among[0].layout if one_tool and all(owner(by_path, path) is not None for path in paths) else None


def named(name: str) -> Layout | None:
    """The layout of a stored name; None for "" and for one of a newer release."""
    return _BY_NAME.get(name)


def label_of(name: str) -> str:
    """A stored layout's name for people; "" for none and for one of a newer release."""
    layout = named(name)
    return layout.label if layout is not None else ""


def is_managed(name: str) -> bool:
    """A tool keeps track of these files by itself: they are never written, moved or removed."""
    layout = named(name)
    return layout is not None and layout.managed


def title(name: str, path: bytes, sha256: str | None = None, kind: str = "") -> str:
    """What the tool of a stored layout calls a model; "" where it has no name for it.

    `path` is relative to the tool's root; `sha256` in hexadecimal.
    """
    layout = named(name)
    return layout.title(path, sha256, kind) if layout is not None else ""


def _best(spot: Spot) -> tuple[Claim, Layout] | None:
    claims = [(claim, layout) for layout in LAYOUTS if (claim := layout.claim(spot)) is not None]
    return max(claims, key=lambda one: one[0].strength, default=None)
