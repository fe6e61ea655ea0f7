"""PaddlePaddle's program and numbers."""

from __future__ import annotations

import struct

import pytest

from catalog.formats import probe_file
from catalog.vocabulary import Format
from tests.builders.named import named
from tests.builders.onnx_files import number, part
from tests.builders.sources import MemorySource

DESCRIBED = number(1, 5) + number(2, 3) + number(2, 64)


@pytest.mark.parametrize("name", [b"inference.pdmodel", b"__model__", b"a.bin"])
def test_the_program_is_known_by_its_first_block(name: bytes) -> None:
    content = part(1, number(1, 0) + number(2, -1) + part(3, bytes(300))) + part(4, number(1, 0))
    assert named(content, name).problems[0].params == {"format": "PaddlePaddle program"}


@pytest.mark.parametrize("name", [b"inference.pdiparams", b"__params__", b"a.bin"])
def test_the_numbers_are_known_by_the_head_of_the_first_tensor(name: bytes) -> None:
    content = struct.pack("<IQI", 0, 0, 0) + struct.pack("<i", len(DESCRIBED)) + DESCRIBED + bytes(4 * 3 * 64)
    probe = probe_file(MemorySource(content, name))
    assert probe.format is Format.PADDLE
    assert probe.tensors[0].shape == (3, 64)
