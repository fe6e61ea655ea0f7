"""Which files of a folder speak of a model in it, by their names."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from catalog.storage.beside import match
from catalog.storage.root import Root
from catalog.storage.walk import WalkRules, walk
from catalog.vocabulary import NoteKind
from tests.builders import write_tree

if TYPE_CHECKING:
    from pathlib import Path


def found(place: Path, *names: str, rules: WalkRules | None = None) -> dict[str, tuple[str, str]]:
    """Note -> its kind and whom it speaks of, in a folder with these files."""
    write_tree(place, dict.fromkeys(names, b"x"))
    with Root(os.fsencode(place)) as root:
        notes = walk(root, rules).notes
    return {os.fsdecode(note.entry.path): (note.kind.value, os.fsdecode(note.owner)) for note in notes}


def test_every_kind_is_known_by_its_end() -> None:
    names = {
        "a.civitai.info": NoteKind.CIVITAI_INFO,
        "a.cm-info.json": NoteKind.STABILITY_MATRIX,
        "a.metadata.json": NoteKind.LORA_MANAGER,
        "a.api_info.json": NoteKind.API_INFO,
        "a.json": NoteKind.USER_METADATA,
        "a.txt": NoteKind.TRIGGERS,
        "a.safetensors.sha256": NoteKind.SHA256,
        "a.sha256": NoteKind.SHA256,
        "a.preview.PNG": NoteKind.PICTURE,
        "a.webp": NoteKind.PICTURE,
    }
    matched = {one.name: one for one in match(names, weights=["a.safetensors"], folders=(), itself=None)}

    assert {name: one.kind for name, one in matched.items()} == names
    assert {one.owner for one in matched.values()} == {"a.safetensors"}


def test_of_two_files_with_one_stem_the_safer_is_meant() -> None:
    [one] = match(["a.json"], weights=["a.ckpt", "a.safetensors", "a.bin"], folders=(), itself=None)
    [other] = match(["a.ckpt.json"], weights=["a.ckpt", "a.safetensors"], folders=(), itself=None)

    assert (one.owner, other.owner) == ("a.safetensors", "a.ckpt")


def test_a_walk_finds_notes_in_the_folder_of_their_model_alone(tmp_path: Path) -> None:
    names = ["x/a.safetensors", "x/a.civitai.info", "x/b.civitai.info", "y/a.civitai.info", "x/a.png", "x/Thumbs.db"]

    assert found(tmp_path, *names) == {
        "x/a.civitai.info": ("civitai-info", "x/a.safetensors"),
        "x/a.png": ("picture", "x/a.safetensors"),
    }


def test_a_folder_is_spoken_of_from_beside_and_from_within(tmp_path: Path) -> None:
    names = ["m/config.json", "m/model.safetensors", "m/README.md", "m.civitai.info", "m/m.png", "other/README.md"]

    assert found(tmp_path, *names) == {
        "m.civitai.info": ("civitai-info", "m"),
        "m/README.md": ("model-card", "m"),
        "m/m.png": ("picture", "m"),
    }


def test_the_caches_of_a_program_lie_beside_its_models(tmp_path: Path) -> None:
    names = ["ui/models/a.safetensors", "ui/cache.json", "ui/cache/hashes/cache.db", "ui/cache/hashes-addnet/cache.db"]

    assert found(tmp_path, *names, "x/cache/hashes/cache.db") == {
        "ui/cache.json": ("a1111-cache", "ui"),
        "ui/cache/hashes-addnet/cache.db": ("a1111-database", "ui"),
        "ui/cache/hashes/cache.db": ("a1111-database", "ui"),
    }


def test_a_pipe_and_a_link_out_of_the_library_are_no_notes(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "a.civitai.info")
    (tmp_path / "a.json").symlink_to("/etc/hostname")

    assert found(tmp_path, "a.safetensors") == {}


def test_an_excluded_note_is_not_met(tmp_path: Path) -> None:
    assert found(tmp_path, "a.safetensors", "a.json", rules=WalkRules(exclude=("*.json",))) == {}


def test_of_a_file_taken_by_itself_only_its_own_notes_are_met(tmp_path: Path) -> None:
    write_tree(tmp_path, dict.fromkeys(["a.safetensors", "a.json", "b.safetensors", "b.json", "cache.json"], b"x"))
    with Root(os.fsencode(tmp_path)) as root:
        walked = walk(root, WalkRules(only=b"a.safetensors"))

    assert [note.entry.path for note in walked.notes] == [b"a.json"]
    assert (len(walked.entries), walked.seen, walked.skipped) == (1, 1, {})


def test_a_note_with_a_whole_name_speaks_of_that_very_file() -> None:
    [found] = match(["a.ckpt.sha256"], weights=["a.ckpt", "a.ckpt.safetensors"], folders=(), itself=None)
    assert found.owner == "a.ckpt"
