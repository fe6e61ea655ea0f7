"""Keras's own archive by its three names."""

from __future__ import annotations

import json

import pytest

from catalog.vocabulary import Format
from tests.builders.named import named, no_model
from tests.builders.zips import zipped

METADATA = json.dumps({"keras_version": "3.9.0", "date_saved": "2026-01-02@03:04:05", "more": {"x": 1}}).encode()
FILES = {"metadata.json": METADATA, "config.json": b"{}", "model.weights.h5": bytes(200)}


@pytest.mark.parametrize("packed", [False, True])
@pytest.mark.parametrize("name", [b"a.keras", b"a.zip", b"a.safetensors", b"a.bin"])
def test_it_is_known_whatever_its_name(packed: bool, name: bytes) -> None:
    probe = named(zipped(FILES, packed=packed), name)
    assert probe.format is Format.KERAS
    assert probe.metadata == {"keras_version": "3.9.0", "date_saved": "2026-01-02@03:04:05"}


@pytest.mark.parametrize("metadata", [b"", b"[]", b"nonsense", b"[" * 9999, b'{"keras_version": 3}', bytes(99_999)])
def test_metadata_that_says_nothing_is_left_out(metadata: bytes) -> None:
    assert named(zipped({**FILES, "metadata.json": metadata}), b"a.keras").metadata == {}


def test_another_archive_is_not_taken_for_it() -> None:
    assert "2 files" in no_model(zipped({"metadata.json": METADATA, "config.json": b"{}"}), b"a.keras")


def test_another_file_under_its_suffix_is_told() -> None:
    assert no_model(b"\x01\x02\x03" * 99, b"a.keras") == "no Keras file: its first bytes are not those of that format"
