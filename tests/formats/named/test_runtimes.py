"""Formats of further programs, by mark or suffix."""

from __future__ import annotations

import pytest

from catalog.vocabulary import Format
from tests.builders.named import named, no_model


@pytest.mark.parametrize(
    ("content", "name", "kind", "title"),
    [
        (b"\x30\0\0\0ET12eh00" + bytes(90), b"a.pte", Format.EXECUTORCH, "ExecuTorch"),
        (b"\x30\0\0\0ET12eh00" + bytes(90), b"a.bin", Format.EXECUTORCH, "ExecuTorch"),
        (b"RKNN\0\0\0\0\x06" + bytes(90), b"a.rknn", Format.RKNN, "RKNN"),
        (b"\x18\0\0\0ORTM" + bytes(90), b"a.ort", Format.OTHER, "ONNX Runtime"),
        (b"\x01HEF" + bytes(90), b"a.hef", Format.OTHER, "Hailo"),
        (b"\x20\0\0\0\x00\x00\x1e\xff" + bytes(90), b"a.mnn", Format.MNN, "MNN"),
        (b"\x0a\x07\xff\x01" + bytes(90), b"a.caffemodel", Format.OTHER, "Caffe"),
        (b"\x04\x00\x00\x00\x01" + bytes(90), b"a.t7", Format.OTHER, "Torch7"),
        (b"\xfe\x01" + bytes(90), b"a.xyz", Format.OTHER, "XYZ"),
        (b"\xfe\x01" + bytes(90), b"a", Format.OTHER, "no known suffix"),
    ],
)
def test_each_is_called_by_its_name(content: bytes, name: bytes, kind: Format, title: str) -> None:
    probe = named(content, name)
    assert (probe.format, probe.problems[0].params) == (kind, {"format": title})


@pytest.mark.parametrize(
    ("name", "title"),
    [(b"a.h5", "HDF5"), (b"a.npz", "NumPy"), (b"a.tflite", "TensorFlow Lite"), (b"a.rknn", "RKNN")],
)
def test_a_file_without_the_mark_of_its_format_is_something_else(name: bytes, title: str) -> None:
    assert no_model(b"\xfe\x01" + bytes(90), name).startswith(f"no {title} file")
