"""The digests of Civitai and A1111, by their own test data."""

from __future__ import annotations

import hashlib
import struct
from typing import TYPE_CHECKING

import pytest

from catalog.hashing.base import STANDARD, Plan
from catalog.hashing.civitai import scanner_body
from catalog.hashing.engine import digest_file
from catalog.hashing.notation import civitai

if TYPE_CHECKING:
    from tests.hashing.conftest import Opener

LORA_HEADER = b'{"__metadata__":{"ss_x":"1"},"a":{"dtype":"F32","shape":[2,3],"data_offsets":[0,24]}}   '
LORA = struct.pack("<Q", 88) + LORA_HEADER + struct.pack("<6f", *range(6))


def test_autov1_is_64_kib_at_1_mib(opened: Opener) -> None:
    data = bytes((i * 7 + 3) & 255 for i in range(256)) * 8192
    assert digest_file(opened(data), Plan()).digests["autov1"].hex() == "510b126e"


@pytest.mark.parametrize(("size", "known"), [(0x100000, False), (0x100001, True)])
def test_autov1_of_nothing_is_left_out(opened: Opener, size: int, known: bool) -> None:
    assert ("autov1" in digest_file(opened(bytes(size)), Plan()).digests) is known


def test_autov3_hashes_what_follows_the_header(opened: Opener) -> None:
    digests = digest_file(opened(LORA), Plan(body=96)).digests
    assert digests["autov3"].hex() == "e2c0a71510b5394df7773b63fb5f54372b84c3564e67811bde7d665be227976d"
    assert digests["sha256"].hex() == "e97a2e5d9ab2f8f072889c6a6667166fc754e1f48867dfd5929403212d7c7cc6"


def test_autov3_of_a_header_without_body_is_left_out(opened: Opener) -> None:
    assert "autov3" not in digest_file(opened(LORA[:96]), Plan(body=96)).digests


def test_autov3_of_other_formats_comes_only_on_request(opened: Opener) -> None:
    data = b"hello world"
    assert "autov3" not in digest_file(opened(data), Plan()).digests
    asked = digest_file(opened(data), Plan(body=scanner_body(data))).digests
    assert asked["autov3"].hex().startswith("85c76dcae229")
    assert asked["autov3"] == hashlib.sha256(b"rld").digest()


def test_the_scanner_skips_a_header_below_16_mib() -> None:
    assert scanner_body(struct.pack("<Q", 88)) == 96
    assert scanner_body(struct.pack("<Q", (16 << 20) - 1)) == (16 << 20) + 7
    assert scanner_body(struct.pack("<Q", 16 << 20)) == 8


def test_kohya_order_differs_from_the_order_in_the_file(opened: Opener) -> None:
    a, b, c, d = struct.pack("<2f", 1, 1), bytes(2), struct.pack("<f", 2), bytes(3)
    in_file, in_kohya_order = (
        digest_file(opened(bytes(8) + body), Plan(STANDARD, body=8)).digests["autov3"].hex()
        for body in (a + c + b + d, b + a + c + d)
    )
    assert in_file.startswith("c7811c12fe0ba7a3")
    assert in_kohya_order.startswith("c48667307f2c9b07")


def test_crc32_is_kept_big_endian_and_shown_little_endian(opened: Opener) -> None:
    digest = digest_file(opened(b"hello world"), Plan()).digests["crc32"]
    assert digest == (0x0D4A1185).to_bytes(4, "big")
    assert civitai("crc32", digest) == {"CRC32": "85114A0D"}
