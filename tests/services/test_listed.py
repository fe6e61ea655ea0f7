"""What is taken as a listed hash, and what contradicts a computed one."""

from __future__ import annotations

import pytest

from catalog.formats import Probe
from catalog.models import HashClaim
from catalog.services.identity.known import Listed
from catalog.services.identity.listed import LEGACY, contradictions, listed
from catalog.vocabulary import MODELSPEC, Algorithm, ClaimSource, FindingCode, Format, Outcome


def header(**metadata: object) -> Probe:
    return Probe(Format.SAFETENSORS, Outcome.OK, metadata=dict(metadata))  # type: ignore[arg-type] # any JSON


@pytest.mark.parametrize(
    ("stated", "digits"),
    [
        ("ABCDEF1234567890ABCDEF", "abcdef1234567890abcdef"),
        ("0x1585b50b9d7d66", "1585b50b9d7d66"),
        ("abcdef1234567", "abcdef123456"),
        ("e3b0c44298fc1c149afbf4c8996fb924", None),
        ("abcdef12345", None),
        ("not a digest at all", None),
        (12345678901234, None),
        ("", None),
    ],
)
def test_only_sound_digests_are_taken(stated: object, digits: str | None) -> None:
    found = listed(header(sshs_model_hash=stated), b"a.safetensors")

    wanted = [] if digits is None else [Listed(Algorithm.AUTOV3, bytes.fromhex(digits), ClaimSource.HEADER)]
    assert found == wanted


def test_the_legacy_hash_of_a_trainer_is_listed_and_never_compared() -> None:
    [found] = listed(header(sshs_legacy_hash="AB12cd34"), b"a.safetensors")
    assert found == Listed(LEGACY, bytes.fromhex("ab12cd34"), ClaimSource.HEADER)
    assert list(contradictions([claim(LEGACY, found.digest)], {"autov1": b"\x01" * 4})) == []
    assert listed(header(sshs_legacy_hash="e3b0c442"), b"a.safetensors") == []


def test_the_header_of_a_set_lists_too() -> None:
    probe = header(__metadata__={"modelspec.hash_sha256": "0x" + "ab" * 32})

    assert listed(probe, b"folder") == [Listed(MODELSPEC, b"\xab" * 32, ClaimSource.HEADER)]


def test_ollama_lists_the_digest_of_a_blob_in_its_name() -> None:
    assert listed(header(), b"ollama/blobs/sha256-" + b"cd" * 32) == [
        Listed(Algorithm.SHA256, b"\xcd" * 32, ClaimSource.OLLAMA)
    ]
    assert listed(header(), b"blobs/sha256-" + b"cd" * 31) == []


def claim(algorithm: str, digest: bytes, source: ClaimSource = ClaimSource.HEADER) -> HashClaim:
    return HashClaim(location_id=7, algorithm=algorithm, digest=digest, source=source.value)


def test_a_digest_cut_short_agrees_as_far_as_it_goes() -> None:
    computed = {"autov3": b"\xab" * 32, "sha256": b"\xcd" * 32}

    assert list(contradictions([claim("autov3", b"\xab" * 6), claim("sha256", b"\xcd" * 32)], computed)) == []


def test_a_contradiction_says_both_digests() -> None:
    [finding] = contradictions([claim("autov3", b"\x01" * 6)], {"autov3": b"\xab" * 32})

    assert (finding.code, finding.location_id) == (FindingCode.CLAIM_DIFFERS, 7)
    assert finding.params == {"algorithm": "AutoV3", "listed": "01" * 6, "computed": "ab" * 32}


def test_the_trainers_definition_is_tried_before_anything_is_said() -> None:
    other = claim(MODELSPEC, b"\x02" * 32)
    computed = {"autov3": b"\xab" * 32}

    assert list(contradictions([other], {**computed, MODELSPEC: b"\x02" * 32})) == []
    [finding] = contradictions([other], computed)
    assert "one after the other" in str(finding.params["algorithm"])


def test_forge_lists_the_digest_of_the_whole_file_as_that_of_its_tensors() -> None:
    computed = {"autov3": b"\xab" * 32, "sha256": b"\xcd" * 32}

    assert list(contradictions([claim("autov3", b"\xcd" * 32, ClaimSource.A1111)], computed)) == []
    assert len(list(contradictions([claim("autov3", b"\xcd" * 32, ClaimSource.CIVITAI)], computed))) == 1


def test_what_was_not_computed_contradicts_nothing() -> None:
    assert list(contradictions([claim("autov3", b"\x01" * 6)], {"sha256": b"\xab" * 32})) == []


def test_the_other_definition_of_the_trainer_is_no_contradiction() -> None:
    kohya, other = claim("autov3", b"\xab" * 32), claim(MODELSPEC, b"\x02" * 32)
    computed = {"autov3": b"\xab" * 32}

    assert list(contradictions([kohya, other], computed)) == []
    assert [finding.code for finding in contradictions([other], computed)] == [FindingCode.CLAIM_DIFFERS]
