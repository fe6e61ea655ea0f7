"""The two sides of a comparison that a person named: by a path, or by anything the catalogue answers to."""

from __future__ import annotations

import os
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

from catalog.errors import ChangedFile, FileProblem, NotFound, Refused
from catalog.formats.sets import parse_printed, printed
from catalog.management.subjects import Reached, reached, read
from catalog.storage.values import shown

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from uuid import UUID

    from catalog.fingerprints.values import ValueReader
    from catalog.matching.base import Subject
    from catalog.queries.lookup import Hit

_NAMED = 8
"""Answers to an ambiguous question that are named."""


class OpenSide(Protocol):
    """One side, whose files are open, if it has any."""

    @property
    def label(self) -> str: ...

    @property
    def size(self) -> int:
        """Bytes of its files; 0 where none can be read."""
        ...

    @property
    def unread(self) -> int:
        """Bytes that `subject` will read."""
        ...

    def subject(self, progress: Callable[[int], None]) -> Subject:
        """What it is compared by. `progress` is told how many bytes more were read."""
        ...

    @property
    def values(self) -> ValueReader | None:
        """All its values; None where its bytes are gone."""
        ...

    def refuse_changes(self) -> None:
        """Raises `Refused` if its files are no longer what they were when they were opened."""
        ...


def is_path(text: str) -> bool:
    """There is something on disk by that name."""
    return os.path.lexists(os.fsencode(text)) or bool(os.path.lexists(parse_printed(text)[0]) if "#" in text else False)


def open_side(text: str) -> AbstractContextManager[OpenSide]:
    """What `text` names: what lies at that path, else the one variant of the catalogue that answers to it."""
    return _path(text) if is_path(text) else _catalogued(text)


@dataclass(frozen=True, slots=True)
class _OnDisk:
    """Files that are read for this comparison."""

    found: Reached

    @property
    def label(self) -> str:
        return self.found.label

    @property
    def size(self) -> int:
        return self.found.size

    @property
    def unread(self) -> int:
        return self.found.size

    def subject(self, progress: Callable[[int], None]) -> Subject:
        with _named_problems(self.found):
            return read(self.found, progress=progress)

    @property
    def values(self) -> ValueReader | None:
        return self.found.values

    def refuse_changes(self) -> None:
        with _named_problems(self.found):
            self.found.refuse_changes()


@dataclass(frozen=True, slots=True)
class _Known:
    """A variant of the catalogue, by its stored fingerprint; `found` are its files, if they are here."""

    label: str
    stored: Subject
    found: Reached | None

    @property
    def size(self) -> int:
        return self.found.size if self.found is not None else 0

    @property
    def unread(self) -> int:
        return 0

    def subject(self, progress: Callable[[int], None]) -> Subject:
        return self.stored

    @property
    def values(self) -> ValueReader | None:
        return self.found.values if self.found is not None else None

    def refuse_changes(self) -> None:
        if self.found is not None:
            with _named_problems(self.found):
                self.found.refuse_changes()


@contextmanager
def _named_problems(found: Reached) -> Iterator[None]:
    """What is wrong with a file, said with its path."""
    try:
        yield
    except ChangedFile as error:
        what = "was written to, or replaced, while it was compared. Compare again when nothing writes to it."
        raise Refused(f"{shown(found.path)} {what}") from error
    except FileProblem as error:
        raise Refused(f"{shown(found.path)}: {error}") from error


@contextmanager
def _path(text: str) -> Iterator[OpenSide]:
    with reached(text) as found:
        yield _OnDisk(found)


@contextmanager
def _catalogued(text: str) -> Iterator[OpenSide]:
    from catalog.services.matching.subjects import load  # noqa: PLC0415 - what compares paths needs no database

    variant, name = _variant(text)
    stored = load([variant]).get(variant)
    if stored is None:
        raise NotFound(f"Nothing is known of {name} that could be compared.")
    place = _place(variant)
    if place is None:
        yield _Known(name, stored, None)
        return
    with reached(place) as found:
        yield _Known(name, stored, found)


def _variant(text: str) -> tuple[UUID, str]:
    """The one variant that answers. Raises `NotFound`, and `Refused` where several do."""
    from catalog.models import Variant  # noqa: PLC0415
    from catalog.queries import lookup  # noqa: PLC0415

    hits = lookup.find(text).hits
    if not hits:
        raise NotFound(f"There is nothing at {text}, and nothing in the catalogue answers to it. Check the spelling.")
    found: dict[UUID, Hit] = {}
    for hit in hits:
        theirs = Variant.objects.filter(model=hit.model, merged_into=None).values_list("pk", flat=True)
        for pk in [hit.variant] if hit.variant is not None else theirs:
            found.setdefault(pk, hit)
    if len(found) > 1:
        raise Refused(f"{text} may be any of {len(found)} variants. Name one of them: {_named(found)}.")
    if not found:
        raise NotFound(f"{text} is a model without variants, so there is nothing to compare.")
    ((variant, hit),) = found.items()
    return variant, hit.name


def _named(found: dict[UUID, Hit]) -> str:
    names = [f"{pk} ({hit.name})" for pk, hit in found.items()]
    return ", ".join(names[:_NAMED]) + (f" and {len(names) - _NAMED} more" if len(names) > _NAMED else "")


def _place(variant: UUID) -> str | None:
    """Where its bytes are, as they were when it was read; None where they are gone."""
    from catalog.models import Location  # noqa: PLC0415
    from catalog.vocabulary import LocationState  # noqa: PLC0415

    rows = Location.objects.filter(variant=variant, state=LocationState.PRESENT, library__removed_at=None)
    for row in rows.select_related("library").order_by("pk"):
        path = os.path.join(bytes(row.library.path), bytes(row.path)) if row.path else bytes(row.library.path)
        if os.path.lexists(path) and _unchanged(row.pk, bytes(row.library.path)):
            return printed(path, row.set_name)
    return None


def _unchanged(location: int, library: bytes) -> bool:
    """Each of its files has the size and the time that it had when it was read."""
    from catalog.models import LocationFile  # noqa: PLC0415

    for file in LocationFile.objects.filter(location_id=location):
        try:
            now = os.stat(os.path.join(library, bytes(file.path)))
        except OSError:
            return False
        if (now.st_size, now.st_mtime_ns) != (file.size, file.mtime_ns):
            return False
    return True


__all__ = ["OpenSide", "is_path", "open_side"]
