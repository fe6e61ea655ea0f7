"""BLAKE3 and hashlib's algorithms give the published digests."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from catalog.hashing import DEFINITIONS, definition
from catalog.hashing.base import Plan
from catalog.hashing.engine import digest_file

if TYPE_CHECKING:
    from tests.hashing.conftest import Opener

# InvokeAI tests/test_model_hash.py; civitai model-scanner tests for `hello world`
VECTORS = [
    (b"model data", "blake3", "ce3f0c5f3c05d119f4a5dcaf209b50d3149046a0d3a9adee9fed4c83cad6b4d0"),
    (b"model data", "md5", "a0cd925fc063f98dbf029eee315060c3"),
    (b"model data", "sha1", "9e362940e5603fdc60566ea100a288ba2fe48b8c"),
    (b"model data", "sha256", "6dbdb6a147ad4d808455652bf5a10120161678395f6bfbd21eb6fe4e731aceeb"),
    (b"hello world", "blake3", "d74981efa70a0c880b8d8c1985d075dbcbf679b99a5f9914e5aaf96b831a9e24"),
    (b"hello world", "sha256", "b94d27b9934d3e08a52e52d7da7dabfac484efe37a5380ee9088f7ace2efcde9"),
]


@pytest.mark.parametrize(("data", "algorithm", "expected"), VECTORS)
def test_published_digests(opened: Opener, data: bytes, algorithm: str, expected: str) -> None:
    assert digest_file(opened(data), Plan(frozenset({algorithm}))).digests[algorithm].hex() == expected


def test_every_definition_answers_to_its_name() -> None:
    assert [definition(known.name) for known in DEFINITIONS] == list(DEFINITIONS)
