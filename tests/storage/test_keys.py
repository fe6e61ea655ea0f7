"""Keys and numbers as the tables keep them."""

from __future__ import annotations

import hashlib

import pytest

from catalog.storage.keys import path_key, path_text, place_key, signed, stem, unsigned


def test_a_place_has_a_key_for_each_of_its_sets() -> None:
    assert place_key(b"a/b", "safetensors:fp16") == hashlib.sha256(b"a/b\0safetensors:fp16").digest()
    assert place_key(b"a") == hashlib.sha256(b"a\0").digest() != path_key(b"a")


@pytest.mark.parametrize("number", [0, 1, (1 << 63) - 1, 1 << 63, (1 << 64) - 1])
def test_numbers_of_64_bits_fit_a_signed_column(number: int) -> None:
    assert -(1 << 63) <= signed(number) < 1 << 63
    assert unsigned(signed(number)) == number


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        (b"loras/Detail Tweaker v1.5.safetensors", "Detail Tweaker v1.5"),
        (b"stable-diffusion-v1.5", "stable-diffusion-v1.5"),
        (b"", "models"),
        (b"x/.gguf", ".gguf"),
        (b"caf\xe9.GGUF", "caf\\xe9"),
    ],
)
def test_a_stem_is_the_name_that_pictures_know(path: bytes, expected: str) -> None:
    assert stem(path, library=b"/data/models") == expected


def test_the_folder_of_a_library_is_a_dot() -> None:
    assert (path_text(b""), path_text(b"a/\xff\0")) == (".", "a/\\xff\\x00")
