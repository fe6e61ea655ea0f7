"""The demo library: what it holds, that it is sound, and that its relatives really are relatives."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

import gguf as gguf_library
import numpy as np
import pytest

from catalog.formats import probe_set
from catalog.management.demo import llama, sd1
from catalog.management.demo.arrays import BRAIN, cast, weights
from catalog.management.demo.library import COMPLETE, SEED, checkpoint, diffusers_folder
from catalog.recognition import Recognised, recognise
from catalog.vocabulary import Base, Kind, Outcome
from tests.builders import Packed, make_demo, set_source
from tests.builders.folders import Probed, probe_tree

if TYPE_CHECKING:
    from pathlib import Path

LORA_SHA256 = "e86bd80e3cb09ba0978d6050b3b0782bb2efc516598070f3a03da4e7974b767d"


@pytest.fixture(scope="module")
def demo(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("demo")
    make_demo(folder)
    return folder


@pytest.fixture(scope="module")
def probed(demo: Path) -> dict[str, Probed]:
    return probe_tree(demo)


def told(probed: dict[str, Probed], path: str) -> Recognised:
    return recognise(probed[path].probe)


def test_it_holds_one_of_everything(probed: dict[str, Probed]) -> None:
    found = {
        path: (told(probed, path).kind, told(probed, path).base, told(probed, path).precision)
        for path, one in probed.items()
        if one.probe.outcome is Outcome.OK
    }
    checkpoint_of = (Kind.CHECKPOINT, Base.SD_1)
    assert found == {
        "Lora/demo-style.safetensors": (Kind.LORA, Base.SD_1, "fp32"),
        "Stable-diffusion/demo-diffusion-bf16.safetensors": (*checkpoint_of, "bf16"),
        "Stable-diffusion/demo-diffusion-fp16.safetensors": (*checkpoint_of, "fp16"),
        "Stable-diffusion/demo-diffusion-fp32.safetensors": (*checkpoint_of, "fp32"),
        "diffusers/demo-diffusion#safetensors": (*checkpoint_of, "fp16"),
        "downloads/demo-llama-Q8_0 (1).gguf": (Kind.LLM, Base.LLAMA, "Q8_0"),
        "llm/demo-llama#safetensors": (Kind.LLM, Base.LLAMA, "bf16"),
        "llm/demo-llama-Q8_0.gguf": (Kind.LLM, Base.LLAMA, "Q8_0"),
    }
    broken = {path: one.probe.problems[0].code for path, one in probed.items() if one.probe.outcome is not Outcome.OK}
    assert broken == {"Stable-diffusion/half-a-download.safetensors": "truncated"}


def test_it_is_small(demo: Path) -> None:
    assert sum(path.stat().st_size for path in demo.rglob("*") if path.is_file()) < 155_000_000


def test_it_is_the_same_everywhere(demo: Path) -> None:
    content = (demo / "Lora/demo-style.safetensors").read_bytes()
    assert hashlib.sha256(content).hexdigest() == LORA_SHA256


def test_a_second_time_nothing_is_written(demo: Path) -> None:
    moved = demo / "Lora/renamed.safetensors"
    (demo / "Lora/demo-style.safetensors").rename(moved)
    before = {path: path.stat().st_mtime_ns for path in demo.rglob("*")}
    make_demo(demo)
    assert {path: path.stat().st_mtime_ns for path in demo.rglob("*")} == before
    moved.rename(demo / "Lora/demo-style.safetensors")
    assert (demo / COMPLETE).exists()


def test_the_checkpoint_has_every_tensor_of_the_real_one() -> None:
    parts = sd1.unet(), sd1.vae()
    assert [len({tensor.ldm for tensor in part}) for part in parts] == [686, 248]
    assert [len({tensor.diffusers for tensor in part}) for part in parts] == [686, 248]


def test_the_folder_has_the_weights_of_the_checkpoint() -> None:
    full = checkpoint(SEED)
    source = set_source(diffusers_folder(full))
    ranges = ((source.files[tensor.file].source, tensor) for tensor in probe_set(source).tensors)
    values = {hashlib.sha256(file.read_at(tensor.offset, tensor.nbytes)).digest() for file, tensor in ranges}
    original = {
        hashlib.sha256(array.tobytes()).digest()
        for name, array in full.items()
        if name.startswith(("model.", "first_stage_model.", "cond_stage_model.")) and "position_ids" not in name
    }
    assert values == original


def test_the_gguf_file_is_quantised_as_ggml_does_it() -> None:
    tensors = weights({"model.layers.0.mlp.up_proj.weight": (8, 64), "model.norm.weight": (8,)}, 3)
    found = llama.to_gguf(cast(tensors, BRAIN))
    packed = found["blk.0.ffn_up.weight"]
    expected = cast(tensors, BRAIN)["model.layers.0.mlp.up_proj.weight"].astype(np.float32)
    reference = gguf_library.quants.quantize(expected, gguf_library.GGMLQuantizationType.Q8_0)
    assert isinstance(packed, Packed)
    assert packed.raw == reference.tobytes()
    assert set(found) == {"blk.0.ffn_up.weight", "output_norm.weight"}
