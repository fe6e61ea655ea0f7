"""The directory of a zip archive."""

from __future__ import annotations

import zipfile
from io import BytesIO

import pytest
from hypothesis import given
from hypothesis import strategies as st

from catalog.formats import zip_names
from tests.builders import MemorySource
from tests.builders.zips import zipped

FILES = {"a.txt": b"one" * 50, "folder/b": b"", "ü": b"two"}


@pytest.mark.parametrize("packed", [False, True])
@pytest.mark.parametrize("before", [b"", b"a program" * 999])
def test_every_member_is_found(packed: bool, before: bytes) -> None:
    found = zip_names.members(MemorySource(before + zipped(FILES, packed=packed)))
    assert found is not None
    assert [(member.name.decode(), member.size) for member in found] == [(k, len(v)) for k, v in FILES.items()]


@pytest.mark.parametrize("packed", [False, True])
def test_the_content_of_a_member_is_read(packed: bool) -> None:
    source = MemorySource(zipped(FILES, packed=packed))
    for member, expected in zip(zip_names.members(source) or (), FILES.values(), strict=True):
        assert zip_names.content(source, member, 1000) == expected
        assert zip_names.content(source, member, 2) is None or expected == b""


def test_an_archive_of_the_large_kind_is_read() -> None:
    content = BytesIO()
    with zipfile.ZipFile(content, "w") as archive:
        for number in range(70_000):  # more than the small directory can count
            archive.writestr(zipfile.ZipInfo(f"{number}"), b"")
    assert len(zip_names.members(MemorySource(content.getvalue())) or ()) == 70_000


@pytest.mark.parametrize("content", [b"", b"PK", b"PK\x05\x06", zipped(FILES)[:-23], bytes(70_000)])
def test_what_has_no_directory_has_no_members(content: bytes) -> None:
    assert zip_names.members(MemorySource(content)) is None


@given(st.integers(0, 400), st.binary(min_size=1, max_size=8), st.booleans())
def test_a_damaged_archive_is_no_crash(at: int, piece: bytes, packed: bool) -> None:
    content = zipped(FILES, packed=packed)
    source = MemorySource(content[:at] + piece + content[at + len(piece) :])
    for member in zip_names.members(source) or ():
        zip_names.content(source, member, 1000)
