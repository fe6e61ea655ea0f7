"""`manage.py verify [PATH...]`: are the files on disk still the ones that were hashed?"""

from __future__ import annotations

import os
from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING

from django.utils import timezone

from catalog import tasks
from catalog.errors import NotFound
from catalog.management.output import DONE, FAILED, NO, CatalogCommand, strings
from catalog.management.waiting import at_rest, hands
from catalog.models import Library
from catalog.queries import checked
from catalog.services import libraries
from catalog.vocabulary import JobKind

if TYPE_CHECKING:
    from argparse import ArgumentParser
    from collections.abc import Mapping
    from datetime import datetime

    from catalog.queries.checked import Checked

_ADVICE = "Restore it from a good copy; the recorded hash is kept."


@dataclass(slots=True)
class Target:
    """A library, or a part of one, and the places of it that are still to be told."""

    library: Library
    part: bytes | None
    left: dict[int, str] = field(default_factory=dict)


class Command(CatalogCommand):
    """Exit code 1 when one of them is not."""

    help = "Read hashed files again and compare. What differs is read twice before it is called corrupt."
    needs_servers = True

    def arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("paths", nargs="*", metavar="PATH", help="below a library folder (default: everything)")

    def work(self, options: Mapping[str, object]) -> int:
        targets = _targets(strings(options, "paths"))
        since = timezone.now()
        with hands() as look:
            for target in targets:
                target.left = checked.candidates(library_id=target.library.pk, part=target.part)
                tasks.start_verify(library_id=target.library.pk, part=target.part)
            code, total = DONE, sum(len(target.left) for target in targets)
            while any(target.left for target in targets):
                code = max([code, *(self._round(target, since) for target in targets)])
                if any(target.left for target in targets):
                    look()
        self.show(_summary(total, code))
        return code

    def _round(self, target: Target, since: datetime) -> int:
        done = checked.over(target.left)
        code = DONE
        for row in checked.checked({pk: target.left.pop(pk) for pk in done}, since=since):
            self._answer(row)
            code = code if row.state == checked.OK else NO
        reason = at_rest(target.library.pk, JobKind.VERIFY) if target.left else ""
        if reason:
            target.left.clear()
            self.say(reason)
            return FAILED
        return code

    def _answer(self, row: Checked) -> None:
        if self.json:
            self.emit(asdict(row))
        elif row.state == checked.CORRUPT:
            self.show(f"{row.path} is corrupt: its BLAKE3 was {row.expected} and is {row.found}. {_ADVICE}")
        elif row.state != checked.OK:
            self.show(f"{row.path}: {row.state}")


def _targets(paths: list[str]) -> list[Target]:
    """Raises `PathRefused` for a path outside all libraries, and `NotFound` when there is no library at all."""
    if not paths:
        found = [Target(library, None) for library in Library.objects.filter(removed_at=None, online=True)]
        if not found:
            raise NotFound("There is no library folder yet. Add one: manage.py scan FOLDER")
        return found
    return [Target(*libraries.locate(os.fsencode(path))) for path in paths]


def _summary(total: int, code: int) -> str:
    if not total:
        return "Nothing to read again: no file here is hashed yet."
    files = "1 place was" if total == 1 else f"{total:,} places were"
    return f"{files} read again; " + ("all are as they were." if code == DONE else "see above for those that are not.")
