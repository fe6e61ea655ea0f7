"""Which files of a library a walk takes, and how it counts the rest."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from catalog.errors import LibraryOffline
from catalog.storage.root import Root
from catalog.storage.values import Snapshot
from catalog.storage.walk import Walk, WalkRules, walk
from catalog.vocabulary import SkipReason
from tests.builders import write_tree
from tests.builders.opens import opened_files

if TYPE_CHECKING:
    from collections.abc import Iterator


def _walk(place: Path, rules: WalkRules | None = None) -> Walk:
    with Root(os.fsencode(place)) as root:
        return walk(root, rules)


def _paths(found: Walk) -> list[bytes]:
    return [entry.path for entry in found.entries]


def _taken(place: Path, *names: str, rules: WalkRules | None = None) -> list[str]:
    write_tree(place, dict.fromkeys(names, b"x"))
    return [os.fsdecode(path) for path in _paths(_walk(place, rules))]


def test_weights_and_what_goes_with_them_are_taken_in_order(tmp_path: Path) -> None:
    assert _taken(
        tmp_path, "b.safetensors", "a/model.GGUF", "a/config.json", "a/tokenizer.model", "a/README.md", "a/b.png"
    ) == ["a/config.json", "a/model.GGUF", "a/tokenizer.model", "b.safetensors"]


def test_an_entry_carries_the_stat_of_its_file(tmp_path: Path) -> None:
    write_tree(tmp_path, {"a.safetensors": b"12345"})
    (entry,) = _walk(tmp_path).entries
    assert entry.snapshot == Snapshot.of((tmp_path / "a.safetensors").stat())
    assert entry.real is None


def test_everything_passed_by_is_counted_with_its_reason(tmp_path: Path) -> None:
    names = ["a.png", "b.txt", "c", ".hidden.bin", ".gitattributes", "x.safetensors.part", "y.gguf.incomplete"]
    names += ["optimizer.pt", "rng_state_0.pth", "training_args.bin", "node_modules/m.bin", ".git/m.bin"]
    write_tree(tmp_path, dict.fromkeys(names, b"x"))
    found = _walk(tmp_path)
    assert found.entries == ()
    assert found.skipped == {
        SkipReason.NOT_A_MODEL: 3,
        SkipReason.HIDDEN: 2,
        SkipReason.PARTIAL: 2,
        SkipReason.TRAINING_STATE: 3,
        SkipReason.PRUNED_FOLDER: 2,
    }


@pytest.mark.parametrize(
    "folder",
    [
        ".git",
        "site-packages",
        "node_modules",
        "__pycache__",
        "outputs",
        "Output",
        ".Trash-1000",
        ".trash",
        ".cache/pip",
    ],
)
def test_folders_of_programs_caches_outputs_and_trash_are_not_entered(tmp_path: Path, folder: str) -> None:
    assert _taken(tmp_path, f"{folder}/m.safetensors", "kept/m.safetensors") == ["kept/m.safetensors"]


def test_an_environment_is_known_by_what_is_in_it(tmp_path: Path) -> None:
    assert _taken(tmp_path, "any name/pyvenv.cfg", "any name/lib/m.pth", "m.pth") == ["m.pth"]


def test_of_a_cache_only_its_stores_of_models_are_entered(tmp_path: Path) -> None:
    stored = ".cache/huggingface/hub/x.safetensors"
    assert _taken(tmp_path, stored, ".cache/torch/hub/y.pth", ".cache/browser/z.bin") == [
        stored,
        ".cache/torch/hub/y.pth",
    ]


def test_a_library_that_is_itself_a_pruned_name_is_walked(tmp_path: Path) -> None:
    assert _taken(tmp_path / "output", "m.safetensors", "sub/n.safetensors") == ["m.safetensors", "sub/n.safetensors"]


def test_in_a_folder_made_for_models_any_unknown_suffix_counts(tmp_path: Path) -> None:
    names = ["models/LoRA/odd.xyz", "models/LoRA/deep/odd.dat", "models/LoRA/notes.txt", "models/LoRA/put_here"]
    assert _taken(tmp_path, *names, "models/other/odd.xyz", "LoRA/odd.xyz") == [
        "models/LoRA/deep/odd.dat",
        "models/LoRA/odd.xyz",
    ]


def test_a_library_that_is_such_a_folder_knows_it(tmp_path: Path) -> None:
    assert _taken(tmp_path / "models" / "vae", "odd.xyz") == ["odd.xyz"]
    assert _taken(tmp_path / "second" / "models", "vae/odd.xyz") == ["vae/odd.xyz"]


def test_what_aria2_still_fetches_waits(tmp_path: Path) -> None:
    names = ["sub/big.safetensors", "sub/big.safetensors.aria2", "sub/done.safetensors"]
    assert _taken(tmp_path, *names) == ["sub/done.safetensors"]
    assert _walk(tmp_path).skipped[SkipReason.PARTIAL] == 2
    (tmp_path / "sub/big.safetensors.aria2").unlink()
    assert len(_walk(tmp_path).entries) == 2


def test_excluded_and_not_included_are_left_out(tmp_path: Path) -> None:
    rules = WalkRules(exclude=("old/", "*.ckpt"))
    assert _taken(tmp_path, "old/a.gguf", "a.ckpt", "b.gguf", "loras/c.pt", rules=rules) == ["b.gguf", "loras/c.pt"]
    found = _walk(tmp_path, WalkRules(include=("loras/",)))
    assert _paths(found) == [b"loras/c.pt"]
    assert found.skipped[SkipReason.NOT_INCLUDED] == 3


def test_the_ignore_file_of_the_library_is_obeyed(tmp_path: Path) -> None:
    (tmp_path / ".isotopeignore").write_text("# mine\nprivate/\n*.bin\n!keep.bin\n!outputs/\n")
    names = ["private/a.gguf", "sub/private/b.gguf", "x.bin", "keep.bin", "outputs/c.gguf"]
    assert _taken(tmp_path, *names) == ["keep.bin", "outputs/c.gguf"]
    assert _walk(tmp_path).skipped[SkipReason.EXCLUDED] == 3


def test_a_library_below_is_left_to_itself(tmp_path: Path) -> None:
    rules = WalkRules(nested=frozenset({b"other/deep"}))
    assert _taken(tmp_path, "other/deep/a.gguf", "other/deeper/b.gguf", rules=rules) == ["other/deeper/b.gguf"]
    assert _walk(tmp_path, rules).skipped == {SkipReason.OTHER_LIBRARY: 1}


def test_a_library_of_one_file_has_one_file_whatever_its_name(tmp_path: Path) -> None:
    assert _taken(tmp_path, "a.gguf", "strange", rules=WalkRules(only=b"strange")) == ["strange"]
    (tmp_path / "strange").unlink()
    gone = _walk(tmp_path, WalkRules(only=b"strange"))
    assert (gone.entries, gone.complete) == ((), True)


def test_a_part_is_walked_alone_and_says_what_it_covers(tmp_path: Path) -> None:
    assert _taken(tmp_path, "a/x.gguf", "b/y.gguf", rules=WalkRules(part=b"a/")) == ["a/x.gguf"]
    found = _walk(tmp_path, WalkRules(part=b"a"))
    assert (found.covers(b"a/gone.gguf"), found.covers(b"b/y.gguf"), found.covers(b"ab.gguf")) == (True, False, False)


def test_a_part_of_a_pipeline_is_the_pipeline(tmp_path: Path) -> None:
    rules = WalkRules(part=b"p/unet")
    names = ["p/model_index.json", "p/unet/x.safetensors", "p/vae/y.safetensors", "z.safetensors"]
    assert _taken(tmp_path, *names, rules=rules) == names[:3]


def test_pipes_and_sockets_named_like_models_are_told_apart(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    os.mkfifo(tmp_path / "p.safetensors")
    os.mkfifo(tmp_path / "unrelated")
    monkeypatch.chdir(tmp_path)  # socket paths are short
    with socket.socket(socket.AF_UNIX) as endpoint:
        endpoint.bind("s.gguf")
        assert _walk(tmp_path).odd == ((b"p.safetensors", "named pipe"), (b"s.gguf", "socket"))


def test_names_that_are_not_text_are_kept_byte_for_byte(tmp_path: Path) -> None:
    raw = os.fsencode(tmp_path) + b"/caf\xe9"
    os.mkdir(raw)
    with open(raw + b"/\xff\n.gguf", "wb") as file:
        file.write(b"x")
    assert _paths(_walk(tmp_path)) == [b"caf\xe9/\xff\n.gguf"]


def test_an_empty_library_was_seen_to_be_empty(tmp_path: Path) -> None:
    found = _walk(tmp_path)
    assert (found.seen, found.complete, found.root.ino) == (0, True, tmp_path.stat().st_ino)


def test_a_cancelled_walk_is_partial_and_proves_nothing_missing(tmp_path: Path) -> None:
    write_tree(tmp_path, {f"{n}/m.gguf": b"x" for n in range(9)})
    turns = iter(range(100))
    with Root(os.fsencode(tmp_path)) as root:
        found = walk(root, cancelled=lambda: next(turns) >= 4)
    assert len(found.entries) == 3
    assert found.broken_off
    assert not found.complete
    assert not found.covers(b"8/m.gguf")


def test_a_library_that_is_swapped_during_the_walk_proves_nothing_missing(tmp_path: Path) -> None:
    place = write_tree(tmp_path / "library", {"a/m.gguf": b"x"})

    def unmount() -> bool:
        if place.exists():
            place.rename(tmp_path / "aside")
        return False

    with Root(os.fsencode(place)) as root:
        assert walk(root, cancelled=unmount).broken_off


def test_a_folder_that_vanishes_during_the_walk_is_simply_absent(tmp_path: Path) -> None:
    write_tree(tmp_path, {"a/m.gguf": b"x", "b/m.gguf": b"x"})

    def remove() -> bool:
        for name in ("a", "b"):
            if (tmp_path / name).exists() and listed[0]:
                (tmp_path / name).rename(tmp_path.parent / f"{tmp_path.name}-{name}")
        listed[0] = True
        return False

    listed = [False]
    with Root(os.fsencode(tmp_path)) as root:
        found = walk(root, cancelled=remove)
    assert (found.entries, found.unreadable_folders, found.complete) == ((), (), True)


def test_a_library_that_is_gone_is_offline(tmp_path: Path) -> None:
    with pytest.raises(LibraryOffline):
        _walk(tmp_path / "none")


@pytest.fixture
def open_to_all() -> Iterator[Path]:
    """A folder whose path every user may walk, which pytest's own is not."""
    with tempfile.TemporaryDirectory(prefix="isotope-") as name:
        place = Path(name)
        place.chmod(0o755)
        yield place
        for folder in place.iterdir():
            folder.chmod(0o755)


def test_a_folder_that_may_not_be_listed_is_reported_and_the_rest_goes_on(open_to_all: Path) -> None:
    """In a child without rights, since the tests may run as root."""
    write_tree(open_to_all, {"closed/m.gguf": b"x", "dark/n.gguf": b"x", "open/o.gguf": b"x"})
    (open_to_all / "closed").chmod(0)
    (open_to_all / "dark").chmod(0o644)  # its names can be listed, its files not looked at
    answer = subprocess.run(
        [sys.executable, "-c", _AS_NOBODY, str(open_to_all)], capture_output=True, text=True, check=True, cwd=_TOP
    )
    assert answer.stdout.splitlines() == [
        "[b'open/o.gguf']",
        "[(b'closed', 'permission denied'), (b'dark', 'permission denied')]",
        "False False True",
    ]


_TOP = Path(__file__).parents[2]
_AS_NOBODY = """
import os, sys
from catalog.storage.root import Root
from catalog.storage.walk import walk
with Root(os.fsencode(sys.argv[1])) as root:
    if os.getuid() == 0:
        os.setgroups([]); os.setgid(65534); os.setuid(65534)
    found = walk(root)
print([entry.path for entry in found.entries])
print(list(found.unreadable_folders))
print(found.complete, found.covers(b"closed/m.gguf"), found.covers(b"open/gone.gguf"))
"""


def test_a_walk_opens_no_file(tmp_path: Path) -> None:
    write_tree(tmp_path, {"a.safetensors": b"x", "b/config.json": b"{}", "b/model.bin": b"x"})
    (tmp_path / "c.safetensors").symlink_to("b/model.bin")
    with opened_files(tmp_path, tmp_path / "b") as opened:
        found = _walk(tmp_path)
    assert len(found.entries) == 3
    assert opened == []
    with opened_files(tmp_path) as opened:
        (tmp_path / "a.safetensors").read_bytes()
    assert opened == ["a.safetensors"], "it would have been noticed"
