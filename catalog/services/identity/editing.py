"""What a person says of a model: no file overrules it afterwards. And forgetting, which keeps nothing but the id."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

from django.db import transaction

from catalog.errors import Refused
from catalog.models import Decision, ExternalId, ModelRecord, Preview
from catalog.services import totals
from catalog.services.identity.before_image import Change, Image, Table
from catalog.services.identity.holding import hold_models, live
from catalog.vocabulary import Base, Kind, NameSource

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Mapping, Sequence
    from typing import TypeAlias

    from django.contrib.auth.models import AbstractBaseUser, AnonymousUser

    Clean: TypeAlias = Callable[[object], "str | list[str]"]

LONGEST_WORD = 1000
LONGEST_NOTES = 100_000
MOST_TAGS = 200
LONGEST_TAG = 100
FORGOTTEN = "forgotten model"
_COUNTED = frozenset({"kind", "base"})

log = logging.getLogger(__name__)


def edit(
    *, model: ModelRecord, fields: Mapping[str, object], user: AbstractBaseUser | AnonymousUser | None
) -> ModelRecord:
    """Sets what a person says: name, version_name, kind, base, licence, source, tags, trigger_words, notes.

    Fields that stay as they are do not count as edited. An alias edits the model that it was merged into. Raises
    `Refused` for a field that cannot be edited and for a value that it cannot have; nothing is changed then.
    """
    unknown = sorted(fields.keys() - _CLEAN.keys())
    if unknown:
        raise Refused(f"{', '.join(unknown)} cannot be edited. These can: {', '.join(_CLEAN)}.")
    wanted = {name: _CLEAN[name](value) for name, value in fields.items()}
    with transaction.atomic():
        row = live(model.pk, hold_models([model.pk]))
        changed = [name for name, value in wanted.items() if getattr(row, name) != value]
        if not changed:
            return row
        for name in changed:
            setattr(row, name, wanted[name])
        if "name" in changed:
            row.name_source = NameSource.PERSON
        row.edited = [*row.edited, *(name for name in changed if name not in row.edited)]
        row.touched = True
        row.save()
        if not _COUNTED.isdisjoint(changed):
            totals.stale_of([row.pk])
    who = user.get_username() if user is not None else "the command line"
    log.info("model %s: %s edited by %s", row.pk, ", ".join(changed), who)
    return row


def forget(model: ModelRecord) -> ModelRecord:
    """Clears all that is personal, of its aliases and in the history too. The id and what files prove stay."""
    with transaction.atomic():
        held = hold_models([model.pk])
        row = live(model.pk, held)
        aliases = ModelRecord.objects.select_for_update(no_key=True).filter(merged_into=row).order_by("pk")
        rows = [row, *aliases]
        for one in rows:
            _clear(one)
        ExternalId.objects.filter(model__in=rows).delete()
        Preview.objects.filter(variant__model__in=rows).delete()
        _clear_history(rows)
        totals.stale_of([row.pk])
    log.info("model %s: forgotten", row.pk)
    return row


def _clear(row: ModelRecord) -> None:
    row.name, row.name_source = FORGOTTEN, NameSource.FILE
    row.version_name = row.licence = row.source = row.notes = ""
    row.tags, row.trigger_words, row.edited = [], [], []
    row.touched = Decision.objects.filter(models_touched=row, actor__isnull=False).exists()
    row.save()


def _clear_history(rows: Sequence[ModelRecord]) -> None:
    """The words of before, kept to undo a decision, are forgotten too; which variants went where is not."""
    ids = {str(row.pk) for row in rows}
    about = Decision.objects.filter(models_touched__in=rows).values("pk")
    for decision in Decision.objects.select_for_update().filter(pk__in=about).order_by("pk"):
        image = Image.read(decision.before)
        kept = tuple(change for change in image.changes if not _personal(change, ids))
        if kept != image.changes:
            decision.before = {**decision.before, **Image(kept, image.stayed).written()}
            decision.save(update_fields=["before"])


def _personal(change: Change, ids: Collection[str]) -> bool:
    return change.table is Table.MODEL and change.row in ids and change.field in {*_CLEAN, "name_source", "edited"}


def _text(name: str, longest: int, *, empty: bool = True) -> Clean:
    def clean(value: object) -> str:
        if not isinstance(value, str):
            raise Refused(f"{name} is text, not {type(value).__name__}.")
        text = storable(value).strip()
        if len(text) > longest:
            raise Refused(f"{name} is longer than {longest:,} characters. Shorten it.")
        if not text and not empty:
            raise Refused(f"{name} cannot be empty.")
        return text

    return clean


def _word(name: str, words: type[Kind] | type[Base]) -> Clean:
    def clean(value: object) -> str:
        if value not in words.values():
            raise Refused(f"{name} is one of: {', '.join(words.values())}.")
        return str(value)

    return clean


def _words(name: str, one: str, longest: int) -> Clean:
    """Each once, whatever its case; the first spelling stays."""
    clean_one = _text(one, longest)

    def clean(value: object) -> list[str]:
        if not isinstance(value, list | tuple) or not all(isinstance(word, str) for word in value):
            raise Refused(f"{name} are a list of texts.")
        found: dict[str, str] = {}
        for given in value:
            word = " ".join(str(clean_one(given)).split())
            if word:
                found.setdefault(word.casefold(), word)
        if len(found) > MOST_TAGS:
            raise Refused(f"A model has at most {MOST_TAGS} {name}.")
        return list(found.values())

    return clean


def storable(text: str) -> str:
    """Without what PostgreSQL refuses: NUL and lone surrogates."""
    return text.replace("\0", "").encode("utf-8", "replace").decode()


_CLEAN: Mapping[str, Clean] = {
    "name": _text("name", LONGEST_WORD, empty=False),
    "version_name": _text("version_name", LONGEST_WORD),
    "kind": _word("kind", Kind),
    "base": _word("base", Base),
    "licence": _text("licence", LONGEST_WORD),
    "source": _text("source", LONGEST_WORD),
    "tags": _words("tags", "a tag", LONGEST_TAG),
    "trigger_words": _words("trigger words", "a trigger word", LONGEST_WORD),
    "notes": _text("notes", LONGEST_NOTES),
}
"""What can be edited, and what makes a value fit."""
