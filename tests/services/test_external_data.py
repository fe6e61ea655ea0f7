"""ONNX files whose tensors lie in files beside them, from the walk to their digests."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest
from blake3 import blake3

from catalog.formats.packing import unpack
from catalog.hashing.folders import folder_v1
from catalog.hashing.tensors import tensor_digest
from catalog.models import Finding, Location, ModelHash, Variant
from catalog.vocabulary import FileRole, FindingCode, Format, Outcome
from tests.builders.onnx_files import graph, model, onnx, onnx_with_data, outside
from tests.identity.catalogue import add, catalogue, put, variant_at

if TYPE_CHECKING:
    from pathlib import Path

    from tests.builders import Tensors

pytestmark = pytest.mark.django_db

TENSORS: Tensors = {
    "w": np.arange(4096, dtype=np.float32).reshape(64, 64),
    "b": np.arange(64, dtype=np.float16),
    "ids": np.arange(7, dtype=np.int64),
}


def digests(variant: Variant) -> dict[str, bytes]:
    """Those of the whole."""
    return {row.algorithm: bytes(row.digest) for row in ModelHash.objects.filter(variant=variant, file=None)}


def test_a_file_and_its_data_have_the_tensors_of_one_file(tmp_path: Path) -> None:
    content, data = onnx_with_data(TENSORS, "model.onnx_data")
    put(tmp_path, "one/model.onnx", onnx(TENSORS))
    put(tmp_path, "two/model.onnx", content)
    put(tmp_path, "two/model.onnx_data", data)
    library = add(tmp_path)
    catalogue(library)

    one, two = variant_at(library, "one/model.onnx"), variant_at(library, "two/model.onnx")
    assert (two.format, two.outcome, two.size) == (Format.ONNX, Outcome.OK, len(content) + len(data))
    assert digests(two)["tensors:v1"] == digests(one)["tensors:v1"]
    assert digests(two)["weights:v1"] == digests(one)["weights:v1"]
    files = [(b"model.onnx", blake3(content).digest()), (b"model.onnx_data", blake3(data).digest())]
    assert digests(two)["folder:v1"] == bytes(two.content or b"") == folder_v1(files)
    assert two.model_id == one.model_id
    roles = [(bytes(file.name), file.role) for file in two.files.order_by("position")]
    assert roles == [(b"model.onnx", FileRole.WEIGHTS), (b"model.onnx_data", FileRole.DATA)]

    known = unpack(bytes(two.tensor_index.packed))
    found = dict(zip([tensor.name for tensor in known.tensors], known.digests or (), strict=True))
    assert found["w"] == tensor_digest("F32", 4096, TENSORS["w"].tobytes())
    assert found["b"] == tensor_digest("F16", 64, TENSORS["b"].tobytes())


def test_a_pipeline_with_data_is_one_variant(tmp_path: Path) -> None:
    content, data = onnx_with_data(TENSORS, "weights.pb")
    put(tmp_path, "sd/model_index.json", b'{"_class_name": "OnnxStableDiffusionPipeline"}')
    put(tmp_path, "sd/unet/model.onnx", content)
    put(tmp_path, "sd/unet/weights.pb", data)
    put(tmp_path, "sd/vae_decoder/model.onnx", onnx({"k": TENSORS["w"]}))
    library = add(tmp_path)
    catalogue(library)
    assert [bytes(place.path) for place in Location.objects.all()] == [b"sd"]
    parts = {part.name: part.tensors for part in variant_at(library, "sd").components.all()}
    assert parts == {"unet": 3, "vae_decoder": 1}


def test_missing_data_gives_no_digest_of_tensors(tmp_path: Path) -> None:
    content, data = onnx_with_data(TENSORS, "model.onnx_data")
    put(tmp_path, "model.onnx", content)
    library = add(tmp_path)
    catalogue(library)
    variant = variant_at(library, "model.onnx")
    assert variant.outcome == Outcome.INVALID
    assert "tensors:v1" not in digests(variant)
    assert Finding.objects.filter(code=FindingCode.EXTERNAL_DATA_MISSING, cleared_at=None).count() == 1

    put(tmp_path, "model.onnx_data", data)
    catalogue(library)
    there = Location.objects.select_related("variant").get(path=b"model.onnx", set_name="onnx")
    assert there.variant is not None
    assert there.variant.outcome == Outcome.OK
    assert "tensors:v1" in digests(there.variant)
    assert not Finding.objects.filter(code=FindingCode.EXTERNAL_DATA_MISSING, cleared_at=None).exists()


def test_one_of_several_data_files_is_waited_for(tmp_path: Path) -> None:
    content, data = onnx_with_data(TENSORS, "model.onnx_data_1")
    put(tmp_path, "model.onnx", content)
    put(tmp_path, "model.onnx_data", b"other")
    library = add(tmp_path)
    catalogue(library)
    variant = variant_at(library, "model.onnx")
    assert (variant.outcome, variant.content) == (Outcome.INVALID, None)

    put(tmp_path, "model.onnx_data_1", data)
    catalogue(library)
    assert variant_at(library, "model.onnx").content is not None


def test_each_file_that_is_missing_is_told(tmp_path: Path) -> None:
    stated = [outside(name, TENSORS["w"], {"location": name}) for name in ("a", "b")]
    put(tmp_path, "model.onnx", model(graph(*stated)))
    library = add(tmp_path)
    catalogue(library)
    told = Finding.objects.filter(code=FindingCode.EXTERNAL_DATA_MISSING).values_list("params__name", flat=True)
    assert sorted(told) == ["a", "b"]


def test_data_elsewhere_is_never_read(tmp_path: Path) -> None:
    content, data = onnx_with_data(TENSORS, "../model.onnx_data")
    put(tmp_path, "model.onnx_data", data)
    put(tmp_path, "library/model.onnx", content)
    library = add(tmp_path / "library")
    catalogue(library)
    variant = variant_at(library, "model.onnx")
    assert variant.outcome == Outcome.UNSAFE
    assert "tensors:v1" not in digests(variant)
    assert Finding.objects.filter(code=FindingCode.REACHES_OUTSIDE).count() == 1
