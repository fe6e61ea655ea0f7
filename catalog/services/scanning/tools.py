"""Whose folders a library holds: found by a scan from names, kept with its report, and written to the places."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.db import transaction
from django.db.models import Case, CharField, Q, Value, When

from catalog import layouts
from catalog.layouts.kept import Tools
from catalog.models import Location

if TYPE_CHECKING:
    from collections.abc import Iterable

    from catalog.models import Library
    from catalog.storage.walk import Walk


def look(library: Library, walked: Walk, *, quiet: bool, all_there: bool) -> Tools:
    """The tools of a library as it is now. A scan of a part, and one that found nothing new, leave them as they are;
    what was known of a folder that could not be looked at stays, too.
    """
    known = Tools.kept(library.last_report)
    if walked.part or (quiet and known is not None):
        return known or Tools()
    paths = (entry.path for entry in walked.entries)
    found = Tools.of(layouts.roots(bytes(library.path), paths, walked.marks))
    return found if all_there or known is None else Tools({**known.roots, **found.roots})


def correct(library: Library, tools: Tools) -> None:
    """Gives the places of a library the tools that they lie with, if those are others than before. One statement."""
    if Tools.kept(library.last_report) == tools:
        return
    innermost_first = sorted(tools.roots.items(), key=lambda one: len(one[0]), reverse=True)
    now = Case(
        *(When(_below(path), then=Value(root.layout.name)) for path, root in innermost_first),
        default=Value(""),
        output_field=CharField(),
    )
    others = Location.objects.filter(library=library).exclude(layout=now).order_by("pk").select_for_update()
    with transaction.atomic():  # rows are locked in the order of their numbers, as everybody does
        Location.objects.filter(pk__in=others.values("pk")).update(layout=now)


def _below(folder: bytes) -> Q:
    if not folder:
        return Q(pk__isnull=False)
    return Q(path=folder) | Q(path__gt=folder + b"/", path__lt=folder + b"0")  # `0` comes after `/`


def of_library(tools: Tools, paths: Iterable[bytes]) -> dict[str, object]:
    """The library's own columns. What a tool manages is not ours to write to."""
    layout = layouts.guess(list(tools.roots.values()), paths)
    if layout is None:
        return {"layout": "", "managed": False}
    return {"layout": layout.name, "managed": layout.managed} | ({"read_only": True} if layout.managed else {})
