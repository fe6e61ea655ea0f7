"""A link is a second name of its target inside the library; one that leaves is listed, never followed."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from catalog.storage.root import Root
from catalog.storage.walk import Walk, WalkRules, walk
from catalog.vocabulary import NoteKind, SkipReason
from tests.builders import write_tree

if TYPE_CHECKING:
    from pathlib import Path


def _walk(place: Path, rules: WalkRules | None = None) -> Walk:
    with Root(os.fsencode(place)) as root:
        return walk(root, rules)


def _entries(found: Walk) -> list[tuple[bytes, bytes | None]]:
    return [(entry.path, entry.real) for entry in found.entries]


def test_a_link_to_a_model_is_its_second_name(tmp_path: Path) -> None:
    write_tree(tmp_path, {"z/real.safetensors": b"x"})
    (tmp_path / "a.safetensors").symlink_to("z/real.safetensors")
    (tmp_path / "b.safetensors").symlink_to(tmp_path / "z/real.safetensors")
    found = _walk(tmp_path)
    assert _entries(found) == [(b"z/real.safetensors", None)]
    assert found.links == {b"a.safetensors": b"z/real.safetensors", b"b.safetensors": b"z/real.safetensors"}
    assert [twin.path for twin in found.twins] == [b"a.safetensors", b"b.safetensors"]


def test_a_blob_of_hugging_face_goes_by_its_first_link(tmp_path: Path) -> None:
    repository = tmp_path / "models--org--name"
    write_tree(
        repository, {"blobs/aa11": b"weights", "blobs/bb22": b"{}", "blobs/cc33.incomplete": b"", "refs/main": b"r1"}
    )
    for revision in ("r1", "r2"):
        place = repository / "snapshots" / revision
        place.mkdir(parents=True)
        (place / "model.safetensors").symlink_to("../../blobs/aa11")
        (place / "config.json").symlink_to("../../blobs/bb22")
        (place / "README.md").symlink_to("../../blobs/bb22")
    found = _walk(tmp_path)
    snapshots = b"models--org--name/snapshots"
    blob, text = b"models--org--name/blobs/aa11", b"models--org--name/blobs/bb22"
    assert _entries(found) == [
        (snapshots + b"/r1/config.json", text),
        (snapshots + b"/r1/model.safetensors", blob),
        (snapshots + b"/r2/config.json", text),
    ]
    assert found.links == {snapshots + b"/r2/model.safetensors": snapshots + b"/r1/model.safetensors"}
    assert found.entries[1].snapshot.size == len(b"weights")
    assert found.skipped == {SkipReason.NOT_A_MODEL: 1, SkipReason.PARTIAL: 1}, "the ref"
    cards = [(os.fsdecode(note.entry.path), note.kind, note.owner) for note in found.notes]
    assert [name for name, _, _ in cards] == [os.fsdecode(snapshots) + f"/{one}/README.md" for one in ("r1", "r2")]
    assert {kind for _, kind, _ in cards} == {NoteKind.MODEL_CARD}


def test_a_folder_is_not_entered_twice_and_loops_end(tmp_path: Path) -> None:
    write_tree(tmp_path, {"a/m.gguf": b"x"})
    (tmp_path / "again").symlink_to("a")
    (tmp_path / "a" / "up").symlink_to("..")
    (tmp_path / "circle").symlink_to("circle")
    found = _walk(tmp_path)
    assert _entries(found) == [(b"a/m.gguf", None)]
    assert found.links == {b"again": b"a", b"a/up": b""}
    assert found.skipped == {SkipReason.BROKEN_LINK: 1}


def test_links_that_leave_are_listed_with_their_target(tmp_path: Path) -> None:
    write_tree(tmp_path / "elsewhere", {"m.gguf": b"x", "notes.txt": b"x"})
    library = write_tree(tmp_path / "library", {"a/b.gguf": b"x"})
    (library / "loras").symlink_to("../elsewhere")
    (library / "a" / "m.gguf").symlink_to(tmp_path / "elsewhere" / "m.gguf")
    (library / "a" / "notes.txt").symlink_to("../../elsewhere/notes.txt")
    found = _walk(library)
    outside = os.fsencode(tmp_path / "elsewhere")
    assert _entries(found) == [(b"a/b.gguf", None)]
    assert found.leaving_links == ((b"a/m.gguf", outside + b"/m.gguf"), (b"loras", outside))


def test_a_link_to_nothing_is_counted(tmp_path: Path) -> None:
    (tmp_path / "gone.gguf").symlink_to("was/here.gguf")
    assert _walk(tmp_path).skipped == {SkipReason.BROKEN_LINK: 1}


def test_a_link_to_what_is_still_fetched_waits(tmp_path: Path) -> None:
    write_tree(tmp_path, {"x.part": b"x", "y.gguf": b"x", "y.gguf.aria2": b"x"})
    (tmp_path / "a.gguf").symlink_to("x.part")
    (tmp_path / "b.gguf").symlink_to("y.gguf")
    assert _entries(_walk(tmp_path)) == []


def test_a_link_to_a_pipe_is_odd(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "m.gguf").symlink_to("pipe")
    assert _walk(tmp_path).odd == ((b"m.gguf", "named pipe"),)


def test_a_link_into_a_library_below_belongs_to_that_library(tmp_path: Path) -> None:
    write_tree(tmp_path, {"other/blob": b"x"})
    (tmp_path / "m.gguf").symlink_to("other/blob")
    assert _entries(_walk(tmp_path, WalkRules(nested=frozenset({b"other"})))) == []


def test_an_excluded_link_is_left_out(tmp_path: Path) -> None:
    write_tree(tmp_path, {"blob": b"x"})
    (tmp_path / "m.gguf").symlink_to("blob")
    assert _entries(_walk(tmp_path, WalkRules(exclude=("m.*",)))) == []
