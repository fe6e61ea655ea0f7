"""Renames inside a library keep the variant, and no file is opened to know them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from catalog.models import FormerName, Location
from catalog.vocabulary import LocationState, Stage
from tests.builders.opens import opened_files

if TYPE_CHECKING:
    from tests.services.scanning.conftest import Scene


def test_a_renamed_file_keeps_its_variant_without_a_read(scene: Scene) -> None:
    path = scene.put("a.gguf")
    before = scene.known().at("a.gguf")
    (scene.folder / "deep").mkdir()
    path.rename(scene.folder / "deep/b.gguf")
    with opened_files(scene.folder, scene.folder / "deep") as opened:
        report = scene.scan()
    assert opened == []
    assert (report.moved, report.new, report.missing) == (1, 0, 0)
    after = scene.at("deep/b.gguf")
    assert (after.pk, after.variant, after.stage, after.state) == (
        before.pk,
        before.variant,
        Stage.NONE,
        LocationState.PRESENT,
    )
    file = after.files.get()
    assert (bytes(file.path), bytes(file.name)) == (b"deep/b.gguf", b"b.gguf")
    assert file.quick is not None
    assert file.file_id == before.files.get().file_id
    assert scene.scan().unchanged == 1


def test_both_names_are_remembered(scene: Scene) -> None:
    path = scene.put("a.gguf")
    variant = scene.known().at("a.gguf").variant
    path.rename(scene.folder / "b.gguf")
    scene.scan()
    (scene.folder / "b.gguf").rename(path)
    scene.scan()
    names = FormerName.objects.filter(variant=variant)
    assert sorted(names.values_list("path_text", "stem")) == [("a.gguf", "a"), ("b.gguf", "b")]


def test_what_has_no_variant_yet_moves_and_waits_on(scene: Scene) -> None:
    path = scene.put("a.gguf")
    scene.scan()
    path.rename(scene.folder / "b.gguf")
    assert scene.scan().moved == 1
    assert scene.at("b.gguf").stage == Stage.PROBE
    assert not FormerName.objects.exists()


def test_a_renamed_folder_moves_each_of_its_sets(scene: Scene) -> None:
    scene.put("m/config.json", "m/model.safetensors", "m/model.fp16.safetensors", "m/x/lone.gguf")
    variants = {place.set_name: place.variant for place in Location.objects.filter(library=scene.known().library)}
    (scene.folder / "m").rename(scene.folder / "n")
    report = scene.scan()
    assert (report.moved, report.new, report.missing) == (3, 0, 0)
    assert scene.at("n", "safetensors:fp16").variant == variants["safetensors:fp16"]
    assert scene.at("n", "safetensors").variant == variants["safetensors"]
    assert [bytes(file.path) for file in scene.at("n", "safetensors").files.order_by("position")] == [
        b"n/config.json",
        b"n/model.safetensors",
    ]


def test_two_files_that_change_their_names_change_their_places(scene: Scene) -> None:
    scene.put("a.gguf", "bb.gguf")
    variants = [place.variant for place in (scene.known().at("a.gguf"), scene.at("bb.gguf"))]
    (scene.folder / "a.gguf").rename(scene.folder / "aside")
    (scene.folder / "bb.gguf").rename(scene.folder / "a.gguf")
    (scene.folder / "aside").rename(scene.folder / "bb.gguf")
    assert scene.scan().moved == 2
    assert [scene.at("bb.gguf").variant, scene.at("a.gguf").variant] == variants


def test_what_is_written_where_a_renamed_file_was_is_new(scene: Scene) -> None:
    path = scene.put("a.gguf")
    variant = scene.known().at("a.gguf").variant
    path.rename(scene.folder / "old.gguf")
    scene.put("a.gguf", content=b"quite another model")
    report = scene.scan()
    assert (report.moved, report.new, report.edited) == (1, 1, 0)
    assert scene.at("old.gguf").variant == variant
    assert scene.at("a.gguf").variant is None


def test_a_file_renamed_onto_another_edits_that_one(scene: Scene) -> None:
    scene.put("a.gguf", "bb.gguf")
    scene.known()
    (scene.folder / "a.gguf").rename(scene.folder / "bb.gguf")
    report = scene.scan()
    assert (report.edited, report.missing, report.moved) == (1, 1, 0)
    assert scene.at("bb.gguf").state == LocationState.CHANGED
    assert scene.at("bb.gguf").stage == Stage.PROBE


def test_what_was_missing_is_found_again_under_another_name(scene: Scene) -> None:
    path = scene.put("a.gguf", "b.gguf")
    variant = scene.known().at("b.gguf").variant
    path.rename(scene.folder.parent / "aside")
    scene.scan()
    (scene.folder.parent / "aside").rename(scene.folder / "c.gguf")
    report = scene.scan()
    assert (report.moved, report.revived, report.new) == (1, 1, 0)
    assert (scene.at("c.gguf").variant, scene.at("c.gguf").state) == (variant, LocationState.PRESENT)


def test_a_copy_is_a_new_place(scene: Scene) -> None:
    path = scene.put("a.gguf")
    scene.known()
    (scene.folder / "b.gguf").write_bytes(path.read_bytes())
    report = scene.scan()
    assert (report.moved, report.new, report.unchanged) == (0, 1, 1)


def test_many_renames_at_once(scene: Scene) -> None:
    scene.put(*(f"m/{number}.gguf" for number in range(300)))
    scene.known()
    (scene.folder / "m").rename(scene.folder / "n")
    assert scene.scan().moved == 300
    assert scene.scan().unchanged == 300
    assert FormerName.objects.count() == 600
