"""The digests of a place of real files: what they cover, and when they do not count."""

from __future__ import annotations

import os
from contextlib import contextmanager
from typing import TYPE_CHECKING

import pytest

from catalog.errors import ChangedFile
from catalog.hashing.base import STANDARD
from catalog.models import Location
from catalog.services.hashing.digesting import Digested, Digester
from catalog.services.identity.places import Place
from catalog.storage.root import Root
from catalog.vocabulary import Algorithm, Outcome
from tests.builders import safetensors, sharded, weights, write_tree
from tests.identity.catalogue import add, at, model, probe_all, put, scan

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from catalog.models import Library

pytestmark = pytest.mark.django_db


@contextmanager
def digester(library: Library, progress: Callable[[int, int], None] = lambda _, __: None) -> Iterator[Digester]:
    with Root(bytes(library.path)) as root:
        yield Digester(root, STANDARD, progress, lambda: False)


def place_of(location: Location) -> Place:
    return Place(location, tuple(location.files.order_by("position")), location.variant)


def digest(library: Library, path: str) -> Digested:
    """All digests of the place; its variant's tensor index is known if it has one."""
    location = at(library, path)
    assert location.variant is not None
    with digester(library) as reader:
        return reader.digest(place_of(location), bytes(location.variant.tensor_index.packed))


def probed(folder: Path) -> Library:
    library = add(folder)
    scan(library)
    probe_all()
    return library


PIPELINE = {
    "model_index.json": b'{"_class_name": "StableDiffusionPipeline"}',
    "vae/config.json": b'{"_class_name": "AutoencoderKL"}',
}


def test_a_component_has_the_digests_of_its_file_by_itself(tmp_path: Path) -> None:
    vae = safetensors(weights({"decoder.weight": (4, 4), "decoder.bias": (4,)}, 2))
    unet = safetensors(weights({"conv_in.weight": (4, 4)}, 1))
    name = "diffusion_pytorch_model.safetensors"
    write_tree(tmp_path / "pipe", {**PIPELINE, f"unet/{name}": unet, f"vae/{name}": vae})
    put(tmp_path, "loose.safetensors", vae)
    library = probed(tmp_path)

    pipe, loose = digest(library, "pipe"), digest(library, "loose.safetensors")

    [part] = loose.parts
    [of_unet, of_vae] = pipe.parts
    assert (part.name, of_unet.name, of_vae.name) == ("", "unet", "vae")
    assert (of_vae.tensors, of_vae.weights) == (part.tensors, part.weights)
    assert of_vae.tensors == loose.whole["tensors:v1"] != pipe.whole["tensors:v1"]


def test_each_file_of_a_set_has_all_the_digests_of_a_loose_one(tmp_path: Path) -> None:
    files = sharded(weights({f"layers.{number}.weight": (4, 4) for number in range(6)}, 7), 2)
    write_tree(tmp_path / "llm", files)
    shard = sorted(name for name in files if name.endswith(".safetensors"))[1]
    put(tmp_path, "loose/alone.safetensors", files[shard])
    library = probed(tmp_path)

    location = Location.objects.exclude(set_name="").get()
    assert location.variant is not None
    with digester(library) as reader:
        found = reader.digest(place_of(location), bytes(location.variant.tensor_index.packed))
    names = [bytes(row.name) for row in location.files.order_by("position")]

    of_shard = found.files[names.index(shard.encode())]
    assert of_shard == digest(library, "loose/alone.safetensors").files[0]
    assert Algorithm.AUTOV3 in of_shard
    assert len(found.tensors) == 6


def test_shards_have_the_tensors_of_one_file(tmp_path: Path) -> None:
    tensors = weights({f"layers.{number}.weight": (4, 4) for number in range(6)}, 7)
    write_tree(tmp_path / "llm", sharded(tensors, 3))
    put(tmp_path, "whole.safetensors", safetensors(tensors))
    library = probed(tmp_path)

    location = Location.objects.exclude(set_name="").get()
    assert location.variant is not None
    with digester(library) as reader:
        of_shards = reader.digest(place_of(location), bytes(location.variant.tensor_index.packed))
    whole = digest(library, "whole.safetensors")

    assert of_shards.whole["tensors:v1"] == whole.whole["tensors:v1"]
    assert of_shards.content != whole.content


def test_a_header_that_is_known_is_not_read_again(tmp_path: Path) -> None:
    put(tmp_path, "a.safetensors", model(1))
    library = probed(tmp_path)

    assert digest(library, "a.safetensors").reading is None


def test_a_header_is_read_again_when_the_inode_is_another(tmp_path: Path) -> None:
    path = put(tmp_path, "a.safetensors", model(1))
    library = probed(tmp_path)
    times = path.stat()
    path.unlink()
    path.write_bytes(model(2))
    os.utime(path, ns=(times.st_atime_ns, times.st_mtime_ns))

    found = digest(library, "a.safetensors")

    assert found.reading is not None
    assert found.whole.get("tensors:v1") is not None
    assert found.index is not None
    assert found.index.digests is None


def test_a_malformed_file_has_digests_of_its_bytes_alone(tmp_path: Path) -> None:
    put(tmp_path, "a.safetensors", model(1)[:-3])
    library = probed(tmp_path)
    location = at(library, "a.safetensors")
    with digester(library) as reader:
        found = reader.digest(place_of(location), None)

    assert location.outcome == Outcome.INVALID
    assert found.content is not None
    assert (found.tensors, found.parts, found.whole) == ((), (), {})


def test_nothing_counts_while_somebody_may_write(tmp_path: Path) -> None:
    path = put(tmp_path, "a.safetensors", model(1))
    library = probed(tmp_path)

    with open(path, "r+b"), pytest.raises(ChangedFile):
        digest(library, "a.safetensors")

    assert digest(library, "a.safetensors").content is not None


def test_nothing_counts_of_a_set_when_a_file_changes_after_it_was_read(tmp_path: Path) -> None:
    files = sharded(weights({f"layers.{number}.weight": (4, 4) for number in range(6)}, 7), 2)
    write_tree(tmp_path / "llm", files)
    library = probed(tmp_path)
    location = Location.objects.exclude(set_name="").get()
    first = tmp_path / "llm" / min(files)

    def meddle(_: int, done: int) -> None:
        if done > first.stat().st_size:
            os.utime(first)

    with digester(library, meddle) as reader, pytest.raises(ChangedFile):
        reader.digest(place_of(location), None)


def test_progress_is_that_of_the_whole_place(tmp_path: Path) -> None:
    files = sharded(weights({f"layers.{number}.weight": (4, 4) for number in range(6)}, 7), 2)
    write_tree(tmp_path / "llm", files)
    library = probed(tmp_path)
    location = Location.objects.exclude(set_name="").get()
    told: list[tuple[int, int]] = []

    with digester(library, lambda pk, done: told.append((pk, done))) as reader:
        reader.digest(place_of(location), None)

    assert {pk for pk, _ in told} == {location.pk}
    assert [done for _, done in told] == sorted(done for _, done in told)
    assert told[-1][1] == sum(map(len, files.values()))
