"""Fingerprints of a place are made in its read, kept with their keys, and never in the way of a digest."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest

from catalog.fingerprints.base import VERSION, KeyKind
from catalog.fingerprints.building import Builder
from catalog.fingerprints.lane import FileLane
from catalog.fingerprints.packing import unpack
from catalog.models import Component, ComponentKey, ModelHash, Variant
from catalog.services.hashing import printing
from catalog.vocabulary import Algorithm
from tests.builders import BRAIN, HALF, cast, safetensors, sharded, weights, write_tree
from tests.identity.catalogue import add, at, catalogue, put

if TYPE_CHECKING:
    from pathlib import Path

    from catalog.models import Library

pytestmark = pytest.mark.django_db

SHAPES = {"layers.0.weight": (40, 50), "layers.1.weight": (64, 64), "norm.weight": (80,)}


def _hashed(folder: Path) -> Library:
    library = add(folder)
    catalogue(library)
    return library


def _variant(library: Library, path: str) -> Variant:
    variant = at(library, path).variant
    assert variant is not None
    return variant


def _whole(variant: Variant) -> dict[str, bytes]:
    rows = ModelHash.objects.filter(variant=variant, file=None)
    return {row.algorithm: bytes(row.digest) for row in rows}


def test_a_part_keeps_its_fingerprint_and_its_keys(tmp_path: Path) -> None:
    put(tmp_path, "a.safetensors", safetensors(weights(SHAPES, 1)))
    variant = _variant(_hashed(tmp_path), "a.safetensors")
    part = Component.objects.get(variant=variant)
    found = unpack(bytes(part.fingerprint or b""))
    assert [one.name for one in found.tensors] == sorted(SHAPES)
    assert (part.core_tensors, part.core_values, part.version) == (2, 40 * 50 + 64 * 64, VERSION)
    assert not part.exact_f16
    kinds = set(part.keys.values_list("kind", flat=True))
    assert {KeyKind.E, KeyKind.F16, KeyKind.E5M2_BF16, KeyKind.ANCHOR_AUX_F16, KeyKind.EXTREMES} <= kinds
    assert all(part.keys.values_list("alone", flat=True))


def test_a_cast_of_a_model_shares_keys_and_digests_with_it(tmp_path: Path) -> None:
    whole = weights(SHAPES, 1)
    put(tmp_path, "wide.safetensors", safetensors(whole))
    put(tmp_path, "half.safetensors", safetensors(cast(whole, HALF)))
    put(tmp_path, "brain.safetensors", safetensors(cast(whole, BRAIN)))
    library = _hashed(tmp_path)
    wide, half, brain = (_whole(_variant(library, f"{name}.safetensors")) for name in ("wide", "half", "brain"))
    assert wide[Algorithm.WEIGHTS_F16] == half[Algorithm.WEIGHTS] == half[Algorithm.WEIGHTS_F16]
    assert wide[Algorithm.WEIGHTS_BF16] == brain[Algorithm.WEIGHTS]
    assert Algorithm.WEIGHTS_BF16 not in half
    parts = [Component.objects.get(variant=_variant(library, f"{name}.safetensors")) for name in ("wide", "half")]
    keys = [set(part.keys.values_list("key", flat=True)) for part in parts]
    assert keys[0] & keys[1]
    assert parts[1].exact_f16


def test_a_folder_is_fingerprinted_part_by_part(tmp_path: Path) -> None:
    tree = {
        "model_index.json": b'{"_class_name": "StableDiffusionPipeline"}',
        "vae/config.json": b'{"_class_name": "AutoencoderKL"}',
        "vae/diffusion_pytorch_model.safetensors": safetensors(weights(SHAPES, 2)),
        "unet/config.json": b'{"_class_name": "UNet2DConditionModel"}',
        "unet/diffusion_pytorch_model.safetensors": safetensors(weights(SHAPES, 1)),
    }
    write_tree(tmp_path / "pipeline", tree)
    _hashed(tmp_path)
    parts = {part.name: part for part in Component.objects.all()}
    assert set(parts) == {"unet", "vae"}
    assert all(part.fingerprint for part in parts.values())
    assert not ComponentKey.objects.filter(alone=True).exists()


def test_shards_make_one_fingerprint(tmp_path: Path) -> None:
    whole = weights(SHAPES, 1)
    put(tmp_path, "one/model.safetensors", safetensors(whole))
    write_tree(tmp_path / "two", sharded(whole, 2))
    _hashed(tmp_path)
    found = [set(part.keys.values_list("kind", "key")) for part in Component.objects.all()]
    assert len(found) == 2
    assert found[0] == found[1]


def test_a_mistake_in_the_fingerprint_costs_no_digest(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    for owner, name in ((FileLane, "take"), (Builder, "lane"), (Builder, "fingerprints"), (Builder, "rounded")):
        with monkeypatch.context() as patched:
            patched.setattr(owner, name, _failing)
            folder = tmp_path / name
            put(folder, "a.safetensors", safetensors(weights({**SHAPES, name: (4, 4)}, 1)))
            library = _hashed(folder)
        variant = _variant(library, "a.safetensors")
        assert variant.content is not None
        assert Algorithm.TENSORS in _whole(variant)
        part = Component.objects.get(variant=variant)
        assert (part.fingerprint, part.core_tensors, part.version) == (None, 0, VERSION)
        assert not part.keys.exists()
        assert "a fingerprint could not be made" in caplog.text
        caplog.clear()


def _failing(*_: object, **__: object) -> None:
    raise ZeroDivisionError


def test_a_fingerprint_that_memory_is_too_small_for_costs_no_digest(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object) -> None:
        raise MemoryError

    monkeypatch.setattr(FileLane, "take", full)
    put(tmp_path, "a.safetensors", safetensors(weights(SHAPES, 1)))
    assert Algorithm.TENSORS in _whole(_variant(_hashed(tmp_path), "a.safetensors"))
    assert Component.objects.get().fingerprint is None


def test_a_file_of_more_tensors_than_any_model_has_is_digested_alone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(printing, "MOST_TENSORS", 2)
    put(tmp_path, "a.safetensors", safetensors(weights(SHAPES, 1)))
    assert Algorithm.TENSORS in _whole(_variant(_hashed(tmp_path), "a.safetensors"))
    part = Component.objects.get()
    assert (part.fingerprint, part.version) == (None, VERSION)


def test_what_was_read_by_an_older_version_is_fingerprinted_when_it_is_read_again(tmp_path: Path) -> None:
    data = safetensors(weights(SHAPES, 1))
    put(tmp_path, "a.safetensors", data)
    library = _hashed(tmp_path)
    part = Component.objects.get()
    keys = set(part.keys.values_list("kind", "key"))
    Component.objects.update(version=0, fingerprint=None, core_tensors=0)
    ComponentKey.objects.filter(component=part).update(kind=KeyKind.F16)
    Variant.objects.update(search_due=False)
    put(tmp_path, "b.safetensors", data)
    catalogue(library)
    part.refresh_from_db()
    assert part.fingerprint
    assert (part.core_tensors, part.version) == (2, VERSION)
    assert set(part.keys.values_list("kind", "key")) == keys
    assert Variant.objects.get(pk=part.variant_id).search_due


def test_nothing_is_looked_for_where_there_are_no_weights(tmp_path: Path) -> None:
    put(tmp_path, "a.safetensors", safetensors({"ids": np.arange(4)}))
    variant = _variant(_hashed(tmp_path), "a.safetensors")
    assert not ComponentKey.objects.exists()
    assert Component.objects.get(variant=variant).fingerprint
