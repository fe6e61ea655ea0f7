"""What several notes say of one place, as one: the strongest counts where they disagree, the rest is put together.

The order is that of `NoteKind`: what Civitai answered, then LoRA Manager, StabilityMatrix, CivitAI Browser+, a
person's own card in A1111, the model card.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

from catalog.services.identity.editing import LONGEST_TAG
from catalog.sidecars.base import once
from catalog.storage.keys import stem
from catalog.storage.values import shown
from catalog.vocabulary import NoteKind

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from catalog.models import LocationFile
    from catalog.services.notes.reading import Page
    from catalog.sidecars import Named, Stated, StatedFile, Told

_ORDER = [kind.value for kind in NoteKind]
_ROUNDING = 1024
"""Bytes by which a size that is given in KiB may be off."""


class Listing(NamedTuple):
    """A digest that is listed for one file of a place; None for its only one."""

    file: int | None
    stated: Stated


@dataclass(frozen=True, slots=True)
class Words:
    """All that is said of one place. Texts are empty where nothing is said."""

    name: str
    version_name: str
    licence: str
    source: str
    notes: str
    tags: tuple[str, ...]
    trigger_words: tuple[str, ...]
    ids: tuple[Named, ...]
    hashes: tuple[Listing, ...]


def together(pages: Iterable[Page], files: Sequence[LocationFile]) -> Words:
    """Of the pages of one place; `files` are those of the place. The name of a version goes with that of its model."""
    ranked = sorted(pages, key=lambda page: (_rank(page.note.kind), bytes(page.note.path)))
    told = [page.told for page in ranked]
    naming = next((one for one in told if one.name), None)
    return Words(
        name=naming.name if naming is not None else "",
        version_name=(naming.version_name if naming is not None else "") or _first(one.version_name for one in told),
        licence=_first(one.licence for one in told),
        source=_first(one.source for one in told),
        notes=_first(one.notes for one in told),
        tags=once(tag for one in told for words in (*one.tags, one.base) for tag in _tags(words)),
        trigger_words=once(word for one in told for word in one.trigger_words),
        ids=_ids(told),
        hashes=_hashes(ranked, files),
    )


def _rank(kind: str) -> int:
    return _ORDER.index(kind) if kind in _ORDER else len(_ORDER)


def _first(texts: Iterable[str]) -> str:
    return next((text for text in texts if text), "")


def _tags(words: str) -> Iterator[str]:
    """What a person could have typed: commas stand between tags, and a tag is short."""
    for word in words.split(","):
        tag = word.strip()
        if len(tag) <= LONGEST_TAG:
            yield tag


def _ids(told: Iterable[Told]) -> tuple[Named, ...]:
    """One of each scheme: a place is one version of one model."""
    found: dict[str, Named] = {}
    for one in told:
        for named in one.ids:
            found.setdefault(named.scheme, named)
    return tuple(found.values())


def _hashes(pages: Iterable[Page], files: Sequence[LocationFile]) -> tuple[Listing, ...]:
    """One of each file, algorithm and source: the first, which is the strongest."""
    found: dict[tuple[int | None, str, str], Listing] = {}
    for page in pages:
        for listing in _of_page(page, files):
            found.setdefault((listing.file, listing.stated.algorithm, listing.stated.source.value), listing)
    return tuple(found.values())


def _of_page(page: Page, files: Sequence[LocationFile]) -> list[Listing]:
    """Of a set, what is listed under the name of a file, or beside one."""
    told = page.told
    if len(files) == 1:
        stated = [*told.hashes, *_meant(told.files, files[0])]
        return [Listing(None, one) for one in stated]
    own = next((file for file in files if _beside(page.note.path, bytes(file.path))), None)
    found = [Listing(own.pk, one) for one in told.hashes] if own is not None else []
    by_name = {shown(bytes(file.name)).rpartition("/")[2]: file for file in files}
    found += [
        Listing(by_name[one.name].pk, stated) for one in told.files if one.name in by_name for stated in one.hashes
    ]
    return found


def _beside(note: bytes | memoryview, file: bytes) -> bool:
    """The note's name begins with that of the file."""
    folder, _, name = bytes(note).rpartition(b"/")
    home, _, own = file.rpartition(b"/")
    return folder == home and shown(name).startswith((f"{shown(own)}.", f"{stem(own)}."))


def _meant(stated: Sequence[StatedFile], file: LocationFile) -> tuple[Stated, ...]:
    """Of several files, the one of this name or size; the only one, whatever it is called."""
    if len(stated) == 1:
        return stated[0].hashes
    name = shown(bytes(file.name)).rpartition("/")[2].casefold()
    named = [one for one in stated if one.name.casefold() == name]
    sized = [one for one in stated if one.size is not None and abs(one.size - file.size) <= _ROUNDING]
    for found in ([one for one in named if one in sized], sized, named):
        if len(found) == 1:
            return found[0].hashes
    return ()
