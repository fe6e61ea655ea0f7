"""A text file beside a LoRA is a list of words only when it looks like one."""

from __future__ import annotations

import pytest

from catalog.sidecars.triggers import read


def test_words_are_taken() -> None:
    assert read(b"mychar, blue hair\nsmile,mychar\n").trigger_words == ("mychar", "blue hair", "smile")


@pytest.mark.parametrize(
    "raw",
    [
        b"This model was made for research. Do not sell it.",
        b"MIT License\n\nCopyright (c) 2023, somebody with a very long list of conditions that goes on and on",
        b"see https://example.com",
        b"<lora:x:1>, y",
        b"key=value",
        b"\xff\xfe",
        b"word\n" * 20,
        b"a, " * 2000,
    ],
)
def test_prose_addresses_and_markup_are_not(raw: bytes) -> None:
    assert read(raw).trigger_words == ()
