"""Narrowing the list of models: the choices of each filter with their counts, the filter itself, and the search.

Counts come from the maintained sums: of each filter as the other filters stand. They count variants.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from django.db.models import Q, QuerySet

from catalog import layouts
from catalog.models import FormerName, Library, Location, ModelRecord, StorageTotal, Variant
from catalog.queries import lookup
from catalog.vocabulary import Base, Format, Kind, LocationState, Outcome, Precision

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from uuid import UUID

FACETS = ("kind", "base", "format", "precision", "quantisation", "layout", "library", "state")
NONE = "none"
"""How an address asks for the variants that have no quantisation, or lie in no tool's folder."""
_LABELS = {"kind": Kind, "base": Base, "format": Format, "precision": Precision, "state": LocationState}
_COLUMNS = {"library": "locations__library", "state": "locations__state", "layout": "locations__layout"}
_MAY_BE_NONE = {"quantisation": "none", "layout": "plain folder"}
_PLACES = {facet: place for place, facet in enumerate(FACETS)}
_MAY_BE_SAID = ("kind", "base")
"""A person's word on these stands for all variants of the model."""
_SENTENCE_CASE = {"kind", "base", "state"}
_SHOWN = 100
_DIGITS = 10


@dataclass(frozen=True, slots=True)
class Choice:
    """One value of a filter, its words, and how many variants it leaves."""

    value: str
    label: str
    count: int


class Cube:
    """The sums of every combination, read once a page."""

    def __init__(self) -> None:
        rows = StorageTotal.objects.filter(library__removed_at=None).exclude(format=Outcome.PENDING)
        self._rows = list(rows.values_list("variants", *FACETS))
        self._libraries = dict(Library.objects.filter(removed_at=None).values_list("pk", "name"))
        self._counted: tuple[dict[str, str], dict[str, Counter[str]]] | None = None

    def choices(self, facet: str, chosen: Mapping[str, str]) -> list[Choice]:
        """The values of one filter, most frequent first, counted as the other filters stand."""
        counts = Counter(self._counts({key: value for key, value in chosen.items() if value})[facet])
        mine = chosen.get(facet)
        if mine and mine not in counts:
            counts[mine] = 0
        return [Choice(value, self._label(facet, value), count) for value, count in counts.most_common(_SHOWN)]

    def _counts(self, chosen: dict[str, str]) -> dict[str, Counter[str]]:
        """All filters in one pass: a row that fits all counts everywhere, one that fails a single filter there."""
        if self._counted is None or self._counted[0] != chosen:
            found: dict[str, Counter[object]] = {facet: Counter() for facet in FACETS}
            wanted = [(at, facet, _column(facet, chosen[facet])) for at, facet in enumerate(FACETS) if facet in chosen]
            for variants, *row in self._rows:
                failed = [facet for at, facet, value in wanted if str(row[at]) != value]
                if not failed:
                    for facet, value in zip(FACETS, row, strict=True):
                        found[facet][value] += variants
                elif len(failed) == 1:
                    found[failed[0]][row[_PLACES[failed[0]]]] += variants
            self._counted = chosen, {facet: _named_values(facet, counts) for facet, counts in found.items()}
        return self._counted[1]

    def _label(self, facet: str, value: str) -> str:
        if facet == "library":
            return self._libraries.get(int(value), value) if value.isdecimal() else value
        if facet in _MAY_BE_NONE and value == NONE:
            return _MAY_BE_NONE[facet]
        if facet == "layout":
            return layouts.label_of(value) or value
        if facet == "quantisation":
            return value
        label = _LABELS[facet].label_of(value)
        return label[:1].upper() + label[1:] if facet in _SENTENCE_CASE else label


def narrowed(models: QuerySet[ModelRecord], chosen: Mapping[str, str]) -> QuerySet[ModelRecord]:
    """The models that have a variant which fits every chosen value, in one place."""
    wanted = {_COLUMNS.get(key, key): _column(key, value) for key, value in chosen.items() if value}
    if not wanted:
        return models
    if "library" in chosen and not (chosen["library"].isdecimal() and len(chosen["library"]) < _DIGITS):
        return models.none()
    said = [facet for facet in _MAY_BE_SAID if facet in wanted]
    found = Variant.objects.filter(merged_into=None, **wanted).order_by().values("model")
    if not said:
        return models.filter(pk__in=found)
    others = {column: value for column, value in wanted.items() if column not in said}
    for facet in said:
        models = models.filter(~Q(edited__contains=[facet]) | Q(**{facet: wanted[facet]}))
    return models.filter(pk__in=found.union(_said(wanted, said, others), all=True))


def _said(wanted: Mapping[str, str], said: Sequence[str], others: Mapping[str, str]) -> QuerySet[Variant, Any]:
    """Models of which a person said one of these: what was recognised of their variants then says nothing."""
    about = Q()
    for facet in said:
        about |= Q(**{"model__edited__contains": [facet], f"model__{facet}": wanted[facet]})
    recognised = Q()
    for facet in said:
        recognised &= Q(model__edited__contains=[facet]) | Q(**{facet: wanted[facet]})
    return Variant.objects.filter(about, recognised, merged_into=None, **others).order_by().values("model")


def _named_values(facet: str, counts: Counter[object]) -> Counter[str]:
    """As an address names them."""
    none = facet in _MAY_BE_NONE
    return Counter({NONE if none and value == "" else str(value): count for value, count in counts.items()})


def _column(facet: str, value: str) -> str:
    """What the column holds for a value of an address."""
    return "" if facet in _MAY_BE_NONE and value == NONE else value.replace("\0", "")


def searched(models: QuerySet[ModelRecord], text: str) -> QuerySet[ModelRecord]:
    """The models that `text` names: by name, path, former name, tag, id, or digits of a hash. All words count."""
    text = text.replace("\0", "").strip()
    words = text.split()
    if not words:
        return models
    by_name = ModelRecord.objects.filter(
        _each("name", words) | Q(version_name__icontains=text) | Q(tags__contains=[text])
    )
    by_path = Location.objects.filter(_each("path_text", words), variant__isnull=False)
    by_former = FormerName.objects.filter(_each("path_text", words))
    found = (
        by_name.order_by().values("pk"),
        by_path.order_by().values("variant__model"),
        by_former.order_by().values("variant__model"),
        ModelRecord.objects.filter(pk__in=_named(text)).order_by().values("pk"),
    )
    return models.filter(pk__in=found[0].union(*found[1:], all=True))


def _each(column: str, words: Iterable[str]) -> Q:
    every = Q()
    for word in words:
        every &= Q(**{f"{column}__icontains": word})
    return every


def _named(text: str) -> set[UUID]:
    """Models that the look-up finds by an id, the digits of a hash, another program's id or a whole path."""
    return {hit.model for hit in lookup.find_exactly(text)}
