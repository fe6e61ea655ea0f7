"""The tools' folders of one library, as a scan keeps them and as whoever shows a place asks them."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from catalog import layouts

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from catalog.layouts import Root

_KEY = "layouts"


@dataclass(frozen=True, slots=True)
class Tools:
    """The tools' folders below a library, by their paths."""

    roots: Mapping[bytes, Root] = field(default_factory=dict)

    @classmethod
    def of(cls, found: Iterable[Root]) -> Tools:
        """From what the layouts say."""
        return cls({root.path: layouts.Root(root.path, root.layout) for root in found})

    @classmethod
    def kept(cls, report: Mapping[str, object]) -> Tools | None:
        """From the report of a scan; None where it looked for no tools. A layout that is not known is left out."""
        rows = report.get(_KEY)
        if not isinstance(rows, list):
            return None
        found = ((path.encode("latin-1"), layouts.named(name)) for path, name in rows)
        return cls.of(layouts.Root(path, layout) for path, layout in found if layout is not None)

    def report(self) -> dict[str, object]:
        """For the report of a scan. Latin-1 takes every byte to a letter and back."""
        return {_KEY: [[path.decode("latin-1"), root.layout.name] for path, root in sorted(self.roots.items())]}

    def layout_at(self, path: bytes) -> str:
        """The stored name of the tool whose folder a path lies in; "" for none."""
        root = layouts.owner(self.roots, path) if self.roots else None
        return root.layout.name if root is not None else ""

    def title(self, path: bytes, *, layout: str, sha256: str | None = None, kind: str = "") -> str:
        """What the tool calls the model at a path of the library; "" where it has no name for it."""
        root = layouts.owner(self.roots, path) if self.roots else None
        within = path[len(root.path) + 1 :] if root is not None and root.path else path
        return layouts.title(layout, within, sha256, kind)
