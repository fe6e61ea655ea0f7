"""What holds for every named format: bounded reading, no crash on damage, never more said than `unsupported`."""

from __future__ import annotations

import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from catalog.formats import READERS, probe_file
from catalog.formats.heads import HEAD
from catalog.formats.sniffing import sniff
from catalog.vocabulary import FindingCode, Format, Outcome
from tests.builders import MemorySource
from tests.builders.onnx_files import number, part
from tests.builders.zips import zipped

SAMPLES: dict[Format, bytes] = {
    Format.KERAS: zipped({"metadata.json": b'{"keras_version": "3"}', "config.json": b"{}", "model.weights.h5": b"x"}),
    Format.HDF5: b"\x89HDF\r\n\x1a\n\0\0\0\0\0\x08\x08" + bytes(90),
    Format.TENSORFLOW: number(1, 1)
    + part(2, part(1, part(4, "serve")) + part(2, part(1, part(1, "a") + part(2, "B")))),
    Format.TFJS: b'{"format": "graph-model", "modelTopology": {}}',
    Format.TFLITE: b"\x1c\0\0\0TFL3" + bytes(90),
    Format.COREML: number(1, 8) + part(2, part(1, "x")) + part(502, bytes(90)),
    Format.OPENVINO: b'<?xml version="1.0"?><net name="a" version="11">',
    Format.CTRANSLATE2: struct.pack("<IH", 6, 12) + b"WhisperSpec\0" + struct.pack("<II", 3, 9) + bytes(90),
    Format.TENSORRT: struct.pack("<I", 10) + b'{"a": "b"}' + b"ftrt" + bytes(90),
    Format.FLAX: b"\x81\xa6params\x81\xa1w\xc7\x0f\x01" + bytes(90),
    Format.NUMPY: b"\x93NUMPY\x01\0v\0{'descr': '<f4', 'fortran_order': False, 'shape': (3, 4), }".ljust(300),
    Format.GGML: b"tjgg\x03\0\0\0" + bytes(90),
    Format.LLAMAFILE: b"MZqFpD='\n".ljust(900, b"\0") + zipped({"a.gguf": b"GGUF"}),
    Format.PADDLE: part(1, number(1, 0) + number(2, -1)),
    Format.NCNN: b"7767517\n1 1\n",
    Format.EXECUTORCH: b"\x30\0\0\0ET12" + bytes(90),
    Format.RKNN: b"RKNN" + bytes(90),
}
NAMES = [b"a", b"a.bin", b"a.safetensors", b"a.gguf", b"a.onnx", b"a.zip", b"a.pt"]


@pytest.mark.parametrize("kind", SAMPLES)
@pytest.mark.parametrize("name", NAMES)
def test_the_content_decides_under_any_name(kind: Format, name: bytes) -> None:
    assert sniff(MemorySource(SAMPLES[kind], name)).format is kind


def test_every_format_has_a_reader_or_is_named() -> None:
    folders = {Format.DIFFUSERS, Format.TRANSFORMERS}
    without_a_mark = {Format.MNN, Format.OTHER}
    assert {*SAMPLES, *READERS} | folders | without_a_mark == set(Format)


@pytest.mark.parametrize("kind", SAMPLES)
def test_a_file_of_any_size_costs_its_head(kind: Format) -> None:
    source = MemorySource(SAMPLES[kind], b"a.bin", size=1 << 40)
    probe_file(source)
    assert source.bytes_read < (1 << 21) + HEAD


@given(
    kind=st.sampled_from(sorted(SAMPLES)),
    name=st.sampled_from(NAMES),
    at=st.integers(0, 600),
    piece=st.binary(max_size=12),
    cut=st.integers(0, 900),
)
def test_a_damaged_file_is_no_crash_and_never_sound(kind: Format, name: bytes, at: int, piece: bytes, cut: int) -> None:
    content = SAMPLES[kind]
    probe = probe_file(MemorySource((content[:at] + piece + content[at + len(piece) :])[: cut or None], name))
    assert probe.outcome in {Outcome.UNSUPPORTED, Outcome.INVALID, Outcome.UNSAFE, Outcome.SUSPICIOUS}
    assert probe.tensors == ()
    assert all(problem.sentence for problem in probe.problems)


@given(st.binary(max_size=200), st.sampled_from(sorted(SAMPLES)), st.sampled_from(NAMES))
def test_noise_behind_a_mark_is_no_crash(noise: bytes, kind: Format, name: bytes) -> None:
    probe = probe_file(MemorySource(SAMPLES[kind][:12] + noise, name))
    assert probe.problems
    assert probe.tensors == ()


def test_an_array_that_was_cut_off_is_truncated() -> None:
    probe = probe_file(MemorySource(SAMPLES[Format.NUMPY][:170], b"a.npy"))
    assert (probe.outcome, probe.problems[0].code) == (Outcome.INVALID, FindingCode.TRUNCATED)
