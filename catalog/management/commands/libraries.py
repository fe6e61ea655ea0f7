"""`manage.py libraries`: the folders that are catalogued: list, add, remove, pause, resume."""

from __future__ import annotations

import os
from dataclasses import asdict
from typing import TYPE_CHECKING

from catalog import tasks
from catalog.errors import NotFound
from catalog.management.output import DONE, CatalogCommand
from catalog.management.verbs import Verbs
from catalog.models import Library
from catalog.queries import records
from catalog.services import libraries, library_settings

if TYPE_CHECKING:
    from argparse import ArgumentParser
    from collections.abc import Callable, Mapping

    from catalog.queries.records import LibraryRow


class Command(CatalogCommand):
    """WHICH is the number of a library, its name, or its path."""

    help = "List the library folders; add, remove, pause or resume one. Removing one touches no file and keeps all ids."
    needs_servers = True

    def arguments(self, parser: ArgumentParser) -> None:
        verbs = Verbs(parser)
        verbs.add("list", help="every folder (this is the default)")
        add = verbs.add("add", help="add a folder and have it scanned")
        add.add_argument("path", metavar="PATH")
        add.add_argument("--name", default="", help="what to call it (default: the folder's name)")
        for verb, text in (
            ("remove", "hide a folder; adding it again brings everything back"),
            ("pause", "hash nothing in it for now"),
            ("resume", "go on hashing"),
        ):
            verbs.add(verb, help=text).add_argument("which", metavar="WHICH", help="number, name or path")

    def work(self, options: Mapping[str, object]) -> int:
        verb = str(options.get("verb") or "list")
        does: Mapping[str, Callable[[Library], object]] = {
            "remove": libraries.remove,
            "pause": lambda library: library_settings.set_paused(library_id=library.pk, paused=True),
            "resume": _resume,
        }
        if verb == "add":
            return self._add(str(options["path"]), str(options["name"]))
        if verb in does:
            library = _find(str(options["which"]))
            does[verb](library)
            library.refresh_from_db()
            self._tell(records.library_row(library), removed=library.removed_at is not None)
            return DONE
        rows = records.libraries()
        for row in rows:
            self._tell(row)
        if not rows:
            self.say("There is no library folder yet. Add one: manage.py scan FOLDER")
        return DONE

    def _add(self, path: str, name: str) -> int:
        library = libraries.add(path=os.fsencode(path), name=name)
        tasks.start_scan(library_id=library.pk)
        self._tell(records.library_row(library))
        return DONE

    def _tell(self, row: LibraryRow, *, removed: bool = False) -> None:
        if self.json:
            self.emit(asdict(row) | {"removed": removed})
            return
        facts = ["removed" if removed else "", "" if row.online else "offline", "paused" if row.paused else ""]
        scanned = f"scanned {row.last_scan_at:%Y-%m-%d %H:%M} UTC" if row.last_scan_at else "not scanned yet"
        self.show(f"{row.id:4}  {row.name}  {row.path}  " + ", ".join([*filter(None, facts), scanned]))


def _resume(library: Library) -> None:
    library_settings.set_paused(library_id=library.pk, paused=False)
    tasks.wake(library.queue)


def _find(which: str) -> Library:
    """By number, path or name. Raises `NotFound`, also for a name that several have."""
    live = Library.objects.filter(removed_at=None)
    if which.isdecimal() and (library := live.filter(pk=int(which)).first()):
        return library
    real = os.fsencode(os.path.realpath(which))
    found = [library for library in live if bytes(library.path) == real] or list(live.filter(name=which))
    if len(found) == 1:
        return found[0]
    if found:
        numbers = ", ".join(str(library.pk) for library in found)
        raise NotFound(f"Several library folders are called {which}. Give the number of one: {numbers}.")
    raise NotFound(f"No library folder is called {which}. See them with: manage.py libraries")
