"""Sets of shards: which files an index names, which numbers a name pattern promises, and what of it is missing."""

from __future__ import annotations

from typing import TYPE_CHECKING

from catalog.errors import MalformedFile
from catalog.formats.base import Problem, SetMember
from catalog.formats.set_names import Family, family_of
from catalog.formats.strict_json import load_object
from catalog.formats.text import clean_name, clean_text
from catalog.storage import described
from catalog.storage.values import shown
from catalog.vocabulary import FileRole, FindingCode

if TYPE_CHECKING:
    from collections.abc import Container, Iterable, Iterator, Mapping, Sequence

    from catalog.formats.base import Json

MAX_INDEX = 25_165_824
"""Bytes read of an index; the largest models' have some 15 million."""


def problems(files: Sequence[SetMember], held: Mapping[bytes, Container[str]]) -> Iterator[Problem]:
    """One for each missing shard and each index that cannot be trusted; no shard is named twice.

    `held`: the names of the tensors of each shard that could be read, by its path in the set.
    """
    names = {file.name for file in files}
    told: set[bytes] = set()
    for file in files:
        if file.role is FileRole.INDEX:
            for found in _of_index(file, held):
                if isinstance(found, bytes):
                    told.add(found)
                else:
                    yield found
    told.update(_of_names(names))
    told.update(described.missing(names))
    for name in sorted(told - names):
        yield Problem(FindingCode.MISSING_SHARD, {"shard": shown(name)})


def _of_index(file: SetMember, held: Mapping[bytes, Container[str]]) -> Iterator[bytes | Problem]:
    """Every shard that an index names, as a path in the set; or what is wrong with the index."""
    folder = file.name.rpartition(b"/")[0]
    try:
        weight_map = load_object(file.source, MAX_INDEX).get("weight_map")
    except MalformedFile as error:
        yield Problem(error.code, {**error.params, "file": shown(file.name)})
        return
    shards = set(weight_map.values()) if isinstance(weight_map, dict) and _all_text(weight_map.values()) else None
    if not shards:
        yield _untrusted(file, "An index without a weight_map from tensors to shards")
        return
    for shard in sorted(clean_text(str(name)) for name in shards):
        if "/" in shard or "\\" in shard or shard in {"", ".", ".."}:
            yield _untrusted(file, f"An index that names a file outside its folder ({clean_text(shard, 100)})")
        else:
            yield folder + b"/" + shard.encode() if folder else shard.encode()
    yield from _misplaced(file, folder, weight_map, held)


def _misplaced(
    file: SetMember, folder: bytes, weight_map: Json, held: Mapping[bytes, Container[str]]
) -> Iterator[Problem]:
    """The first tensor that the index places in a shard that does not hold it."""
    for tensor, shard in weight_map.items() if isinstance(weight_map, dict) else ():
        place = clean_text(str(shard)).encode()
        names = held.get(folder + b"/" + place if folder else place)
        if names is not None and clean_name(tensor) not in names:
            where = clean_text(str(shard), 200)
            yield _untrusted(
                file, f"An index that places {clean_text(tensor, 200)} in {where}, which holds no such tensor"
            )
            return


def _all_text(values: Iterable[object]) -> bool:
    return all(isinstance(value, str) for value in values)


def _untrusted(file: SetMember, what: str) -> Problem:
    return Problem(FindingCode.MALFORMED, {"what": what, "where": "weight_map", "file": shown(file.name)})


def _of_names(names: set[bytes]) -> Iterator[bytes]:
    """What `model-00002-of-00005.safetensors` promises of its fellows and is not there."""
    families: dict[tuple[bytes, Family], set[bytes]] = {}
    for name in names:
        folder, slash, last = name.rpartition(b"/")
        family = family_of(last)
        if family is not None:
            families.setdefault((folder + slash, family), set()).add(last)
    for (folder, family), there in families.items():
        yield from (folder + name for name in family.missing(there))
