"""Folder digests: ours, and InvokeAI's with all its edges."""

from __future__ import annotations

import hashlib
import struct

import pytest
from blake3 import blake3

from catalog.hashing.folders import folder_v1, invoke_dir


def digests(algorithm: str, names: list[bytes]) -> list[tuple[bytes, bytes]]:
    return [(name, blake3(b"data").digest() if algorithm == "blake3" else _plain(algorithm)) for name in names]


def _plain(algorithm: str) -> bytes:
    return hashlib.new(algorithm, b"data").digest()


@pytest.mark.parametrize(
    ("algorithm", "expected"),
    [
        ("blake3", "6856c8d405a339f7bd4908794b3851a6abdb1d192a3f7e46026d48db6c59336f"),
        ("md5", "8f6bd49958cb4d261e082f1a87393acafc51584e71f9aedf84a471f9900abcd1"),
        ("sha256", "9d85fae1d79f00997abe64e1594e0b770a53752010aa64614525d11f4724ca7c"),
    ],
)
def test_vectors_of_invokeai(algorithm: str, expected: str) -> None:
    """The recipe of InvokeAI's tests/test_model_hash.py."""
    found = invoke_dir(algorithm, digests(algorithm, [b"%d.bin" % number for number in range(5)]))
    assert found is not None
    assert found.hex() == expected


def hexes(*parts: bytes) -> bytes:
    return blake3("".join(part.hex() for part in parts).encode()).digest()


def test_files_are_ordered_by_the_parts_of_their_paths_and_not_as_text() -> None:
    assert invoke_dir("blake3", [(b"unet-b/a.bin", b"2" * 32), (b"unet/a.bin", b"1" * 32)]) == hexes(
        b"1" * 32, b"2" * 32
    )


def test_names_do_not_enter() -> None:
    before, after = [(b"a.bin", b"1"), (b"b.bin", b"2")], [(b"x/y.pt", b"1"), (b"z.ckpt", b"2")]
    assert invoke_dir("md5", before) == invoke_dir("md5", after)


def test_only_weights_with_its_suffixes_enter_and_the_case_counts() -> None:
    files = [
        (b"a.BIN", b"0"),
        (b"config.json", b"0"),
        (b"m.gguf", b"0"),
        (b"m.sft", b"0"),
        (b"x.safetensors", b"1"),
        (b".bin", b"2"),
    ]
    assert invoke_dir("blake3", files) == hexes(b"2", b"1")


def test_names_that_are_no_text_have_a_place_too() -> None:
    assert invoke_dir("blake3", [(b"\xff.bin", b"2"), (b"\xc3\xa9.bin", b"1")]) == hexes(b"1", b"2")


@pytest.mark.parametrize("names", [[], [b"model.gguf", b"model.onnx", b"MODEL.BIN"]])
def test_a_folder_that_invokeai_takes_for_nothing_has_no_digest(names: list[bytes]) -> None:
    assert invoke_dir("blake3", digests("blake3", names)) is None


@pytest.mark.parametrize("algorithm", ["random", "shake_128", "shake_256"])
def test_what_gives_files_no_digest_gives_folders_none(algorithm: str) -> None:
    with pytest.raises(ValueError, match=algorithm):
        invoke_dir(algorithm, [])


def test_our_folder_digest_is_what_it_says() -> None:
    files = [(b"unet/b.safetensors", b"2" * 32), (b"unet-a/\xff.bin", b"1" * 32)]
    spelled = b"isotope/folder/v1\0"
    for path, digest in [files[1], files[0]]:
        spelled += struct.pack("<Q", len(path)) + path + digest
    assert folder_v1(files) == folder_v1(files[::-1]) == blake3(spelled).digest()


def test_names_enter_our_folder_digest() -> None:
    assert folder_v1([(b"a", b"1" * 32)]) != folder_v1([(b"b", b"1" * 32)])


def test_a_folder_of_nothing_has_no_digest() -> None:
    assert folder_v1([]) is None
