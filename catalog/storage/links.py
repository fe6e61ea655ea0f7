"""Symbolic links of a library, once the walk has seen its files: second names, ways out, and links to nothing."""

from __future__ import annotations

import os
import stat
from typing import TYPE_CHECKING

from catalog.storage.beneath import LinkLeavesError
from catalog.storage.names import PARTIAL, is_companion, suffix_of
from catalog.storage.trouble import species
from catalog.storage.values import Entry, Snapshot
from catalog.vocabulary import SkipReason

if TYPE_CHECKING:
    from catalog.storage.listing import Listing
    from catalog.storage.root import Root


class Links:
    """Sorts the links that a listing collected, in the order of their paths, and adds to its entries.

    A link to an entry is a second name of it. A link to a file that is no model by its own name (the blobs of a
    Hugging Face cache) makes the entry; further links to that file are second names.
    """

    def __init__(self, root: Root, listing: Listing) -> None:
        self._root, self._listing = root, listing
        self._entry_of: dict[bytes, bytes] = {}
        self.twins: list[Entry] = []
        self.names: dict[bytes, bytes] = {}
        self.leaving: list[tuple[bytes, bytes]] = []

    def arrange(self) -> None:
        """Looks at every link once."""
        if self._listing.links:
            self._entry_of = {entry.path: entry.path for entry in self._listing.entries}
        for path, wanted in sorted(self._listing.links.items()):
            self._arrange(path, wanted=wanted)

    def _arrange(self, path: bytes, *, wanted: bool) -> None:
        try:
            real, found = self._root.resolve(path)
        except LinkLeavesError as error:
            self.leaving.append((path, error.target))
            return
        except OSError:
            self._listing.skipped[SkipReason.BROKEN_LINK] += 1
            return
        if stat.S_ISDIR(found.st_mode):
            self.names[path] = real
        elif not wanted:
            self._listing.skipped[SkipReason.NOT_A_MODEL] += 1
        elif not stat.S_ISREG(found.st_mode):
            self._listing.odd.append((path, species(found.st_mode)))
        else:
            self._second_name(Entry(path, Snapshot.of(found), real))

    def _second_name(self, entry: Entry) -> None:
        real = entry.real or b""
        skipped = self._reason_to_skip(real)
        if skipped is not None:
            self._listing.skipped[skipped] += 1
        elif is_companion(os.fsdecode(os.path.basename(entry.path))):
            self._add(entry, real)  # each folder of a model needs its own configuration, shared bytes or not
        elif real in self._entry_of:
            self.twins.append(entry)
            self.names[entry.path] = self._entry_of[real]
        else:
            self._entry_of[real] = entry.path
            self._add(entry, real)

    def _reason_to_skip(self, real: bytes) -> SkipReason | None:
        if suffix_of(os.fsdecode(real)) in PARTIAL or real in self._listing.unfinished:
            return SkipReason.PARTIAL
        return SkipReason.OTHER_LIBRARY if self._listing.in_other_library(real) else None

    def _add(self, entry: Entry, real: bytes) -> None:
        self._listing.entries.append(entry)
        self._listing.no_longer_passed_by(real)
