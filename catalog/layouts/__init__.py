"""Which tool keeps a folder, from the names in it alone."""

from __future__ import annotations

from typing import TYPE_CHECKING

from catalog.layouts.table import LAYOUTS, Layout

if TYPE_CHECKING:
    from collections.abc import Iterable

__all__ = ["LAYOUTS", "Layout", "guess", "label_of"]


def guess(folder: bytes, paths: Iterable[bytes]) -> Layout | None:
    """The layout of a library folder, from its own path and the paths of the models below it.

    A tool that manages its folder is believed only when every model lies where that tool would put it: one stray
    folder of its sort in a drawer of downloads gives the drawer no owner.
    """
    models = list(paths)
    return next((layout for layout in LAYOUTS if models and layout.fits(folder, models)), None)


def label_of(name: str) -> str:
    """A stored layout's name for people; "" for none and for one of a newer release."""
    return next((layout.label for layout in LAYOUTS if layout.name == name), "")
