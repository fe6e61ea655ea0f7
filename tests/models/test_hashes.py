"""The rules of digests that the database keeps by itself."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from django.db import connection

from catalog.models import Component, ModelHash
from tests import rows

if TYPE_CHECKING:
    from tests.models.conftest import Refused

pytestmark = pytest.mark.django_db


def test_a_file_has_one_digest_of_an_algorithm(refused: Refused) -> None:
    variant = rows.variant()
    rows.hashes(variant, {"sha256": "aa" * 32})
    with refused("hash_once_per_algorithm"):
        rows.hashes(variant, {"sha256": "bb" * 32})


def test_a_set_has_one_digest_of_an_algorithm_beside_those_of_its_files(refused: Refused) -> None:
    variant = rows.variant()
    rows.hashes(variant, {"blake3": "aa" * 32})
    ModelHash.objects.create(variant=variant, algorithm="blake3", digest=b"x" * 32)
    with refused("hash_once_per_algorithm"):
        ModelHash.objects.create(variant=variant, algorithm="blake3", digest=b"y" * 32)


def test_a_digest_is_found_in_the_index_that_also_names_its_variant() -> None:
    variant = rows.variant()
    rows.hashes(variant, {"sha256": "aa" * 32})
    with connection.cursor() as cursor:
        cursor.execute("SET LOCAL enable_seqscan = off")
        cursor.execute("SET LOCAL enable_bitmapscan = off")
        cursor.execute(
            "EXPLAIN SELECT variant_id FROM catalog_modelhash WHERE digest >= %s AND digest < %s", [b"\xaa", b"\xab"]
        )
        assert any("hash_by_digest" in line for (line,) in cursor.fetchall())


def test_a_listed_hash_has_four_bytes_at_least(refused: Refused) -> None:
    location = rows.location(rows.variant(), b"a")
    rows.listed(location, "autov2", "aabbccdd")
    with refused("claim_long_enough"):
        rows.listed(location, "crc32", "aabbcc")


def test_a_source_lists_one_digest_of_an_algorithm(refused: Refused) -> None:
    location = rows.location(rows.variant(), b"a")
    rows.listed(location, "sha256", "aa" * 32)
    with refused("claim_once_per_source"):
        rows.listed(location, "sha256", "bb" * 32)
    rows.listed(location, "sha256", "bb" * 32, source="header")


def test_a_component_is_known_once_under_a_version(refused: Refused) -> None:
    variant = rows.variant()
    for version in ("weights:v1", "weights:v2"):
        Component.objects.create(variant=variant, name="unet", algorithm=version, tensors=1, values=1)
    with refused("component_once_per_version"):
        Component.objects.create(variant=variant, name="unet", algorithm="weights:v1", tensors=1, values=1)


def test_what_a_row_says_of_itself() -> None:
    variant = rows.variant()
    rows.hashes(variant, {"crc32": "aabbccdd"})
    assert str(variant.hashes.get()) == "crc32:aabbccdd"
    claim = rows.listed(rows.location(variant, b"a"), "crc32", "aabbccdd")
    assert str(claim) == "crc32:aabbccdd"
