"""Snapshots compare by what a write would change; paths print whatever their bytes."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from catalog.storage.values import Snapshot, shown

NOW = Snapshot(1, 2, 3, 4, 5, 6)


@pytest.mark.parametrize("field", ["dev", "ino", "size", "mtime_ns", "ctime_ns"])
def test_each_of_the_five_facts_counts(field: str) -> None:
    assert not NOW.same_moment(NOW._replace(**{field: 99}))


def test_the_number_of_links_does_not_count() -> None:
    assert NOW.same_moment(NOW._replace(links=1))


@given(path=st.binary(max_size=40))
def test_any_path_can_be_shown_and_stored(path: bytes) -> None:
    text = shown(path)
    assert "\0" not in text
    text.encode("utf-8")
