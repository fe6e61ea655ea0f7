"""The kernel's way and the walk part by part give the same answers."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from catalog.storage.beneath import Beneath, LinkLeavesError

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture(scope="module")
def tree(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Folders a/b with a file, and links of every sort."""
    top = tmp_path_factory.mktemp("beneath")
    (top / "a" / "b").mkdir(parents=True)
    (top / "a" / "b" / "f").write_bytes(b"f")
    (top / "f").write_bytes(b"top")
    for name, target in {
        "up": "..",
        "self": ".",
        "down": "a/b",
        "a/back": "../a/b/f",
        "a/b/top": "../..",
        "a/out": "../../..",
        "a/loop": "loop",
        "a/far": "/usr",
        "home": str(top / "a"),
    }.items():
        (top / name).symlink_to(target)
    return top


parts = st.sampled_from(["a", "b", "f", "..", ".", "up", "self", "down", "back", "top", "out", "loop", "far", "home"])


@given(path=st.lists(parts, min_size=1, max_size=7).map(lambda names: "/".join(names).encode()))
@settings(max_examples=400)
def test_both_ways_agree_with_each_other_and_with_realpath(tree: Path, path: bytes) -> None:
    ours, kernels = _answer(tree, path, kernel=False), _answer(tree, path, kernel=True)
    assert ours == kernels
    if isinstance(ours, tuple):
        real = os.path.realpath(os.path.join(os.fsencode(tree), path))
        assert os.path.samestat(os.stat(real), os.stat(os.path.join(os.fsencode(tree), ours[0])))
        assert real == os.fsencode(tree) or real.startswith(os.fsencode(tree) + b"/")


def _answer(tree: Path, path: bytes, *, kernel: bool) -> tuple[bytes, int] | str:
    descriptor = os.open(tree, os.O_PATH)
    try:
        beneath = Beneath(descriptor, (os.fsencode(tree),))
        beneath.kernel = kernel
        opened = beneath.open(path, os.O_PATH)
        try:
            real, found = beneath.resolve(path)
            assert os.path.samestat(os.fstat(opened), found)
            return real, found.st_ino
        finally:
            os.close(opened)
    except LinkLeavesError:
        return "leaves"
    except OSError as error:
        return os.strerror(error.errno or 0)
    finally:
        os.close(descriptor)


def test_a_path_without_links_refuses_them(tree: Path) -> None:
    descriptor = os.open(tree, os.O_PATH)
    try:
        for kernel in (True, False):
            beneath = Beneath(descriptor, (os.fsencode(tree),))
            beneath.kernel = kernel
            with pytest.raises(OSError, match="Too many levels"):
                beneath.open(b"down/f", os.O_RDONLY, links=False)
            os.close(beneath.open(b"a/b/f", os.O_RDONLY, links=False))
    finally:
        os.close(descriptor)
