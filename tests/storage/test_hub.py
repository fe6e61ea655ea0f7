"""Names in a cache of Hugging Face, and the notes of a download from there."""

from __future__ import annotations

import json
import os
from typing import TYPE_CHECKING

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from catalog.storage import hub
from catalog.storage.root import Root
from tests.builders import write_tree
from tests.builders.stores import COMMIT, OLDER, digest_of, tree_list
from tests.builders.stores import hub as cached

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

FOLDER = b"models--org--name"
CONTENT = b"weights"
_LEAF = st.none() | st.booleans() | st.integers() | st.sampled_from(["", "x", "1" * 40, "2" * 64, "*" * 64, "\ud800"])
_KEYS = st.sampled_from(["size", "blob_id", "lfs_sha256", "lfs_size", "xet_hash"])
FILES = st.dictionaries(st.text(max_size=5), _LEAF | st.dictionaries(_KEYS, _LEAF), max_size=5)


@pytest.fixture
def root(tmp_path: Path) -> Iterator[Root]:
    with Root(os.fsencode(tmp_path)) as opened:
        yield opened


@pytest.mark.parametrize(
    ("path", "wanted"),
    [
        (f"hub/models--org--name/snapshots/{COMMIT}/a/b.bin", ("org/name", "hub/models--org--name", COMMIT, "a/b.bin")),
        (f"models--gpt2/snapshots/{COMMIT}", ("gpt2", "models--gpt2", COMMIT, "")),
        ("models--org--a--b/blobs/" + "1" * 64, ("org/a--b", "models--org--a--b", "", "")),
        ("models--org--name/snapshots/main/x", ("org/name", "models--org--name", "", "")),
        ("models--org--../x", None),
        ("models--/x", None),
        ("models--a b/x", None),
        ("datasets--org--name/snapshots/x", None),
        ("spaces--org--name/blobs/x", None),
        ("models/a.safetensors", None),
    ],
)
def test_a_path_says_repository_and_commit(path: str, wanted: tuple[str, str, str, str] | None) -> None:
    found = hub.spot(path.encode())

    if wanted is None:
        assert found is None
    else:
        repository, folder, commit, below = wanted
        assert found == (repository, folder.encode(), commit.encode(), below.encode())


def test_names_lead_to_commits_and_those_come_first(tmp_path: Path, root: Root) -> None:
    cached(tmp_path, "org/name", {OLDER: {"a.bin": CONTENT}, COMMIT: {"a.bin": CONTENT}}, refs={"pr/1": OLDER})

    assert hub.revisions(root, FOLDER) == ((OLDER.encode(), COMMIT.encode()), {OLDER.encode(): ("pr/1",)})


def test_names_that_lead_nowhere_name_nothing(tmp_path: Path, root: Root) -> None:
    refs = {"a": "../../../etc/passwd", "b": "", "c": "x" * 4_000_000, "d": COMMIT + "\n"}
    folder = cached(tmp_path, "org/name", {COMMIT: {"a.bin": CONTENT}}, refs=refs)
    (folder / "refs" / "loop").symlink_to("loop")
    (folder / "refs" / "out").symlink_to("/etc/hostname")

    assert hub.revisions(root, FOLDER).names == {COMMIT.encode(): ("d",)}


def test_ten_thousand_snapshots_are_cut_to_the_first(tmp_path: Path, root: Root) -> None:
    folder = tmp_path / "models--org--name" / "snapshots"
    folder.mkdir(parents=True)
    for number in range(10_000):
        (folder / f"{number:040x}").mkdir()

    assert len(hub.revisions(root, FOLDER).commits) == 64


def test_the_same_file_is_found_in_other_snapshots(tmp_path: Path, root: Root) -> None:
    third = "c" * 40
    cached(
        tmp_path,
        "org/name",
        {COMMIT: {"a.bin": CONTENT}, OLDER: {"a.bin": CONTENT}, third: {"a.bin": b"other"}},
    )
    here = FOLDER + b"/snapshots/" + COMMIT.encode() + b"/a.bin"
    commits = hub.revisions(root, FOLDER).commits

    found = hub.commits_with(root, FOLDER, commits, {b"a.bin": root.look(here).ino})
    assert found == [COMMIT.encode(), OLDER.encode()]


def test_a_link_says_the_name_of_its_blob(tmp_path: Path, root: Root) -> None:
    cached(tmp_path, "org/name", {COMMIT: {"a.bin": CONTENT, "config.json": b"{}"}})
    snapshot = FOLDER + b"/snapshots/" + COMMIT.encode()

    assert hub.digest_of_blob(root, snapshot + b"/a.bin") == digest_of("a.bin", CONTENT)
    assert hub.digest_of_blob(root, snapshot + b"/config.json") == digest_of("config.json", b"{}")
    blob = FOLDER + b"/blobs/" + digest_of("a.bin", CONTENT).encode()
    assert hub.digest_of_blob(root, blob) == digest_of("a.bin", CONTENT)


@pytest.mark.parametrize("target", ["../../blobs/not-a-digest", "../../../models--o--other/blobs/" + "1" * 64, "gone"])
def test_a_link_to_anything_else_says_nothing(tmp_path: Path, root: Root, target: str) -> None:
    place = tmp_path / "models--org--name" / "snapshots" / COMMIT / "a.bin"
    place.parent.mkdir(parents=True)
    place.symlink_to(target)
    for name in ("models--org--name/blobs/not-a-digest", "models--o--other/blobs/" + "1" * 64):
        write_tree(tmp_path, {name: b"x"})

    assert hub.digest_of_blob(root, os.fsencode(place.relative_to(tmp_path))) == ""


def test_a_list_of_the_commit_says_the_digests(tmp_path: Path, root: Root) -> None:
    files = {"a.bin": CONTENT, "sub/config.json": b"{}"}
    write_tree(tmp_path, {f"models--org--name/trees/{COMMIT}.json": tree_list(files).encode()})

    assert hub.tree(root, FOLDER, COMMIT.encode()) == {
        b"a.bin": (7, digest_of("a.bin", CONTENT)),
        b"sub/config.json": (2, digest_of("sub/config.json", b"{}")),
    }


@pytest.mark.parametrize(
    "text",
    [
        "", "[]", "{", "[" * 100_000, '{"format_version": 1}', '{"format_version": 1, "files": []}',
        json.dumps({"format_version": 2, "files": {"a": {"size": 1, "blob_id": "a" * 40}}}),
    ],
)  # fmt: skip
def test_a_list_that_is_none_says_nothing(tmp_path: Path, root: Root, text: str) -> None:
    write_tree(tmp_path, {f"models--org--name/trees/{COMMIT}.json": text.encode()})

    assert hub.tree(root, FOLDER, COMMIT.encode()) == {}


@settings(max_examples=60, deadline=None)
@given(FILES)
def test_a_list_may_hold_anything(tmp_path_factory: pytest.TempPathFactory, files: object) -> None:
    folder = tmp_path_factory.getbasetemp() / "cache"
    text = json.dumps({"format_version": 1, "files": files})
    write_tree(folder, {f"models--org--name/trees/{COMMIT}.json": text.encode()})
    with Root(os.fsencode(folder)) as root:
        assert all(len(digits) in (0, 40, 64) for _, digits in hub.tree(root, FOLDER, COMMIT.encode()).values())


def test_entries_of_other_types_have_no_digest(tmp_path: Path, root: Root) -> None:
    files = {"a": {"size": "1", "blob_id": 7}, "b": {"size": 1, "blob_id": "*" * 40}, "c": None}
    text = json.dumps({"format_version": 1, "files": files})
    write_tree(tmp_path, {f"models--org--name/trees/{COMMIT}.json": text.encode()})

    assert hub.tree(root, FOLDER, COMMIT.encode()) == {b"a": (-1, ""), b"b": (1, "")}


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        (f"{COMMIT}\n{'1' * 64}\n100.5\n", "1" * 64),
        (f"{COMMIT}\n{'1' * 40}\n99.1\n", "1" * 40),
        (f"{COMMIT}\n{'1' * 64}\n98\n", ""),  # written to since
        (f"{COMMIT}\n{'1' * 63}\n100\n", ""),
        (f"{COMMIT}\n{'1' * 64}\nnan\n", ""),
        (f"{COMMIT}\n{'1' * 64}\nsoon\n", ""),
        (f"{COMMIT}\n{'1' * 64}", ""),
        (f"main\n{'1' * 64}\n100\n", ""),
        ("", ""),
        ("x" * 9999, ""),
    ],
)
def test_a_download_leaves_its_digest(tmp_path: Path, root: Root, text: str, wanted: str) -> None:
    write_tree(tmp_path, {"in/.cache/huggingface/download/sub/a.bin.metadata": text.encode()})

    assert hub.has_downloads(root, b"in")
    assert not hub.has_downloads(root, b"")
    assert hub.downloaded(root, b"in", b"sub/a.bin", 100.0) == wanted
