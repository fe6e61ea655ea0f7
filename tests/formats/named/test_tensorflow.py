"""SavedModel, frozen graphs, checkpoints and TensorFlow Lite."""

from __future__ import annotations

import pytest

from catalog.vocabulary import Format
from tests.builders import MemorySource
from tests.builders.named import named
from tests.builders.onnx_files import number, part

NODE = part(1, "input") + part(2, "Placeholder") + part(5, part(1, "dtype") + part(2, number(6, 1)))
GRAPH = part(1, NODE) + part(1, part(1, "w") + part(2, "Const")) + part(4, number(1, 27))
SAVED = number(1, 1) + part(2, part(1, part(4, "serve")) + part(2, GRAPH))
TABLE = bytes(40) + bytes.fromhex("57fb808b247547db")


@pytest.mark.parametrize("name", [b"saved_model.pb", b"a.bin", b"a"])
def test_a_saved_model_is_known(name: bytes) -> None:
    assert named(SAVED, name).problems[0].params == {"format": "TensorFlow SavedModel"}


@pytest.mark.parametrize("name", [b"frozen_inference_graph.pb", b"a.bin", b"a"])
def test_a_frozen_graph_is_known(name: bytes) -> None:
    probe = named(GRAPH, name)
    assert (probe.format, probe.problems[0].params) == (Format.TENSORFLOW, {"format": "TensorFlow graph"})


def test_a_checkpoint_is_known_by_its_index_and_the_name_of_its_data() -> None:
    index = named(TABLE, b"model.ckpt-1000.index")
    data = named(bytes(5000), b"model.ckpt-1000.data-00000-of-00001")
    assert (index.format, data.format) == (Format.TENSORFLOW, Format.TENSORFLOW)


@pytest.mark.parametrize("name", [b"a.tflite", b"a.bin", b"a.task", b"a"])
def test_a_lite_model_is_known(name: bytes) -> None:
    assert named(b"\x1c\0\0\0TFL3" + bytes(90), name).format is Format.TFLITE


def test_a_large_model_is_told_by_its_head_alone() -> None:
    weights = 7_000_000_000
    length = bytearray()
    left = weights
    while left > 127:
        length.append(left & 127 | 128)
        left >>= 7
    head = part(1, NODE) + b"\x0a" + bytes([*length, left])
    source = MemorySource(head, b"a.pb", len(head) + weights)
    assert named(head, b"a.pb", source.size).format is Format.TENSORFLOW


def test_a_message_of_another_kind_is_told_by_its_suffix_alone() -> None:
    assert named(number(1, 1) + part(3, b"\xff"), b"a.pb").problems[0].params == {"format": "TensorFlow"}
