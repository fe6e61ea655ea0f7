"""What reading files again came to: the answer of `verify`."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from catalog.models import Finding, Location
from catalog.queries.jobs import within
from catalog.vocabulary import FindingCode, LocationState, Stage

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from datetime import datetime

OK, CORRUPT, CHANGED, MISSING, UNREADABLE = "ok", "corrupt", "changed", "missing", "unreadable"
_AT_ONCE = 500
_UNREAD = (FindingCode.UNREADABLE, FindingCode.DISK_READ_ERROR, FindingCode.READER_FAILED)


@dataclass(frozen=True, slots=True)
class Checked:
    """One place. `state` is `ok`, `corrupt`, `changed`, `missing`, `unreadable`, or that of the location (`offline`).

    `expected` and `found` are BLAKE3 digests (of a set, its folder digest) in hexadecimal, empty where not known.
    """

    path: str
    state: str
    expected: str
    found: str


def candidates(*, library_id: int, part: bytes | None) -> dict[int, str]:
    """What a verify of a library, or below a part of it, reads again, with the content that was recorded."""
    rows = Location.objects.filter(within(part), library=library_id, state=LocationState.PRESENT)
    hashed = rows.filter(hashed_at__isnull=False, variant__content__isnull=False).order_by("path")
    return {pk: bytes(content or b"").hex() for pk, content in hashed.values_list("pk", "variant__content")}


def over(ids: Iterable[int]) -> list[int]:
    """Those that are no longer waiting to be read."""
    wanted = list(ids)
    waiting = set(Location.objects.filter(pk__in=wanted, stage=Stage.VERIFY).values_list("pk", flat=True))
    return [pk for pk in wanted if pk not in waiting]


def checked(recorded: Mapping[int, str], *, since: datetime) -> list[Checked]:
    """The answers for locations with the content that was recorded of them, in the order given."""
    wanted = list(recorded)
    rows: dict[int, Checked] = {}
    for start in range(0, len(wanted), _AT_ONCE):
        part = wanted[start : start + _AT_ONCE]
        found = Finding.objects.filter(location__in=part, cleared_at=None)
        corrupt = {finding.location_id: finding for finding in found.filter(code=FindingCode.CORRUPT)}
        unread = set(found.filter(code__in=_UNREAD).values_list("location", flat=True))
        for row in Location.objects.filter(pk__in=part).select_related("library", "variant"):
            state = UNREADABLE if row.pk in unread else _state(row, recorded[row.pk], since)
            rows[row.pk] = _answer(row, state, recorded[row.pk], corrupt.get(row.pk))
    return [rows[pk] for pk in wanted if pk in rows]


def _state(row: Location, recorded: str, since: datetime) -> str:
    """A changed file may have been read anew already; of one that is gone, verify leaves no trace."""
    content = bytes(row.variant.content).hex() if row.variant is not None and row.variant.content else ""
    if row.state != LocationState.PRESENT:
        return row.state
    if content != recorded:
        return CHANGED
    return OK if row.verified_at is not None and row.verified_at >= since else MISSING


def _answer(row: Location, state: str, recorded: str, corrupt: Finding | None) -> Checked:
    path = f"{row.library.path_text.rstrip('/')}/{row}"
    if corrupt is not None:
        params = corrupt.params
        return Checked(path, CORRUPT, str(params.get("expected", recorded)), str(params.get("found", "")))
    return Checked(path, state, recorded, recorded if state == OK else "")
