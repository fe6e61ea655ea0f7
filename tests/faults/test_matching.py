"""Workers are killed while they compare two files; the verdict comes all the same, and once."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from catalog.models import Finding, Match
from catalog.queries import comparing as comparisons
from catalog.vocabulary import Certainty, FindingCode, Relation
from tests.builders import HALF, networks, safetensors
from tests.builders.conversions_precision import chain
from tests.builders.conversions_quantised import int8_beside_scales
from tests.faults.helpers import LEASE, Trial, await_

if TYPE_CHECKING:
    from pathlib import Path

    from tests.processes import Workers

pytestmark = [pytest.mark.workers, pytest.mark.xdist_group("workers")]


def pair() -> dict[str, bytes]:
    """One network in two forms, of a few megabytes."""
    tensors = networks.convnet(3, width=96).tensors
    return {
        "half.safetensors": safetensors(chain(HALF)(tensors)),
        "int8.safetensors": safetensors(int8_beside_scales(tensors, by_row=True)),
    }


def test_a_worker_is_killed_while_it_compares_every_value(workers: Workers, tmp_path: Path) -> None:
    workers.start(env=LEASE)
    trial = Trial.of(tmp_path, pair(), speed_limit=1)
    trial.scan()
    await_(lambda: Match.objects.filter(lease__isnull=False).exists(), seconds=60.0, tick=True)

    workers.kill()
    trial.change(speed_limit=None)
    workers.start(env=LEASE)

    await_(lambda: comparisons.waiting() == (0, 0, 0, 0), seconds=60.0, tick=True)
    found = Match.objects.get()
    assert (found.relation, found.certainty, found.lease) == (Relation.QUANTISED, Certainty.ALL_VALUES, None)
    assert not Finding.objects.filter(code=FindingCode.COMPARISON_FAILED).exists()


def test_workers_that_are_killed_again_and_again_leave_a_word(workers: Workers, tmp_path: Path) -> None:
    trial = Trial.of(tmp_path, pair(), speed_limit=1)
    workers.start(env=LEASE)
    trial.scan()
    for attempt in range(1, 4):
        await_(Match.objects.filter(lease__isnull=False, attempts=attempt).exists, seconds=60.0, tick=True)
        workers.kill()
        workers.start(env=LEASE)

    await_(lambda: not Match.objects.filter(compare_due=True).exists(), seconds=60.0, tick=True)
    assert Match.objects.get().certainty == Certainty.SAMPLES
    assert Finding.objects.filter(code=FindingCode.COMPARISON_FAILED, cleared_at=None).exists()
