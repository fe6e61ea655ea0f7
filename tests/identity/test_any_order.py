"""In whatever order files are met and hashed, the same ids end up together."""

from __future__ import annotations

import random
from typing import TYPE_CHECKING

import pytest

from catalog.models import Location, ModelRecord, Variant
from catalog.vocabulary import Stage
from tests.builders import checkpoint, diffusers_folder, sharded, write_tree
from tests.identity.catalogue import add, answering_model, answers, hash_all, model, probe_all, put, scan

if TYPE_CHECKING:
    from pathlib import Path

    from catalog.models import Library

pytestmark = pytest.mark.django_db


def shuffle(seed: int) -> None:
    """Has the files hashed in another order."""
    mixed = random.Random(seed)  # noqa: S311 - an order, no secret
    for place in Location.objects.order_by("pk"):
        Location.objects.filter(pk=place.pk).update(priority=mixed.randrange(100))


def fill(one: Path, two: Path) -> None:
    """Copies, re-headed copies, and one model as a pipeline and as shards, in two folders."""
    for folder in (one, two):
        put(folder, "a.safetensors", model(1))
        put(folder, "other.safetensors", model(2))
        put(folder, f"{folder.name}.safetensors", model(1, {"folder": folder.name}))
    tensors = checkpoint(3)
    write_tree(one, {f"pipe/{name}": content for name, content in diffusers_folder(tensors).items()})
    write_tree(two, {f"copied/{name}": content for name, content in diffusers_folder(tensors).items()})
    write_tree(two, {f"parts/{name}": content for name, content in sharded(tensors, 3).items()})


def together(libraries: list[Library]) -> tuple[set[frozenset[str]], set[frozenset[str]]]:
    """Which places share a variant, and which share a model."""
    variants: dict[object, set[str]] = {}
    models: dict[object, set[str]] = {}
    for place in Location.objects.select_related("variant__model", "library"):
        assert place.variant is not None
        name = f"{place.library.name}/{place.path_text}"
        variants.setdefault(place.variant.pk, set()).add(name)
        models.setdefault(place.variant.model_id, set()).add(name)
    return set(map(frozenset, variants.values())), set(map(frozenset, models.values()))


@pytest.mark.parametrize("seed", range(4))
def test_the_same_places_share_their_ids(tmp_path: Path, seed: int) -> None:
    one, two = tmp_path / "one", tmp_path / "two"
    fill(one, two)
    libraries = [add(one), add(two)]
    for library in libraries if seed % 2 else reversed(libraries):
        scan(library)
    probe_all()
    born = list(Variant.objects.all())
    records = list(ModelRecord.objects.all())
    shuffle(seed)
    hash_all(at_once=1 + seed)

    variants, models = together(libraries)
    assert variants == {
        frozenset({"one/a.safetensors", "two/a.safetensors"}),
        frozenset({"one/other.safetensors", "two/other.safetensors"}),
        frozenset({"one/one.safetensors"}),
        frozenset({"two/two.safetensors"}),
        frozenset({"one/pipe", "two/copied"}),
        frozenset({"two/parts/model-00001-of-00003.safetensors"}),
    }
    assert models == {
        frozenset({"one/a.safetensors", "two/a.safetensors", "one/one.safetensors", "two/two.safetensors"}),
        frozenset({"one/other.safetensors", "two/other.safetensors"}),
        frozenset({"one/pipe", "two/copied", "two/parts/model-00001-of-00003.safetensors"}),
    }
    live = set(Variant.objects.filter(merged_into=None))
    assert {answers(variant) for variant in born} == live
    assert {answering_model(record) for record in records} == set(ModelRecord.objects.filter(merged_into=None))
    assert not Location.objects.exclude(stage=Stage.NONE).exists()
    assert all(variant == min((v for v in born if answers(v) == variant), key=lambda v: v.number) for variant in live)
