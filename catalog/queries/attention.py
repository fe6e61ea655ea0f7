"""What needs attention: open findings, each with its place, its model and what to do."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from django.db.models import Case, Count, IntegerField, Q, When

from catalog.models import Finding
from catalog.vocabulary import FindingCode

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from datetime import datetime
    from uuid import UUID

    from django.db.models import QuerySet

_MOST_COUNTED = 1000
_QUIET = {FindingCode.UNSUPPORTED, FindingCode.LIBRARY_OFFLINE, FindingCode.REJECTION_CLOSED, FindingCode.NOT_A_FILE,
          FindingCode.LINK_LEAVES, FindingCode.SEEN_TWICE, FindingCode.VANISHED, FindingCode.CHANGING,
          FindingCode.COMPRESSED, FindingCode.NOTE_UNREADABLE}  # fmt: skip
_AMBER = {FindingCode.SETTINGS_DIFFER, FindingCode.CLAIM_DIFFERS, FindingCode.MISSING_SHARD,
          FindingCode.FOLDER_UNREADABLE, FindingCode.UNREADABLE, FindingCode.FOREIGN_OBJECTS,
          FindingCode.EXTERNAL_DATA_MISSING, FindingCode.MODELS_SHARE_A_FILE,
          FindingCode.COMPARISON_FAILED}  # fmt: skip
_GROUPS = {"bad": "Broken or dangerous", "warn": "Worth a look", "offline": "For your information"}
_GRAVE = set(FindingCode) - _QUIET - _AMBER
_GRAVITY = Case(When(code__in=_GRAVE, then=0), When(code__in=_QUIET, then=2), default=1, output_field=IntegerField())
_WORTH_A_RETRY = {FindingCode.READER_FAILED, FindingCode.DISK_READ_ERROR, FindingCode.UNREADABLE, FindingCode.CHANGING,
                  FindingCode.VANISHED}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Item:
    """One open finding, ready to be worded. `place` is the path as people read it."""

    id: int
    code: str
    heading: str
    params: Mapping[str, object]
    library_id: int | None
    library: str
    place: str
    at_location: bool
    model_id: UUID | None
    first_seen: datetime
    last_seen: datetime

    @property
    def weight(self) -> str:
        """The shape of its dot: `bad`, `warn` or `offline` (nothing is lost)."""
        return weight(self.code)

    @property
    def known(self) -> bool:
        """Is it a code of this release, with a sentence and a paragraph of the help?"""
        return self.code in FindingCode.__members__.values()

    @property
    def anchor(self) -> str:
        """Its paragraph of the help."""
        return "-".join("".join(c if c.isalnum() else " " for c in self.heading.lower()).split())

    @property
    def retry(self) -> bool:
        """Can it be tried again as it is?"""
        return self.code in _WORTH_A_RETRY and self.at_location


@dataclass(frozen=True, slots=True)
class Sort:
    """How many findings of one code are open."""

    code: str
    heading: str
    count: int

    @property
    def weight(self) -> str:
        """Which group it belongs to."""
        return weight(self.code)


@dataclass(frozen=True, slots=True)
class Group:
    """The sorts of one weight, the most frequent first."""

    weight: str
    heading: str
    sorts: tuple[Sort, ...]

    @property
    def count(self) -> int:
        """All of them together."""
        return sum(sort.count for sort in self.sorts)


def open_count() -> int:
    """How many findings are open; counted up to a thousand."""
    return Finding.objects.filter(cleared_at=None)[:_MOST_COUNTED].count()


def sorts() -> list[Sort]:
    """The codes that are open, the most frequent first."""
    rows = Finding.objects.filter(cleared_at=None).values("code").annotate(n=Count("pk")).order_by("-n", "code")
    return [Sort(row["code"], FindingCode.heading_of(row["code"]), row["n"]) for row in rows]


def grouped(sorts: Iterable[Sort]) -> list[Group]:
    """What is broken or dangerous, what somebody should look at, what is only told. Empty groups are left out."""
    by_weight: dict[str, list[Sort]] = {name: [] for name in _GROUPS}
    for sort in sorts:
        by_weight[sort.weight].append(sort)
    return [Group(name, _GROUPS[name], tuple(rows)) for name, rows in by_weight.items() if rows]


def open_rows(
    *, code: str = "", group: str = "", library_id: int | None = None, model_id: UUID | None = None
) -> QuerySet[Finding]:
    """Open findings, the gravest first, and of those the latest. `group` narrows to a weight."""
    rows = Finding.objects.filter(cleared_at=None)
    if code:
        rows = rows.filter(code=code)
    if group:
        rows = rows.filter(code__in=[word for word in FindingCode if weight(word) == group])
    if library_id is not None:
        rows = rows.filter(Q(library=library_id) | Q(location__library=library_id))
    if model_id is not None:
        rows = rows.filter(Q(variant__model=model_id) | Q(location__variant__model=model_id))
    related = ("library", "location__library", "location__variant", "variant")
    return rows.select_related(*related).order_by(_GRAVITY, "-first_seen", "-pk")


def items(rows: Iterable[Finding]) -> list[Item]:
    """Findings as the pages show them."""
    return [_item(row) for row in rows]


def weight(code: str) -> str:
    """`bad` where bytes are broken, `warn` where somebody should look, `offline` where nothing is lost."""
    if code in _QUIET:
        return "offline"
    return "warn" if code in _AMBER or code not in FindingCode.__members__.values() else "bad"


def _item(row: Finding) -> Item:
    location = row.location
    library = row.library or (location.library if location else None)
    variant = row.variant or (location.variant if location else None)
    return Item(
        id=row.pk,
        code=row.code,
        heading=row.title,
        params=row.params,
        library_id=library.pk if library else None,
        library=library.name if library else "",
        place=row.place or (str(location) if location else ""),
        at_location=location is not None,
        model_id=variant.model_id if variant else None,
        first_seen=row.first_seen,
        last_seen=row.last_seen,
    )
