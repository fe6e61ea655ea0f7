"""Computed hashes with what others list beside them."""

from __future__ import annotations

from catalog.models import HashClaim, LocationFile, ModelHash, VariantFile
from catalog.queries.model_page.hashes import HashLine, claims_of, lines_of

RIGHT, WRONG = bytes(range(32)), bytes(32)


def _hash(algorithm: str, digest: bytes = RIGHT) -> ModelHash:
    return ModelHash(algorithm=algorithm, digest=digest)


def _claim(
    algorithm: str, digest: bytes = RIGHT, source: str = "civitai", file: LocationFile | None = None
) -> HashClaim:
    return HashClaim(algorithm=algorithm, digest=digest, source=source, file=file)


def _line(lines: tuple[HashLine, ...], label: str) -> HashLine:
    return next(line for line in lines if line.label == label)


def test_one_who_agrees_and_one_who_does_not_are_both_named() -> None:
    lines = lines_of([_hash("blake3")], [_claim("blake3"), _claim("blake3", WRONG, "a1111")])
    (line,) = lines
    assert (line.agreeing, line.agrees) == ("by Civitai", False)
    assert [(one.source, one.digest) for one in line.differing] == [("in A1111's cache", WRONG.hex())]


def test_a_listing_that_is_cut_short_agrees_as_far_as_it_goes() -> None:
    (line,) = lines_of([_hash("autov3")], [_claim("autov3", RIGHT[:6])])
    assert line.agrees


def test_what_is_listed_and_not_computed_says_who_lists_it() -> None:
    (line,) = lines_of([], [_claim("invoke-dir:blake3", source="invokeai")])
    assert (line.label, line.digest, line.sources) == ("InvokeAI folder (BLAKE3)", "", "by InvokeAI")


def test_the_field_of_modelspec_stands_with_autov3() -> None:
    lines = lines_of([_hash("autov3")], [_claim("modelspec.hash_sha256", source="header")])
    assert _line(lines, "AutoV3").agreeing == "in the header"
    assert len(lines) == 1


def test_the_other_digest_that_kohya_wrote_is_no_difference() -> None:
    claims = [_claim("modelspec.hash_sha256", WRONG, "header"), _claim("autov3", RIGHT, "header")]
    (line,) = lines_of([_hash("autov3")], claims)
    assert line.agrees
    claims[1] = _claim("autov3", bytes([1] * 32), "header")
    (line,) = lines_of([_hash("autov3")], claims)
    assert len(line.differing) == 2


def test_what_is_listed_for_one_file_of_a_set_stands_with_that_file() -> None:
    unet, vae = VariantFile(name=b"unet/x.safetensors"), VariantFile(name=b"vae/x.safetensors")
    claims = [_claim("sha256", file=LocationFile(name=b"unet/x.safetensors")), _claim("invoke-dir:blake3")]
    assert claims_of(unet, claims) == claims[:1]
    assert claims_of(vae, claims) == []
    assert claims_of(None, claims) == claims[1:]
