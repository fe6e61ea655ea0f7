"""Digests as people, programs and sites write them."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from catalog.hashing.notation import Notation, civitai, crc32_other_order, invokeai, of_nothing, parse, printed

DIGITS = "6ce0161689b3853acaa03779ec93eafe75a02f4ced659bee03f50797806fa2fa"


@pytest.mark.parametrize(
    ("text", "algorithm", "digits"),
    [
        (f"blake3:{DIGITS}", "blake3", DIGITS),
        (f"sha256-{DIGITS}", "sha256", DIGITS),
        (f"SHA256:{DIGITS.upper()}", "sha256", DIGITS),
        (f"sha-256 = 0x{DIGITS}", "sha256", DIGITS),
        (f"0x{DIGITS}", None, DIGITS),
        ("6CE0161689", None, "6ce0161689"),
        ("[6ce01616]", None, "6ce01616"),
        (" '6ce0161689b'\n", None, "6ce0161689b"),
        ("AutoV2: 6CE0161689", "sha256", "6ce0161689"),
        ("AutoV3 E2C0A71510B5", "autov3", "e2c0a71510b5"),
        ("crc32:85114A0D", "crc32", "85114a0d"),
        ("invoke-dir:blake3:6856c8d4", "invoke-dir:blake3", "6856c8d4"),
        ("weights:v1:6856c8d4", "weights:v1", "6856c8d4"),
        (f"SHA2-256(a model.ckpt)= {DIGITS}", "sha256", DIGITS),
        (f"BLAKE3 (model) = {DIGITS}", "blake3", DIGITS),
        (f"{DIGITS}  a model.safetensors", None, DIGITS),
        (f"{DIGITS} *model.safetensors", None, DIGITS),
    ],
)
def test_notations_met_in_the_wild(text: str, algorithm: str | None, digits: str) -> None:
    assert parse(text) == Notation(algorithm, digits)


@pytest.mark.parametrize(
    "text",
    ["", "6ce0161", "random:6ce0161689", "no digest", "model deadbeef01", "0x", "g" * 64, "a" * 129, "- " * 60_000],
)
def test_what_is_no_digest(text: str) -> None:
    assert parse(text) is None


@given(st.text())
def test_any_text_is_answered(text: str) -> None:
    found = parse(text)
    assert found is None or set(found.digits) <= set("0123456789abcdef")


@given(st.binary(min_size=32, max_size=32), st.sampled_from(["sha256", "blake3"]))
def test_what_we_print_we_read(digest: bytes, algorithm: str) -> None:
    assert parse(printed(digest)) == Notation(None, digest.hex())
    assert parse(invokeai(algorithm, digest)) == Notation(algorithm, digest.hex())


def test_civitai_prints_upper_case_and_cuts() -> None:
    digest = bytes.fromhex(DIGITS)
    assert civitai("sha256", digest) == {"SHA256": DIGITS.upper(), "AutoV2": "6CE0161689"}
    assert civitai("autov3", digest) == {"AutoV3": "6CE0161689B3"}
    assert civitai("autov1", digest[:4]) == {"AutoV1": "6CE01616"}
    assert civitai("blake3", digest) == {"BLAKE3": DIGITS.upper()}
    assert civitai("md5", digest) == {}


def test_a_folder_is_written_with_the_algorithm_of_its_files() -> None:
    assert invokeai("invoke-dir:sha256", b"\x12\x34") == "sha256:1234"


def test_crc32_turns_round_and_back() -> None:
    assert crc32_other_order("0d4a1185") == "85114a0d"
    assert crc32_other_order("85114a0d") == "0d4a1185"


@pytest.mark.parametrize("digits", ["e3b0c442", "e3b0c44298fc", "af1349b9f5f9a1a6", "da39a3ee", "d41d8cd98f00"])
def test_digests_of_nothing_are_known(digits: str) -> None:
    assert of_nothing(digits)


@pytest.mark.parametrize("digits", ["e3b0c44", "e3b0c443", DIGITS])
def test_digests_of_something_are_told_apart(digits: str) -> None:
    assert not of_nothing(digits)
