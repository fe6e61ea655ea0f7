"""HDF5 by its superblock, Keras in it by the names that Keras writes."""

from __future__ import annotations

import struct

import pytest

from catalog.formats import probe_file
from catalog.formats.sniffing import sniff
from catalog.vocabulary import FindingCode, Format, Outcome
from tests.builders import MemorySource


def superblock(version: int, end: int) -> bytes:
    """The first bytes of a file that ends at `end`."""
    head = b"\x89HDF\r\n\x1a\n" + bytes([version])
    if version >= 2:
        return head + bytes([8, 8, 0]) + struct.pack("<4Q", 0, (1 << 64) - 1, end, 48)
    more = struct.pack("<HHI", 4, 16, 0) + (struct.pack("<HH", 32, 0) if version == 1 else b"")
    return head + bytes([0, 0, 0, 0, 8, 8, 0]) + more + struct.pack("<4Q", 0, (1 << 64) - 1, end, (1 << 64) - 1)


@pytest.mark.parametrize("version", [0, 1, 2, 3])
@pytest.mark.parametrize("name", [b"a.h5", b"a.bin", b"a.safetensors"])
def test_it_is_known_by_its_first_bytes(version: int, name: bytes) -> None:
    assert sniff(MemorySource(superblock(version, 2000).ljust(2000, b"\0"), name)).format is Format.HDF5


@pytest.mark.parametrize("mark", [b"keras_version", b"layer_names", b"layers\0\0vars\0"])
def test_keras_is_told_by_the_names_it_writes(mark: bytes) -> None:
    guess = sniff(MemorySource((superblock(0, 40_000) + bytes(30_000) + mark).ljust(40_000, b"\0"), b"a.h5"))
    assert (guess.format, guess.title) == (Format.KERAS, "Keras in HDF5")


def test_weights_of_keras_are_told_by_their_name_too() -> None:
    assert sniff(MemorySource(superblock(3, 200).ljust(200, b"\0"), b"model.weights.h5")).format is Format.KERAS


@pytest.mark.parametrize("version", [0, 1, 2, 3])
def test_a_download_that_was_cut_off_is_truncated(version: int) -> None:
    probe = probe_file(MemorySource(superblock(version, 50_000).ljust(2000, b"\0"), b"a.h5"))
    assert (probe.outcome, probe.problems[0].code) == (Outcome.INVALID, FindingCode.TRUNCATED)


def test_a_block_of_the_users_own_may_stand_before() -> None:
    content = (bytes(range(128)) * 4 + superblock(0, 2000)).ljust(2512, b"\0")
    assert sniff(MemorySource(content, b"a.h5")).format is Format.HDF5


def test_an_unknown_end_is_no_truncation() -> None:
    probe = probe_file(MemorySource(superblock(0, (1 << 64) - 1), b"a.h5"))
    assert probe.format is Format.HDF5
    assert probe.problems[0].code is not FindingCode.TRUNCATED
