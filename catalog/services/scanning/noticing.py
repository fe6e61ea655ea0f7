"""Findings of a scan: what is no file, what cannot be listed, links that leave, and a folder that is seen twice."""

from __future__ import annotations

from typing import TYPE_CHECKING

from blake3 import blake3

from catalog.services import findings
from catalog.services.findings import Raised
from catalog.storage.values import shown
from catalog.vocabulary import FindingCode

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from catalog.models import Finding, Library
    from catalog.services.scanning.known import KnownPlace
    from catalog.storage.walk import Walk

CODES = (
    FindingCode.NOT_A_FILE,
    FindingCode.FOLDER_UNREADABLE,
    FindingCode.LINK_LEAVES,
    FindingCode.LIBRARY_OFFLINE,
    FindingCode.SEEN_TWICE,
)
"""What only a scan of the library raises and clears."""


def of_walk(library: Library, walked: Walk) -> list[Raised]:
    """What the walk met that is no model."""
    return [
        *(Raised(FindingCode.NOT_A_FILE, {"what": what}, library.pk, place=shown(path)) for path, what in walked.odd),
        *(
            Raised(FindingCode.LINK_LEAVES, {"target": shown(target)}, library.pk, place=shown(path))
            for path, target in walked.leaving_links
        ),
        *(
            Raised(
                FindingCode.FOLDER_UNREADABLE,
                {"path": shown(path), "reason": reason},
                library.pk,
                place=shown(path),
            )
            for path, reason in walked.unreadable_folders
        ),
    ]


def of_drives(library: Library, lost: Mapping[bytes, Sequence[KnownPlace]]) -> list[Raised]:
    """A drive that is mounted somewhere below the library, and is not there now."""
    return [
        Raised(
            FindingCode.LIBRARY_OFFLINE,
            {"path": shown(bytes(library.path) + b"/" + folder), "count": len(places)},
            library.pk,
            place=shown(folder or b"."),
        )
        for folder, places in lost.items()
    ]


def of_twin(library: Library, others: Iterable[Library], shape: str) -> list[Raised]:
    """An older library with the same names, sizes and times."""
    older = sorted(
        (other for other in others if other.pk < library.pk and shape and shape_of(other) == shape),
        key=lambda other: other.pk,
    )
    return [
        Raised(
            FindingCode.SEEN_TWICE, {"path": library.path_text, "other": other.path_text}, library.pk
        )
        for other in older[:1]
    ]  # fmt: skip


def shape_of(library: Library) -> str:
    """The shape that the last scan saw; empty when there was none."""
    return str(library.last_report.get("shape", ""))


def shape(walked: Walk) -> str:
    """A digest of the names, sizes and times of all files; empty when there are none."""
    if not walked.entries:
        return ""
    state = blake3()
    for path, stat, *_ in walked.entries:
        state.update(b"%d:%b%d %d " % (len(path), path, stat.size, stat.mtime_ns))
    return state.hexdigest(length=16)


def settle(library: Library, wanted: Sequence[Raised], walked: Walk) -> None:
    """Raises what is new and clears what is gone, where the walk looked. Nothing is written when nothing changed."""
    open_now = {(one.code, one.place): one for one in _open(library)}
    there = {(one.code.value, one.place) for one in wanted}
    findings.raise_all(found=[one for one in wanted if _is_news(one, open_now.get((one.code.value, one.place)))])
    gone = [one.pk for key, one in open_now.items() if key not in there and _looked(one, walked)]
    if gone:
        findings.close(ids=gone)


def _open(library: Library) -> Iterable[Finding]:
    return findings.open_findings().filter(library=library, location=None, variant=None, code__in=CODES)


def _is_news(one: Raised, known: Finding | None) -> bool:
    return known is None or known.params != dict(one.params)


def _looked(one: Finding, walked: Walk) -> bool:
    """A scan of a part speaks of what lies in it, and no scan of what lies in a folder that it could not list."""
    if not one.place:
        return not walked.part
    return walked.covers(one.place.encode("utf-8", "surrogateescape"))
