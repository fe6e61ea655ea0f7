"""The name git gives to a file."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from catalog.hashing.base import Plan
from catalog.hashing.engine import digest_file
from catalog.hashing.git import LIMIT

if TYPE_CHECKING:
    from tests.hashing.conftest import Opener


def test_a_blob_has_its_git_name(opened: Opener) -> None:
    digests = digest_file(opened(b"Hello, World!"), Plan()).digests
    assert digests["git-sha1"].hex() == "b45ef6fec89518d314f546fd6c3025367b721684"


@pytest.mark.parametrize(("size", "known"), [(LIMIT - 1, True), (LIMIT, False)])
def test_files_from_10_mib_on_have_none(opened: Opener, size: int, known: bool) -> None:
    plan = Plan(frozenset({"git-sha1", "crc32"}))
    assert ("git-sha1" in digest_file(opened(bytes(size)), plan).digests) is known
