"""Containers that hide what they hold: zip and tar archives in which two readers could see different things."""

from __future__ import annotations

import struct

import pytest

from catalog.vocabulary import Outcome
from tests.builders.pickles import Kept, pickled, torch_tar, torch_zip, zipped
from tests.formats.pickled import PAYLOAD, SOUND, STATE, probe, unsafe


@pytest.mark.parametrize("pax", [{"path": "elsewhere"}, {"size": "7"}, {"GNU.sparse.major": "1"}])
def test_a_tar_header_may_not_rename_or_resize(pax: dict[str, str]) -> None:
    assert "tar" in unsafe(torch_tar(STATE, pax=pax))


def test_bytes_behind_a_tar_are_unsafe() -> None:
    assert "behind" in unsafe(torch_tar(STATE) + pickled(PAYLOAD))


def directory(content: bytes) -> int:
    return int.from_bytes(content[-6:-2], "little")


def entry(content: bytes, name: bytes) -> int:
    """Where the directory's entry of a member begins."""
    return content.index(name, directory(content)) - 46


def patched(content: bytes, at: int, piece: bytes) -> bytes:
    return content[:at] + piece + content[at + len(piece) :]


PICKLE = b"archive/data.pkl"
LOCAL = SOUND.index(PICKLE) - 30
ENTRY = entry(SOUND, PICKLE)


@pytest.mark.parametrize(
    ("at", "piece"),
    [
        (ENTRY + 16, b"\x01\x02\x03\x04"),  # checksum
        (ENTRY + 8, b"\x01"),  # flags: encrypted
        (LOCAL + 6, b"\x01"),
        (ENTRY + 8, b"\x20"),  # a patch
        (LOCAL + 7, b"\x20"),  # masked
        (LOCAL + 30, b"archive/dada.pkl"),  # name
        (ENTRY + 46, b"archive/dada.pkl"),
        (ENTRY + 20, b"\x01\0\0\0"),  # packed size
        (ENTRY + 24, b"\x01\0\0\0"),  # size
        (LOCAL + 18, b"\x01\0\0\0"),
        (LOCAL + 22, b"\xff\0\0\0"),
        (LOCAL + 8, b"\x08"),  # method
        (ENTRY + 10, b"\x0c"),
        (ENTRY + 42, b"\x01\0\0\0"),  # place
        (ENTRY + 42, b"\xff\xff\xff\xff"),  # a large place that is not told
        (ENTRY + 34, b"\x01"),  # disk
        (len(SOUND) - 14, b"\x01"),  # number of members
        (len(SOUND) - 12, b"\x01\0"),
        (len(SOUND) - 10, b"\x20\0\0\0"),  # length of the directory
        (len(SOUND) - 6, b"\x20\0\0\0"),  # start of the directory
        (len(SOUND) - 18, b"\x01"),  # disk
    ],
)
def test_headers_that_disagree_are_unsafe(at: int, piece: bytes) -> None:
    unsafe(patched(SOUND, at, piece))


@pytest.mark.parametrize("both", [b"\x01\0", b"\x41\0", b"\x00\x20"])
def test_flags_are_unsafe_even_where_both_headers_have_them(both: bytes) -> None:
    unsafe(patched(patched(SOUND, LOCAL + 6, both), ENTRY + 8, both))


def test_a_pickle_that_is_called_a_folder_is_unsafe() -> None:
    """PyTorch reads no data of such a member, other readers do."""
    assert "folder" in unsafe(patched(SOUND, ENTRY + 38, b"\x10"))


def test_nothing_may_stand_before_between_or_behind() -> None:
    assert "behind" in unsafe(SOUND + b"\0")
    unsafe(SOUND + pickled(PAYLOAD))
    unsafe(SOUND[:-2] + b"\x05\0hello")
    start = directory(SOUND)
    inserted = SOUND[:start] + b"hidden" + SOUND[start:]
    unsafe(patched(inserted, len(inserted) - 6, struct.pack("<I", start + 6)))
    shifted = SOUND[:start] + SOUND[start:-6] + struct.pack("<I", start + 6) + SOUND[-2:]
    unsafe(shifted)


def test_a_pickle_before_a_zip_is_walked() -> None:
    unsafe(pickled(PAYLOAD) + SOUND)
    assert probe(pickled(None) + SOUND).outcome is Outcome.INVALID


def test_a_payload_before_any_container_is_seen_under_a_suffix_of_torch() -> None:
    assert "system" in unsafe(b"N0cos\nsystem\n(S'x'\ntR." + SOUND, b"m.bin")


@pytest.mark.parametrize(
    "name",
    ["data.PKL", "other.pkl", "data/0.pkl", "../x", "x/y", "data.pkl.bin", "data/../data.pkl", "code/x.py", "data/a"],
)
def test_members_that_pytorch_does_not_write_are_unsafe(name: str) -> None:
    unsafe(torch_zip(STATE, members={name: b"x"}))


def test_a_second_folder_or_pickle_is_unsafe() -> None:
    members = {"archive/data.pkl": pickled({}), "archive/version": b"3"}
    unsafe(zipped({**members, "other/data.pkl": pickled(PAYLOAD)}))
    unsafe(zipped({**members, "data.pkl": pickled(PAYLOAD)}))
    unsafe(zipped({**members, "archive/Data.pkl": pickled(PAYLOAD)}))
    unsafe(zipped({"archive/version": b"3", "archive/deep/data.pkl": pickled({})}), b"m.pt")


@pytest.mark.filterwarnings("ignore:Duplicate name")
def test_a_member_given_twice_is_unsafe() -> None:
    first = zipped({"archive/data.pkl": pickled({}), "archive/data.pkx": pickled(PAYLOAD)})
    assert "twice" in unsafe(first.replace(b"data.pkx", b"data.pkl"))


def test_members_that_share_bytes_are_unsafe() -> None:
    content = zipped({"archive/data.pkl": pickled({}), "archive/data/0": b"x"})
    at = entry(content, b"archive/data/0")
    unsafe(patched(content, at + 42, bytes(4)))


def test_a_zip_with_large_numbers_that_lie_is_unsafe() -> None:
    start, end = directory(SOUND), len(SOUND) - 22
    count = int.from_bytes(SOUND[-12:-10], "little")

    def large(length: int, begin: int) -> bytes:
        record = struct.pack("<4sQ2H2L4Q", b"PK\x06\x06", 44, 45, 45, 0, 0, count, count, length, begin)
        return SOUND[:end] + record + struct.pack("<4sLQL", b"PK\x06\x07", 0, end, 1) + SOUND[end:]

    assert probe(large(end - start, start)).outcome is Outcome.OK
    unsafe(large(end - start, start + 1))
    unsafe(large(end - start - 46, start + 46))


def test_checksums_may_be_left_out_of_all_members_but_not_of_one() -> None:
    content = SOUND
    unsafe(patched(patched(SOUND, ENTRY + 16, bytes(4)), LOCAL + 14, bytes(4)))
    at = directory(SOUND)
    while content[at : at + 4] == b"PK\x01\x02":
        names, extra = struct.unpack_from("<2H", content, at + 28)
        local = int.from_bytes(content[at + 42 : at + 46], "little")
        content = patched(patched(content, at + 16, bytes(4)), local + 14, bytes(4))
        at += 46 + names + extra
    assert probe(content).outcome is Outcome.OK


def test_a_compressed_pickle_of_another_size_is_unsafe() -> None:
    content = torch_zip(STATE, packed={PICKLE.decode()})
    at = entry(content, PICKLE)
    local = content.index(PICKLE) - 30
    size = struct.pack("<I", int.from_bytes(content[at + 24 : at + 28], "little") - 1)
    unsafe(patched(patched(content, at + 24, size), local + 22, size))


def test_a_compressed_bomb_is_not_unpacked() -> None:
    found = probe(torch_zip(STATE, members={"data.pkl": bytes(70 << 20)}, packed={PICKLE.decode()}))
    assert found.outcome is Outcome.INVALID


def test_only_storages_may_be_kept_outside() -> None:
    for key in (("file", "/etc/passwd"), "name", 7, ()):
        assert probe(torch_zip({"x": Kept(key)})).outcome is Outcome.INVALID
