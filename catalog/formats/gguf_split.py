"""Split GGUF models: what the parts state of themselves, beside what their names say.

llama.cpp (llama-model-loader.cpp) finds the parts of `x-00001-of-00003.gguf` by their names, then demands that each
states its own number (`split.no`, from 0) and that together they hold `split.tensors.count` tensors.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from catalog.formats.base import Probe, Problem
from catalog.formats.set_names import family_of, suffix
from catalog.storage.values import shown
from catalog.vocabulary import FindingCode, Format

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from catalog.formats.base import Json

NUMBER, COUNT, TENSORS = "split.no", "split.count", "split.tensors.count"


def alone(name: bytes, metadata: Mapping[str, Json]) -> Problem | None:
    """A part of several under a name by which no program finds its fellows, if this file is one."""
    count, number = _stated(metadata, COUNT), _stated(metadata, NUMBER) or 0
    if count is None or count < 2 or suffix(name) != b".gguf" or family_of(name.rpartition(b"/")[2]) is not None:
        return None
    what = f"Part {number + 1:,} of {count:,} of a split model, under a name that does not say so"
    return Problem(FindingCode.MALFORMED, {"what": what, "where": COUNT})


def problems(parts: Sequence[tuple[bytes, Probe]]) -> Iterator[Problem]:
    """What the parts of one set state that their names, or their fellows, contradict."""
    split = [(name, probe) for name, probe in parts if probe.format is Format.GGUF and family_of(_last(name))]
    for name, probe in split:
        yield from _misnamed(name, probe.metadata)
    promised = next((_stated(probe.metadata, TENSORS) for _, probe in split if TENSORS in probe.metadata), None)
    held = sum(len(probe.tensors) for _, probe in split)
    if promised is not None and promised != held and _complete([name for name, _ in split]):
        what = f"{held:,} tensors in all parts, where {promised:,} are promised"
        yield Problem(FindingCode.MALFORMED, {"what": what, "where": TENSORS})


def _misnamed(name: bytes, metadata: Mapping[str, Json]) -> Iterator[Problem]:
    family = family_of(_last(name))
    number, count = _stated(metadata, NUMBER), _stated(metadata, COUNT)
    if family is not None and count is not None and count != int(family.total):
        yield _problem(name, f"A part of {count:,}, named as one of {int(family.total):,}", COUNT)
    if family is not None and number is not None and _last(name) != family.shard(number + 1):
        yield _problem(name, f"Part {number + 1:,}, under the name of another", NUMBER)


def _complete(names: Sequence[bytes]) -> bool:
    families = {family_of(_last(name)) for name in names}
    return len(families) == 1 and all(family and len(names) == int(family.total) for family in families)


def _problem(name: bytes, what: str, where: str) -> Problem:
    return Problem(FindingCode.MALFORMED, {"what": what, "where": where, "file": shown(name)})


def _stated(metadata: Mapping[str, Json], key: str) -> int | None:
    value = metadata.get(key)
    return value if isinstance(value, int) and not isinstance(value, bool) else None


def _last(name: bytes) -> bytes:
    return name.rpartition(b"/")[2]
