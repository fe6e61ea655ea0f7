"""TensorRT's engines, bare and with the text that Ultralytics puts before them."""

from __future__ import annotations

import json

import pytest

from catalog.formats import probe_file
from catalog.vocabulary import Format
from tests.builders import MemorySource
from tests.builders.named import named

PLAN = b"ftrt" + bytes(200)


def with_text(text: bytes) -> bytes:
    """A plan behind a text with its length."""
    return len(text).to_bytes(4, "little") + text + PLAN


@pytest.mark.parametrize("name", [b"a.engine", b"a.plan", b"a.trt", b"a.bin", b"a"])
def test_a_plan_is_known_by_its_tag(name: bytes) -> None:
    assert named(PLAN, name).format is Format.TENSORRT
    assert named(b"ptrt" + bytes(200), name).format is Format.TENSORRT


def test_the_text_before_it_is_kept() -> None:
    told = {"description": "Ultralytics YOLO11n", "task": "detect", "stride": 32, "names": {"0": "person"}}
    probe = named(with_text(json.dumps(told).encode()), b"yolo11n.engine")
    assert (probe.format, probe.metadata) == (
        Format.TENSORRT,
        {"description": "Ultralytics YOLO11n", "task": "detect"},
    )


@pytest.mark.parametrize("text", [b"{broken", b"{" * 5000])
def test_a_broken_text_is_left_out(text: bytes) -> None:
    assert named(with_text(text), b"a.engine").metadata == {}


def test_a_text_without_a_plan_is_not_taken_for_one() -> None:
    content = with_text(b'{"task": "detect"}').replace(b"ftrt", b"\xff\xfe\x00\x01")
    assert probe_file(MemorySource(content, b"a.bin")).format is Format.OTHER


def test_the_suffix_speaks_where_the_bytes_do_not() -> None:
    assert named(b"\x01\x02\xff" * 50, b"a.plan").format is Format.TENSORRT
