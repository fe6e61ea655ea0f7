"""Models as a change list: a search that takes anything, filters with counts, pages that cost the same at any size."""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING, Any, cast

from django.contrib.admin import ListFilter, SimpleListFilter
from django.contrib.admin.views.main import ChangeList
from django.core.paginator import Paginator

from catalog.queries import facets
from catalog.queries.estimates import Counted, count_of
from catalog.queries.model_list import summaries

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from django.contrib.admin import ModelAdmin
    from django.db.models import QuerySet
    from django.http import HttpRequest

    from catalog.models import ModelRecord

_TITLES = {"kind": "kind", "base": "base model", "format": "format", "precision": "precision",
           "quantisation": "quantisation", "layout": "layout", "library": "library folder",
           "state": "state"}  # fmt: skip
_SHORT = 8
"""Values of a filter that stand open; the others are folded away."""
_CUBE = "isotope_facets"


class FacetFilter(SimpleListFilter):
    """One filter of the list. Its counts come from the maintained sums, as the other filters stand."""

    def lookups(self, request: HttpRequest, model_admin: ModelAdmin[Any]) -> Sequence[tuple[str, str]]:
        """The values that occur, with their words."""
        self.found = _cube(request).choices(self.parameter_name or "", chosen(request))
        if {choice.value for choice in self.found} == {facets.NONE} and not self.value():
            return []  # nothing here is told apart by it
        return [(choice.value, choice.label) for choice in self.found]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        """Nothing by itself: all filters narrow together, to one variant in one place."""
        return queryset

    def choices(self, changelist: ChangeList) -> Iterator[Any]:
        """`All`, then each value with its count; what is rare and not chosen is `folded`."""
        counts = [None, *(choice.count for choice in self.found)]
        few = len(counts) <= _SHORT + 2  # nobody unfolds a list for one more
        for place, (choice, count) in enumerate(zip(super().choices(changelist), counts, strict=True)):
            yield {**choice, "count": count, "folded": not few and place > _SHORT and not choice["selected"]}


FILTERS: tuple[type[ListFilter], ...] = tuple(
    type(f"{name.capitalize()}Filter", (FacetFilter,), {"parameter_name": name, "title": _TITLES[name]})
    for name in facets.FACETS
)


def chosen(request: HttpRequest) -> dict[str, str]:
    """The value of each filter that is set."""
    return {name: request.GET[name] for name in facets.FACETS if request.GET.get(name)}


def _cube(request: HttpRequest) -> facets.Cube:
    """Read once a request, however many filters ask."""
    cube: facets.Cube = request.META.get(_CUBE) or facets.Cube()
    request.META[_CUBE] = cube
    return cube


class EstimatingPaginator(Paginator):  # type: ignore[type-arg]  # of any rows
    """Counts exactly while that is cheap, else says about how many there are."""

    @cached_property
    def counted(self) -> Counted:
        """The number, and whether it is exact."""
        return count_of(cast("QuerySet[Any]", self.object_list))

    @property
    def count(self) -> int:
        """For the number of pages."""
        return self.counted.rows


class ModelChangeList(ChangeList):
    """Adds what the rows show: two statements a page."""

    def get_queryset(
        self, request: HttpRequest, exclude_parameters: list[str | None] | None = None
    ) -> QuerySet[ModelRecord]:
        """All filters together: a model is shown when one of its variants fits all of them in one place."""
        return facets.narrowed(super().get_queryset(request, exclude_parameters), chosen(request))

    def get_results(self, request: HttpRequest) -> None:
        """The rows of this page."""
        super().get_results(request)
        found = summaries([row.pk for row in self.result_list])
        for row in self.result_list:
            row.summary = found[row.pk]
