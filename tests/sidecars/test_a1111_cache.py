"""A1111's cache of digests, as JSON."""

from __future__ import annotations

import json

from catalog.sidecars.a1111_cache import read
from catalog.sidecars.base import Cached, Stated
from catalog.vocabulary import Algorithm, ClaimSource


def test_lines_of_both_sections_are_read() -> None:
    told = read(
        json.dumps(
            {
                "hashes": {"checkpoint/sub\\x.safetensors": {"mtime": 1700000000.25, "sha256": "ab" * 32}},
                "hashes-addnet": {"lora/y": {"mtime": 5, "sha256": "cd" * 32}},
                "safetensors-metadata": {"lora/y": {"mtime": 5, "value": {}}},
            }
        ).encode()
    )

    assert told.cached == (
        Cached(
            "checkpoint/sub\\x.safetensors",
            1700000000.25,
            Stated(Algorithm.SHA256, b"\xab" * 32, ClaimSource.A1111),
        ),
        Cached("lora/y", 5.0, Stated(Algorithm.AUTOV3, b"\xcd" * 32, ClaimSource.A1111)),
    )


def test_unsound_lines_are_passed_over() -> None:
    lines = {"a": None, "b": {"mtime": "1", "sha256": "ab" * 32}, "c": {"mtime": 1}, "d": {"mtime": 1, "sha256": "ab"}}

    assert read(json.dumps({"hashes": lines, "hashes-addnet": []}).encode()).cached == ()
