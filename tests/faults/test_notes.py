"""Workers are killed while they read the notes of other programs; the models come out named all the same."""

from __future__ import annotations

import io
import json
from typing import TYPE_CHECKING

import pytest
from PIL import Image

from catalog.models import ModelRecord, Note, Preview
from tests.builders import safetensors, weights
from tests.faults.helpers import LEASE, Trial, await_

if TYPE_CHECKING:
    from pathlib import Path

    from tests.processes import Workers

pytestmark = [pytest.mark.workers, pytest.mark.xdist_group("workers")]
_MANY = 150


def noted_tree() -> dict[str, bytes]:
    """Small models with a sidecar each, some with a picture."""
    picture = io.BytesIO()
    Image.effect_noise((600, 600), 60).save(picture, "PNG")
    tree = {}
    for number in range(_MANY):
        tree[f"{number}.safetensors"] = safetensors(weights({"a": (4, 4)}, number))
        tree[f"{number}.civitai.info"] = json.dumps({"model": {"name": f"Model {number}"}}).encode()
        if number % 10 == 0:
            tree[f"{number}.preview.png"] = picture.getvalue()
    return tree


def test_a_worker_is_killed_while_it_reads_notes(workers: Workers, tmp_path: Path) -> None:
    workers.start(env=LEASE)
    trial = Trial.of(tmp_path, noted_tree())
    trial.scan()
    await_(lambda: Note.objects.filter(read_at__isnull=False).exists())

    workers.kill()
    workers.start(env=LEASE)

    await_(lambda: not Note.objects.filter(read_at=None).exists(), seconds=60.0, tick=True)
    names = set(ModelRecord.objects.filter(merged_into=None).values_list("name", flat=True))
    assert names == {f"Model {number}" for number in range(_MANY)}
    assert Preview.objects.count() == _MANY // 10
