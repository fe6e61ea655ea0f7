"""ncnn's network by its number, its numbers by their name."""

from __future__ import annotations

import pytest

from catalog.vocabulary import Format
from tests.builders.named import named


@pytest.mark.parametrize(
    "content", [b"7767517\n75 83\nInput data 0 1 data\n", b"7767517\r\n1 1\r\n", b"\xdd\x85\x76\x00" + bytes(9)]
)
def test_the_network_is_known_by_its_number(content: bytes) -> None:
    assert named(content, b"model.param").format is Format.NCNN


def test_the_numbers_are_known_by_their_usual_name() -> None:
    assert named(bytes(5000), b"model.ncnn.bin").format is Format.NCNN
