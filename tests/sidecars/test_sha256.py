"""Lists of digests beside a model."""

from __future__ import annotations

import pytest

from catalog.sidecars.sha256 import read

DIGEST = "6CE0161689B3853ACAA03779EC93EAFE75A02F4CED659BEE03F50797806FA2FA"


@pytest.mark.parametrize("text", [DIGEST, f"{DIGEST.lower()}\n", f"\ufeff{DIGEST}\r\n"])
def test_a_digest_alone_is_of_the_file_beside(text: str) -> None:
    told = read(text.encode())

    assert [one.digest.hex() for one in told.hashes] == [DIGEST.lower()]
    assert told.files == ()


@pytest.mark.parametrize(
    "text", [f"{DIGEST}  a.safetensors", f"{DIGEST} *./dir/a.safetensors", f"SHA256 (a.safetensors) = {DIGEST}"]
)
def test_a_digest_with_a_name_is_of_that_file(text: str) -> None:
    told = read(text.encode())

    assert told.hashes == ()
    assert [(file.name, file.hashes[0].digest.hex()) for file in told.files] == [("a.safetensors", DIGEST.lower())]


@pytest.mark.parametrize("raw", [b"", b"no digest", DIGEST.encode()[:40], b"x" * 100_000])
def test_anything_else_is_a_problem(raw: bytes) -> None:
    assert read(raw).problem
