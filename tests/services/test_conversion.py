"""A converted model finds the model of its source: by itself, in every order of hashing, also when that is gone."""

from __future__ import annotations

import itertools
import os
import shutil
import subprocess
import sys
from functools import lru_cache
from typing import TYPE_CHECKING, NamedTuple

import pytest
from django.conf import settings
from django.db.models import Q

from catalog.models import Match, ModelRecord
from catalog.services.matching import comparing, leases, searching
from tests.builders import HALF, Tensors, diffusers_converter, misses, write_tree
from tests.builders import networks_diffusion as diffusion
from tests.builders.conversions import single
from tests.builders.conversions_precision import chain
from tests.builders.judged_diffusion import UNET, VAE, diffusers_files
from tests.identity.catalogue import add, answering_model, catalogue, scan, variant_at

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from catalog.models import Library
    from tests.builders.conversions import Files

pytestmark = pytest.mark.django_db(transaction=True)

FORMS = {"sd1": diffusion.TINY_1, "sdxl": diffusion.TINY_XL}
PYTHONS = (os.environ.get("DIFFUSERS_PYTHON", sys.executable), "/usr/bin/python3")


class Place(NamedTuple):
    """A library and its folder."""

    folder: Path
    library: Library


@pytest.fixture
def place(tmp_path: Path) -> Place:
    folder = tmp_path / "models"
    return Place(folder, add(folder))


@lru_cache(maxsize=2)
def checkpoint(name: str) -> Tensors:
    return diffusion.checkpoint(1, FORMS[name])


@lru_cache(maxsize=8)
def made(name: str, kind: str) -> Files:
    """The forms in which one model goes round."""
    tensors, form = checkpoint(name), FORMS[name]
    return {
        "f32": lambda: single(tensors),
        "f16": lambda: single(chain(HALF)(tensors)),
        "folder": lambda: diffusers_files(tensors, form),
        "folder f16": lambda: diffusers_files(chain(HALF)(tensors), form),
        "back": lambda: single(diffusion.back(diffusion.folder(tensors, form), form)),
        "back f16": lambda: single(diffusion.back(diffusion.folder(chain(HALF)(tensors), form), form)),
    }[kind]()


def put(place: Place, name: str, files: Files) -> str:
    """The artefact in the library, and the path at which it is catalogued."""
    path = f"{name}.safetensors" if len(files) == 1 else name
    write_tree(
        place.folder,
        {path: next(iter(files.values()))} if len(files) == 1 else {f"{name}/{k}": v for k, v in files.items()},
    )
    return path


def settle(place: Place) -> None:
    """Everything that waits is done: headers, digests, searches, full comparisons."""
    catalogue(place.library)
    while True:
        if claim := leases.take():
            searching.search(claim)
        elif work := comparing.take(queue=settings.QUEUE):
            comparing.compare(work)
        else:
            return


def model_of(place: Place, path: str) -> ModelRecord:
    return answering_model(variant_at(place.library, path).model)


def remove(place: Place, path: str) -> None:
    target = place.folder / path
    shutil.rmtree(target) if target.is_dir() else target.unlink()
    scan(place.library)


PAIRS = [
    ("f32", "folder"),
    ("folder", "back"),
    ("f32", "f16"),
    ("f16", "folder f16"),
    ("f32", "folder f16"),
    ("folder", "back f16"),
]


@pytest.mark.parametrize(("before", "after"), PAIRS)
@pytest.mark.parametrize("name", FORMS)
def test_a_conversion_keeps_the_uuid_when_its_source_is_deleted(
    place: Place, name: str, before: str, after: str
) -> None:
    source = put(place, "source", made(name, before))
    settle(place)
    model = model_of(place, source).pk
    remove(place, source)

    converted = put(place, "converted", made(name, after))
    settle(place)

    assert model_of(place, converted).pk == model


@pytest.mark.parametrize(("before", "after"), [PAIRS[0], PAIRS[3], PAIRS[5]])
def test_a_conversion_beside_its_source_joins_it(place: Place, before: str, after: str) -> None:
    source = put(place, "source", made("sdxl", before))
    settle(place)
    model = model_of(place, source).pk

    converted = put(place, "converted", made("sdxl", after))
    settle(place)

    assert model_of(place, converted).pk == model_of(place, source).pk == model


@pytest.mark.parametrize("order", list(itertools.permutations(("f32", "folder f16", "back"))))
def test_in_every_order_of_hashing_one_model_is_left(place: Place, order: tuple[str, ...]) -> None:
    first = ""
    for kind in order:
        path = put(place, kind.replace(" ", "-"), made("sd1", kind))
        settle(place)
        first = first or str(model_of(place, path).pk)
    assert {str(model_of(place, path).pk) for path in ("f32.safetensors", "folder-f16", "back.safetensors")} == {first}


def test_those_that_come_at_once_become_one_model(place: Place) -> None:
    paths = [put(place, kind.replace(" ", "-"), made("sdxl", kind)) for kind in ("folder", "f16", "back", "f32")]
    settle(place)
    assert len({model_of(place, path).pk for path in paths}) == 1


def test_the_larger_precision_may_come_last(place: Place) -> None:
    """What was rounded is hashed first and gone; its source finds its model."""
    rounded = put(place, "rounded", made("sd1", "folder f16"))
    settle(place)
    model = model_of(place, rounded).pk
    remove(place, rounded)

    source = put(place, "source", made("sd1", "f32"))
    settle(place)

    assert model_of(place, source).pk == model


def _tuned(tensors: Tensors, change: Callable[[Tensors], Tensors]) -> Tensors:
    return {**tensors, **change(_part(tensors, UNET))}


def _part(tensors: Tensors, prefix: str) -> Tensors:
    return {name: array for name, array in tensors.items() if name.startswith(prefix)}


NEAR: dict[str, Callable[[Tensors], Tensors]] = {
    "fine-tune 1e-4": lambda tensors: _tuned(tensors, misses.trained(1e-4)),
    "one tensor 1e-4": lambda tensors: _tuned(tensors, misses.trained_tensor(1e-4)),
    "one value": lambda tensors: _tuned(tensors, misses.value_changed()),
    "two tensors swapped": lambda tensors: _tuned(tensors, misses.tensors_swapped),
    "two layers swapped": lambda tensors: _tuned(tensors, misses.layers_swapped),
    "another VAE": lambda tensors: {**tensors, **_part(diffusion.checkpoint(2, diffusion.TINY_1), VAE)},
    "another seed": lambda _: diffusion.checkpoint(2, diffusion.TINY_1),
}


@pytest.mark.parametrize(("kind", "gone"), [*((kind, True) for kind in NEAR), ("one tensor 1e-4", False)])
def test_a_near_miss_stays_a_model_of_its_own(place: Place, kind: str, *, gone: bool) -> None:
    source = put(place, "source", made("sd1", "f32"))
    settle(place)
    model = model_of(place, source).pk
    if gone:
        remove(place, source)

    changed = NEAR[kind](checkpoint("sd1"))
    paths = [
        put(place, "near", diffusers_files(changed, diffusion.TINY_1)),
        put(place, "near-f16", single(chain(HALF)(changed))),
    ]
    settle(place)

    assert model not in {model_of(place, path).pk for path in paths}
    told = Match.objects.filter(Q(left__model=model) | Q(right__model=model))
    assert not told.filter(same_model="true").exists()


def test_another_prediction_type_stays_a_model_of_its_own(place: Place) -> None:
    source = put(place, "source", diffusers_files(checkpoint("sd1"), diffusion.TINY_1))
    settle(place)
    other = put(place, "other", diffusers_files(checkpoint("sd1"), diffusion.TINY_1, "v_prediction"))
    settle(place)
    assert model_of(place, other).pk != model_of(place, source).pk


@pytest.fixture(scope="session")
def converter() -> list[str]:
    """A Python that has PyTorch and diffusers, which weigh gigabytes; `DIFFUSERS_PYTHON` says which."""
    for python in PYTHONS:
        asked = "from diffusers.loaders import single_file_utils"
        done = subprocess.run([python, "-c", asked], capture_output=True, check=False)
        if done.returncode == 0:
            return [python, diffusers_converter.__file__]
    pytest.skip("no diffusers is installed (pip install diffusers torch): its own conversion is left out")


@pytest.mark.parametrize("precision", ["float", "half"])
@pytest.mark.parametrize("name", FORMS)
def test_diffusers_own_conversion_keeps_the_uuid(
    place: Place, converter: list[str], name: str, precision: str, tmp_path: Path
) -> None:
    source = put(place, "source", made(name, "f32"))
    settle(place)
    model = model_of(place, source).pk
    kept = shutil.move(place.folder / source, tmp_path / source)
    scan(place.library)

    done = subprocess.run([*converter, kept, place.folder / "converted", precision], capture_output=True, check=False)
    assert done.returncode == 0, done.stderr.decode()
    settle(place)

    assert model_of(place, "converted").pk == model
