"""Sets of shards: which files an index names, which numbers a name pattern promises, and what of it is missing."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence

from catalog.errors import MalformedFile
from catalog.formats.base import Problem, SetFile
from catalog.formats.strict_json import read_object
from catalog.formats.text import clean_text
from catalog.vocabulary import FileRole, FindingCode

MAX_INDEX = 33_554_432
"""Bytes read of an index; the largest models' have some 15 million."""

_NUMBERED = re.compile(rb"(?P<stem>.+)-(?P<number>[0-9]{5})-of-(?P<count>[0-9]{5})(?P<suffix>\.[A-Za-z0-9.]+)")


def problems(files: Sequence[SetFile]) -> Iterator[Problem]:
    """One for each missing shard and each index that cannot be trusted; no shard is named twice."""
    names = {file.name for file in files}
    told: set[bytes] = set()
    for file in files:
        if file.role is FileRole.INDEX:
            for found in _of_index(file, names):
                if isinstance(found, bytes):
                    told.add(found)
                else:
                    yield found
    told.update(_of_numbers(names))
    for name in sorted(told - names):
        yield Problem(FindingCode.MISSING_SHARD, {"shard": shown(name)})


def shown(name: bytes) -> str:
    """A file's name as text for people."""
    return clean_text(name.decode("utf-8", "surrogateescape"), 1000)


def _of_index(file: SetFile, names: set[bytes]) -> Iterator[bytes | Problem]:
    """Every shard that an index names, as a path in the set; or what is wrong with the index."""
    folder = file.name.rpartition(b"/")[0]
    try:
        weight_map = read_object(file.source, MAX_INDEX).get("weight_map")
    except MalformedFile as error:
        yield Problem(error.code, {**error.params, "file": shown(file.name)})
        return
    shards = set(weight_map.values()) if isinstance(weight_map, dict) and _all_text(weight_map.values()) else None
    if not shards:
        yield _untrusted(file, "An index without a weight_map from tensors to shards")
        return
    for shard in sorted(str(name) for name in shards):
        if "/" in shard or "\\" in shard or shard in {"", ".", ".."}:
            yield _untrusted(file, f"An index that names a file outside its folder ({clean_text(shard, 100)})")
        else:
            yield folder + b"/" + shard.encode() if folder else shard.encode()


def _all_text(values: Iterable[object]) -> bool:
    return all(isinstance(value, str) for value in values)


def _untrusted(file: SetFile, what: str) -> Problem:
    return Problem(FindingCode.MALFORMED, {"what": what, "where": "weight_map", "file": shown(file.name)})


def _of_numbers(names: Iterable[bytes]) -> Iterator[bytes]:
    """Every shard that `model-00002-of-00005.safetensors` promises: the whole series."""
    series = {
        (match["stem"], match["count"], match["suffix"])
        for match in map(_NUMBERED.fullmatch, names)
        if match and int(match["count"]) <= 10_000
    }
    for stem, count, suffix in series:
        for number in range(1, int(count) + 1):
            yield b"%s-%05d-of-%s%s" % (stem, number, count, suffix)
