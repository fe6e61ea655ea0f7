"""What every trial with a fault needs: a folder, the answer that must come out of it, and patience."""

from __future__ import annotations

import hashlib
import os
import signal
import time
from collections import defaultdict
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from blake3 import blake3
from django.db import connection

from catalog import tasks
from catalog.models import Job, Library, Location, ModelHash, ModelRecord, Variant
from catalog.models.work import OPEN_STATES
from catalog.queries.lookup import find
from catalog.services import libraries
from catalog.vocabulary import Algorithm, LocationState, Stage
from tests.builders import safetensors, weights, write_tree

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path
    from subprocess import Popen

LEASE = {"ISOTOPE_LEASE_SECONDS": "2", "ISOTOPE_RECONCILE_SECONDS": "1"}
"""For workers: what takes half a minute in earnest takes two seconds here."""
SLOW, SLOW_BYTES = b"slow.safetensors", 12_000_000
"""At a speed limit of 1 MB/s there is time enough to do something to whoever reads it."""


def small_tree() -> dict[str, bytes]:
    """Models, two of them the same bytes, one truncated, one of an unknown format."""
    lora = safetensors(weights({"a": (8, 8), "b": (8,)}, 1))
    other = {f"set/{number}.safetensors": safetensors(weights({"a": (8, 8)}, 10 + number)) for number in range(8)}
    return {
        "one.safetensors": lora,
        "copy.safetensors": lora,
        "cut.safetensors": lora[:-5],
        "raw.bin": b"x" * 999,
        **other,
    }


def with_slow(tree: Mapping[str, bytes]) -> dict[str, bytes]:
    """And one that takes its time."""
    return {**tree, SLOW.decode(): safetensors({"a": np.arange(SLOW_BYTES // 4, dtype=np.float32)})}


@dataclass(slots=True)
class Trial:
    """One library folder and what must become of it."""

    folder: Path
    tree: Mapping[str, bytes]
    library: Library

    @classmethod
    def of(cls, folder: Path, tree: Mapping[str, bytes], **settings: object) -> Trial:
        """Writes the folder and adds it; nothing is scanned yet."""
        write_tree(folder, dict(tree))
        library = libraries.add(path=os.fsencode(folder))
        Library.objects.filter(pk=library.pk).update(**settings)
        return cls(folder, tree, library)

    def scan(self) -> Job:
        """Asks for a scan, as a page would."""
        return tasks.start_scan(library_id=self.library.pk)

    def change(self, **settings: object) -> None:
        """What a person sets for the library."""
        Library.objects.filter(pk=self.library.pk).update(**settings)

    def location(self, path: bytes) -> Location:
        """The row of one path."""
        return Location.objects.get(library=self.library, path=path)

    def being_read(self, path: bytes) -> bool:
        """Somebody is in the middle of that file."""
        return Location.objects.filter(path=path, lease__isnull=False, done_bytes__gt=0).exists()

    def at_rest(self) -> bool:
        """Nothing waits, no job is open."""
        waiting = Location.objects.filter(library=self.library).exclude(stage=Stage.NONE).exists()
        return not waiting and not Job.objects.filter(state__in=OPEN_STATES).exists()

    def recovered(self, *, seconds: float = 60.0) -> None:
        """Waits for the end, with the clock ticking, and compares with what a fault-free run gives."""
        await_(self.at_rest, seconds=seconds, tick=True)
        self.compare()

    def compare(self) -> None:
        """Every file, once, with its digests; equal bytes are one variant; every id that was given out answers."""
        rows = Location.objects.filter(library=self.library).select_related("variant")
        found = {bytes(row.path).decode(): row for row in rows}
        assert sorted(found) == sorted(self.tree)
        variants = defaultdict(set)
        for path, content in self.tree.items():
            row = found[path]
            assert (row.state, row.stage, row.lease, row.attempts) == (LocationState.PRESENT, Stage.NONE, None, 0), path
            assert row.variant is not None, path
            assert bytes(row.variant.content or b"") == blake3(content).digest(), path
            assert digests(row) == {
                Algorithm.BLAKE3: blake3(content).hexdigest(),
                Algorithm.SHA256: hashlib.sha256(content).hexdigest(),
            }
            variants[content].add(row.variant_id)
        assert {len(ids) for ids in variants.values()} == {1}
        assert Variant.objects.filter(merged_into=None).count() == len(variants)
        for model in [*ModelRecord.objects.all(), *Variant.objects.all()]:
            assert find(str(model.pk)).hits, model


def digests(row: Location) -> dict[str, str]:
    """The two digests that an independent library computes, each exactly once."""
    both = (Algorithm.BLAKE3, Algorithm.SHA256)
    found = ModelHash.objects.filter(variant=row.variant_id, file__isnull=False, algorithm__in=both)
    pairs = [(one.algorithm, bytes(one.digest).hex()) for one in found]
    assert len(pairs) == len(both)
    return dict(pairs)


def await_(true: Callable[[], bool], *, seconds: float = 30.0, tick: bool = False) -> None:
    """Waits until it is true; with `tick`, the clock wakes the reconciler meanwhile, as it does in earnest."""
    limit = time.monotonic() + seconds
    last = 0.0
    while not true():
        assert time.monotonic() < limit, f"it did not come true:\n{standing()}"
        if tick and time.monotonic() - last > 0.5:
            last = time.monotonic()
            tasks.dispatch(tasks.reconcile, queue=tasks.OFFICE)
        time.sleep(0.03)


def standing() -> str:
    """For the message of a failed test."""
    rows = [str(job) for job in Job.objects.values_list("kind", "state", "files_done", "files_total", "error")]
    left = Location.objects.exclude(stage=Stage.NONE).values_list("path_text", "stage", "lease", "attempts", "alone")
    return "\n".join([*rows, *(str(row) for row in left)])


def pool_of(worker: Popen[bytes]) -> list[int]:
    """The processes of a worker's pool."""
    with open(f"/proc/{worker.pid}/task/{worker.pid}/children") as children:
        return [int(pid) for pid in children.read().split()]


def kill_pool(worker: Popen[bytes]) -> None:
    """kill -9 of every process of the pool; the worker itself lives and makes new ones."""
    for pid in pool_of(worker):
        os.kill(pid, signal.SIGKILL)


def drop_connections() -> None:
    """The test's own connection is dead after its server was restarted."""
    connection.close()
