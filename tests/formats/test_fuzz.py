"""Broken and lying files: no reader crashes, and none takes what the format's own library refuses."""

from __future__ import annotations

import struct
from typing import TYPE_CHECKING

import gguf as gguf_oracle
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from catalog.formats import probe_file, probe_set
from catalog.recognition import recognise
from catalog.vocabulary import Format, Outcome
from tests.builders import HALF, MemorySource, Tensors, gguf, safetensors, set_source, sharded
from tests.builders.changes import CHANGES, changed
from tests.builders.oracles import safetensors_library

if TYPE_CHECKING:
    from pathlib import Path

    from catalog.formats import Probe

TENSORS: Tensors = {
    "a.weight": np.ones((2, 3), np.float32),
    "b": np.ones(5, HALF),
    "c\u00e9": np.ones((1, 1, 2), np.int64),
}
SAFETENSORS = safetensors(TENSORS, {"format": "pt", "title": "x"})
GGUF = gguf(
    {name: tensor for name, tensor in TENSORS.items() if name != "c\u00e9"},
    {"general.architecture": "llama", "general.file_type": 1, "list": ["a", "b"], "long": list(range(80)), "x": 0.5},
)


def refitted(content: bytes) -> bytes:
    """A safetensors file whose length fits its header again, so that changes reach the JSON."""
    end = content.rfind(b"}") + 1
    return struct.pack("<Q", max(0, end - 8)) + content[8:]


def check(content: bytes, name: bytes) -> Probe:
    """Read it every way there is; a problem must be a sentence."""
    probe = probe_file(MemorySource(content, name))
    assert recognise(probe).kind
    assert probe.outcome is Outcome.OK or all(problem.sentence for problem in probe.problems)
    assert (probe.outcome is Outcome.OK) is not bool(probe.problems)
    return probe


@given(CHANGES, st.booleans())
def test_nothing_is_taken_that_the_safetensors_library_refuses(
    changes: list[tuple[str, float, bytes]], fit: bool
) -> None:
    content = changed(SAFETENSORS, changes, len(SAFETENSORS) - 50)
    content = refitted(content) if fit else content
    probe = check(content, b"a.safetensors")
    if probe.outcome is Outcome.OK and probe.format is Format.SAFETENSORS:
        found = safetensors_library(content)
        assert sorted(dtype for _, dtype, _ in found) == sorted(tensor.dtype for tensor in probe.tensors)


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("fuzz") / "a.gguf"


def beyond_the_library(probe: Probe) -> bool:
    """Whether ggml reads it and its Python library does not.

    Those are a type newer than the library, a single value of a type that it takes for bytes (it looks for the length
    of a row), and keys that it has itself for the counts at the head.
    """
    types = any(tensor.dtype == "Q2_0" or (tensor.dtype == "BF16" and not tensor.shape) for tensor in probe.tensors)
    return types or not probe.metadata.keys().isdisjoint(["GGUF.version", "GGUF.tensor_count", "GGUF.kv_count"])


@given(changes=CHANGES)
def test_nothing_is_taken_that_the_gguf_library_refuses(place: Path, changes: list[tuple[str, float, bytes]]) -> None:
    content = changed(GGUF, changes, len(GGUF) - 60)
    probe = check(content, b"a.gguf")
    if probe.outcome is Outcome.OK and probe.format is Format.GGUF and not beyond_the_library(probe):
        place.write_bytes(content)
        with np.errstate(all="ignore"):
            found = {tensor.name: tensor for tensor in gguf_oracle.GGUFReader(place).tensors}
        assert {name: item.data_offset for name, item in found.items()} == {t.name: t.offset for t in probe.tensors}


@given(st.binary(max_size=300), st.sampled_from([b"a.safetensors", b"a.gguf", b"a.ckpt", b"a.onnx", b"a"]))
def test_noise_is_never_a_model(content: bytes, name: bytes) -> None:
    assert check(content, name).tensors == ()


@given(st.binary(max_size=200))
def test_noise_after_a_magic_number_is_no_crash(content: bytes) -> None:
    check(b"GGUF" + struct.pack("<IQQ", 3, 1, 2) + content, b"a.gguf")
    check(struct.pack("<Q", len(content)) + content, b"a.safetensors")
    check(struct.pack("<Q", len(content) + 1) + b"{" + content, b"a.safetensors")


@given(CHANGES, st.sampled_from(["config.json", "model.safetensors.index.json", "model-00001-of-00002.safetensors"]))
def test_a_broken_set_is_no_crash(changes: list[tuple[str, float, bytes]], which: str) -> None:
    files = {"config.json": b'{"model_type":"llama","rope_scaling":{"factor":2.0}}', **sharded(TENSORS, 2)}
    files[which] = changed(files[which], changes, len(files[which]))
    probe = probe_set(set_source(files))
    assert recognise(probe).kind
    assert all(problem.sentence for problem in probe.problems)
