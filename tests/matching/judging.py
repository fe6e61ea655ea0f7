"""Two artefacts compared as the product does it: by keys and samples, and by every value where that leaves doubt."""

from __future__ import annotations

import os
import tempfile
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from catalog.management.subjects import reached, read
from catalog.matching.full import compare_in_full
from catalog.matching.whole import compare
from catalog.vocabulary import Relation, SameModel
from tests.builders.conversions import write

if TYPE_CHECKING:
    from collections.abc import Iterator

    from catalog.fingerprints.values import ValueReader
    from catalog.matching.base import Evidence, Subject
    from tests.builders.conversions import Files


class Held(NamedTuple):
    """An artefact that was read once, its files still open."""

    subject: Subject
    values: ValueReader


class Judged(NamedTuple):
    """What is said at once, and in the end."""

    quick: Evidence
    final: Evidence


@contextmanager
def held(files: Files) -> Iterator[Held]:
    """The artefact of these files, in a folder of its own."""
    with tempfile.TemporaryDirectory() as folder, reached(os.fspath(write(Path(folder), "it", files))) as found:
        yield Held(read(found), found.values)


def judge(left: Held, right: Held) -> Judged:
    """The left one beside the right one."""
    quick = compare(left.subject, right.subject)
    if not quick.full:
        return Judged(quick, quick)
    return Judged(quick, compare_in_full(left.subject, right.subject, left.values, right.values))


def assert_same(judged: Judged, *relations: Relation) -> None:
    """Called one model, by one of these words; and nothing else before every value was compared."""
    final = judged.final
    told = f"{final.relation}, {final.certainty}, {final.doubt or 'no doubt'}; at once: {judged.quick.relation}"
    assert final.same_model is SameModel.YES, told
    assert final.relation in relations, told
    assert judged.quick.same_model in {SameModel.YES, SameModel.UNKNOWN}, told


def assert_not_same(judged: Judged) -> None:
    """Never called one model in the end, nor joined by itself before."""
    final = judged.final
    rows = [row for row in final.rows if row.outside]
    told = f"{final.relation}, {final.certainty}, {final.doubt or 'no doubt'}; outside: {rows[:3]}"
    assert final.same_model is not SameModel.YES, told
