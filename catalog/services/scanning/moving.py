"""Renames: a place that is gone and one that is new are one place when size, time and inode of their files agree."""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING, TypeAlias

from catalog.services.scanning.comparing import Pair
from catalog.services.scanning.known import PUT_AWAY, print_of

if TYPE_CHECKING:
    from collections.abc import Iterable

    from catalog.formats.sets import FileSet
    from catalog.services.scanning.comparing import Comparison
    from catalog.services.scanning.known import KnownPlace, Print

_Key: TypeAlias = "tuple[bytes, str]"


def take_moves(result: Comparison) -> list[Pair]:
    """Takes the moved places out of the other lists.

    Of two files that changed their names with each other both are moved. A file that was renamed onto another one is
    not: as far as its place can tell, the other was edited.
    """
    occupants = {_key(pair.found): pair.place for pair in result.edited}
    targets = [*result.new, *(pair.found for pair in result.edited)]
    moved = _matches([*result.gone, *occupants.values()], targets)
    while stuck := _without_room(moved, occupants):
        for key in stuck:
            del moved[key]
    if moved:
        _strike(result, moved)
    return list(moved.values())


def _key(found: FileSet) -> _Key:
    return found.path, found.set


def _matches(places: Iterable[KnownPlace], targets: Iterable[FileSet]) -> dict[_Key, Pair]:
    waiting: dict[tuple[str, tuple[Print, ...]], list[KnownPlace]] = defaultdict(list)
    for place in places:
        if place.mood != PUT_AWAY:
            waiting[place.set_name, place.prints].append(place)
    moved: dict[_Key, Pair] = {}
    for found in targets if waiting else ():
        prints = tuple(sorted(print_of(file.entry.snapshot) for file in found.files))
        candidates = waiting.get((found.set, prints))
        if candidates:
            moved[_key(found)] = Pair(candidates.pop(0), found)
    return moved


def _without_room(moved: dict[_Key, Pair], occupants: dict[_Key, KnownPlace]) -> list[_Key]:
    """Targets where somebody is known who does not move away."""
    leaving = {pair.place.location_id for pair in moved.values()}
    return [key for key in moved if key in occupants and occupants[key].location_id not in leaving]


def _strike(result: Comparison, moved: dict[_Key, Pair]) -> None:
    """Strikes what moved from the lists. What lies now where it was is new."""
    left = {pair.place.location_id for pair in moved.values()}
    result.gone = [place for place in result.gone if place.location_id not in left]
    result.new = [found for found in result.new if _key(found) not in moved]
    result.new += [
        pair.found for pair in result.edited if pair.place.location_id in left and _key(pair.found) not in moved
    ]
    result.edited = [pair for pair in result.edited if pair.place.location_id not in left]
