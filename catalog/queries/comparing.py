"""What waits to be compared, and what could not be."""

from __future__ import annotations

from typing import NamedTuple

from catalog.models import Match, Variant

MOST = 10_000
"""Counted up to here: a page does not read a million rows to say that much is left."""


class Waiting(NamedTuple):
    """Counts, each up to `MOST`. `searches`: variants that wait to be compared with what the catalogue knows.
    `comparisons`: pairs whose values wait to be read, `reading` of them just now; `out_of_reach` ones wait for files
    that no worker reaches.
    """

    searches: int
    comparisons: int
    reading: int
    out_of_reach: int

    @property
    def any(self) -> bool:
        """Is there anything left to compare?"""
        return bool(self.searches or self.comparisons)


def waiting() -> Waiting:
    """As it is now."""
    due = Match.objects.filter(compare_due=True)
    return Waiting(
        searches=Variant.objects.filter(search_due=True, merged_into=None)[:MOST].count(),
        comparisons=due[:MOST].count(),
        reading=due.filter(lease__isnull=False)[:MOST].count(),
        out_of_reach=Match.objects.filter(out_of_reach=True)[:MOST].count(),
    )


def searches_wait() -> bool:
    """Does a variant wait that nobody searches for just now?"""
    return Variant.objects.filter(search_due=True, search_lease=None, merged_into=None).exists()


def comparisons_wait() -> bool:
    """Does a pair wait that nobody reads just now?"""
    return Match.objects.filter(compare_due=True, lease=None).exists()
