"""What a scan met and what became of it, one row a thing: the answer of `scan --wait --json`."""

from __future__ import annotations

import base64
from collections import defaultdict
from dataclasses import asdict, dataclass, field, replace
from typing import TYPE_CHECKING

from django.db.models import Exists, OuterRef

from catalog.models import Finding, Library, Location, LocationFile, ModelHash
from catalog.queries.jobs import within
from catalog.storage.values import shown
from catalog.vocabulary import Base, FindingCode, Kind, LocationState, Outcome, Precision, SkipReason, Stage

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping
    from uuid import UUID

_AT_ONCE = 500
_CANDIDATE = ("about", "value", "text")


@dataclass(frozen=True, slots=True)
class Said:
    """One thing that needs attention."""

    code: str
    sentence: str


@dataclass(frozen=True, slots=True)
class FileMet:
    """One file of a set; digests by algorithm, in hexadecimal."""

    path: str
    size: int
    digests: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Met:
    """One thing below a library. `path` is relative to it; `count` is above 1 for things that are counted, not listed.

    `digests` are those of the file, or of the set as a whole; `files` are those of a set.
    """

    library: str
    path: str
    path_b64: str
    set: str
    outcome: str
    reason: str = ""
    format: str = ""
    kind: str = Kind.UNKNOWN.value
    base: str = Base.UNKNOWN.value
    precision: str = Precision.UNKNOWN.value
    quantisation: str = ""
    parameters: int = 0
    traits: tuple[str, ...] = ()
    candidates: tuple[tuple[str, str, str], ...] = ()
    """About what, which word, and what speaks for it."""
    dtypes: Mapping[str, int] = field(default_factory=dict)
    size: int = 0
    digests: Mapping[str, str] = field(default_factory=dict)
    variant: UUID | None = None
    model: UUID | None = None
    name: str = ""
    state: str = ""
    findings: tuple[Said, ...] = ()
    files: tuple[FileMet, ...] = ()
    count: int = 1
    location_id: int = 0
    """0 for what has no location."""

    def row(self) -> dict[str, object]:
        """For a program: digests stand beside the other facts, by the names of their algorithms."""
        facts = asdict(self)
        digests = facts.pop("digests")
        del facts["location_id"]
        facts["candidates"] = [dict(zip(_CANDIDATE, one, strict=True)) for one in self.candidates]
        files = [{"path": file["path"], "size": file["size"], **file["digests"]} for file in facts.pop("files")]
        return {**facts, **digests, "files": files}


def finished(*, library_id: int, part: bytes | None, besides: Collection[int], odd_only: bool = False) -> list[int]:
    """Locations that wait for nothing (any more) and are there, without those known already.

    `odd_only`: those alone that need attention.
    """
    rows = Location.objects.filter(within(part), library=library_id, stage=Stage.NONE)
    there = rows.filter(state__in=(LocationState.PRESENT, LocationState.CHANGED))
    if odd_only:
        there = there.filter(Exists(Finding.objects.filter(location=OuterRef("pk"), cleared_at=None)))
    return [pk for pk in there.order_by("path").values_list("pk", flat=True) if pk not in besides]


def locations(ids: Iterable[int]) -> list[Met]:
    """The rows of locations, in the order of their ids' paths."""
    wanted = list(ids)
    found: list[Met] = []
    for start in range(0, len(wanted), _AT_ONCE):
        found += _batch(wanted[start : start + _AT_ONCE])
    return found


def odd(library: Library, part: bytes | None) -> list[Met]:
    """Links out, pipes, folders that cannot be listed: what a scan noticed that is no location."""
    rows = Finding.objects.filter(library=library, location=None, cleared_at=None).exclude(place="").order_by("place")
    below = shown(bytes(part or b""))
    return [_odd(library, row) for row in rows if not part or row.place == below or row.place.startswith(f"{below}/")]


def skipped(library: Library, counts: Mapping[str, int]) -> list[Met]:
    """What a walk passed by: one row a reason."""
    return [
        Met(library.path_text, "", "", "", Outcome.SKIPPED.value, reason=str(reason), count=count)
        for reason, count in sorted(counts.items())
        if count and reason in SkipReason.values()
    ]


def _odd(library: Library, row: Finding) -> Met:
    said = _said(row)
    outcome = Outcome.UNREADABLE if row.code == FindingCode.FOLDER_UNREADABLE else Outcome.SKIPPED
    raw = base64.b64encode(row.place.encode()).decode()
    return Met(library.path_text, row.place, raw, "", outcome.value, reason=row.code, findings=(said,))


def _batch(ids: list[int]) -> list[Met]:
    rows = Location.objects.filter(pk__in=ids).select_related("library", "variant__model").order_by("path", "set_name")
    locations = list(rows.prefetch_related("files"))
    hashes: dict[UUID, list[ModelHash]] = defaultdict(list)
    for row in ModelHash.objects.filter(variant__in=[one.variant_id for one in locations if one.variant_id]):
        hashes[row.variant_id].append(row)
    findings: dict[int, list[Said]] = defaultdict(list)
    for finding in Finding.objects.filter(location__in=ids, cleared_at=None).order_by("pk"):
        findings[finding.location_id or 0].append(_said(finding))
    return [_met(one, hashes[one.variant_id] if one.variant_id else [], tuple(findings[one.pk])) for one in locations]


def _met(location: Location, hashes: list[ModelHash], findings: tuple[Said, ...]) -> Met:
    variant = location.variant
    path = bytes(location.path)
    place = Met(
        library=location.library.path_text,
        path=shown(path),
        path_b64=base64.b64encode(path).decode(),
        set=location.set_name,
        outcome=location.outcome,
        reason=findings[0].code if findings and location.outcome != Outcome.OK else "",
        size=location.size,
        state=location.state,
        findings=findings,
        location_id=location.pk,
    )
    if variant is None:
        return place
    of_files: dict[object, dict[str, str]] = defaultdict(dict)
    for row in hashes:
        of_files[row.file_id][row.algorithm] = bytes(row.digest).hex()
    single = not location.set_name
    own = of_files[None] | {name: digest for files in of_files.values() for name, digest in files.items()}
    return replace(
        place,
        format=variant.format,
        kind=variant.kind,
        base=variant.base,
        precision=variant.precision,
        quantisation=variant.quantisation,
        parameters=variant.parameters,
        traits=tuple(variant.traits),
        candidates=tuple((str(about), str(value), str(text)) for about, value, text in variant.candidates),
        dtypes=variant.dtypes,
        digests=own if single else of_files[None],
        variant=variant.pk,
        model=variant.model_id,
        name=variant.model.name,
        files=() if single else tuple(_file(one, of_files[one.file_id]) for one in location.files.all()),
    )


def _file(file: LocationFile, digests: Mapping[str, str]) -> FileMet:
    return FileMet(shown(bytes(file.name)), file.size, digests)


def _said(row: Finding) -> Said:
    """A code of a newer release keeps its word."""
    known = next((code for code in FindingCode if code.value == row.code), None)
    return Said(row.code, known.sentence(row.params) if known else row.title)
