"""A1111's cards."""

from __future__ import annotations

import json

from catalog.sidecars.user_metadata import read


def test_a_card_gives_words_and_notes() -> None:
    card = {
        "description": "",
        "sd version": "SDXL",
        "activation text": "a, b , a",
        "notes": "mine",
        "preferred weight": 1,
    }
    told = read(json.dumps({**card, "modelId": 7, "sha256": "AB" * 32}).encode())

    assert (told.base, told.trigger_words, told.notes) == ("SDXL", ("a", "b"), "mine")
    assert told.source == "https://civitai.com/models/7"
    assert [one.digest for one in told.hashes] == [b"\xab" * 32]


def test_another_programs_json_says_nothing() -> None:
    assert read(b'{"architectures": ["X"], "sd version": "Unknown"}').name == ""
