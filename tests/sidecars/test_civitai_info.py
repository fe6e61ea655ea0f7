"""The version object of Civitai, as Civitai Helper keeps it."""

from __future__ import annotations

import json

from catalog.sidecars.base import Named, Stated
from catalog.sidecars.civitai_info import read
from catalog.vocabulary import Algorithm, ClaimSource

SHA256 = "6CE0161689B3853ACAA03779EC93EAFE75A02F4CED659BEE03F50797806FA2FA"
VERSION = {
    "id": 128078,
    "modelId": 101055,
    "name": "v1.0 VAE fix",
    "baseModel": "SDXL 1.0",
    "trainedWords": ["blue hair, <b>smile</b>", "Smile", 7, "&lt;script&gt;alert(1)&lt;/script&gt;pose"],
    "model": {"name": "SD <i>XL</i>", "type": "Checkpoint", "nsfw": False, "tags": ["base model", "base  Model", None]},
    "files": [
        {
            "name": "sd_xl_base.safetensors",
            "sizeKB": 6775430.35,
            "primary": True,
            "hashes": {
                "AutoV1": "F4D6B2F3",
                "AutoV2": SHA256[:10],
                "AutoV3": "E2C0A71510B5",
                "SHA256": SHA256,
                "CRC32": "85114A0D",
                "BLAKE3": "AB" * 32,
            },
        },
        {"name": "other.safetensors", "hashes": {"AutoV2": SHA256[:10]}},
    ],
}


def test_a_version_gives_names_words_and_ids() -> None:
    told = read(json.dumps(VERSION).encode())

    assert (told.name, told.version_name, told.base) == ("SD XL", "v1.0 VAE fix", "SDXL 1.0")
    assert told.source == "https://civitai.com/models/101055?modelVersionId=128078"
    assert told.tags == ("base model",)
    assert told.trigger_words == ("blue hair", "smile", "alert(1) pose")
    assert told.ids == (
        Named("civitai-model", "101055", of_model=True),
        Named("civitai-version", "128078", of_model=False),
        Named("air", "urn:air:sdxl:checkpoint:civitai:101055@128078", of_model=False),
    )


def test_digests_are_those_of_their_definitions() -> None:
    """Civitai prints a CRC-32 with its bytes reversed: that of `hello world` is 0x0D4A1185."""
    first, second = read(json.dumps(VERSION).encode()).files

    assert (first.name, first.size, first.primary) == ("sd_xl_base.safetensors", 6938040678, True)
    assert {one.algorithm: one.digest.hex() for one in first.hashes} == {
        Algorithm.SHA256: SHA256.lower(),
        Algorithm.BLAKE3: "ab" * 32,
        Algorithm.AUTOV3: "e2c0a71510b5",
        Algorithm.AUTOV1: "f4d6b2f3",
        Algorithm.CRC32: "0d4a1185",
    }
    assert second.hashes == (Stated(Algorithm.SHA256, bytes.fromhex(SHA256[:10]), ClaimSource.CIVITAI),)


def test_what_has_another_type_than_it_should_is_passed_over() -> None:
    told = read(json.dumps({"id": "12", "modelId": [], "model": "x", "files": {"a": 1}, "trainedWords": 5}).encode())

    assert (told.name, told.source, told.files, told.trigger_words) == ("", "", (), ())
    assert told.ids == (Named("civitai-version", "12", of_model=False),)


def test_digests_of_nothing_and_of_a_wrong_length_are_not_listed() -> None:
    hashes = {"SHA256": "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855", "AutoV3": "abcd"}
    [file] = read(json.dumps({"files": [{"hashes": hashes}]}).encode()).files

    assert file.hashes == ()
