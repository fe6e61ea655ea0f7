"""A scan of a real folder: what is new, unchanged, edited and missing, and what it costs."""

from __future__ import annotations

import os
import threading
from typing import TYPE_CHECKING

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from catalog.errors import Busy, Cancelled, NotFound
from catalog.models import FormerName, Library, Location, LocationFile
from catalog.services import libraries, scanning
from catalog.services.scanning import rows, running, settling
from catalog.storage.keys import place_key
from catalog.vocabulary import LocationState, Outcome, SkipReason, Stage
from tests.builders.opens import opened_files

if TYPE_CHECKING:
    from pathlib import Path

    from tests.services.scanning.conftest import Scene


def test_new_files_wait_for_their_header_to_be_read(scene: Scene) -> None:
    scene.put("a.safetensors", "sub/b.gguf")
    report = scene.scan()
    assert (report.new, report.unchanged, report.complete) == (2, 0, True)
    location = scene.at("sub/b.gguf")
    assert (location.stage, location.state, location.outcome) == (Stage.PROBE, LocationState.PRESENT, Outcome.PENDING)
    assert bytes(location.path_key) == place_key(b"sub/b.gguf")
    file = location.files.get()
    stat = (scene.folder / "sub/b.gguf").stat()
    assert (file.size, file.mtime_ns, file.ctime_ns, file.ino) == (
        stat.st_size,
        stat.st_mtime_ns,
        stat.st_ctime_ns,
        stat.st_ino,
    )
    assert (bytes(file.path), bytes(file.name), file.role) == (b"sub/b.gguf", b"b.gguf", "weights")


def test_a_second_scan_opens_no_file_and_writes_nothing_but_a_stamp(scene: Scene) -> None:
    scene.put(*(f"{number // 10}/model-{number}.safetensors" for number in range(60)))
    scene.put("pipe/model_index.json", "pipe/unet/diffusion_pytorch_model.safetensors", "pipe/unet/config.json")
    scene.known()
    before = Library.objects.get(pk=scene.library.pk).last_scan_at
    folders = [path for path in scene.folder.rglob("*") if path.is_dir()]
    with opened_files(scene.folder, *folders) as opened, CaptureQueriesContext(connection) as statements:
        report = scene.scan()
    assert opened == []
    assert (report.unchanged, report.changed) == (61, False)
    assert len(statements) <= 5
    written = [one["sql"] for one in statements if not one["sql"].lstrip().startswith("SELECT")]
    assert len(written) == 1
    assert written[0].startswith('UPDATE "catalog_library"')
    after = Library.objects.get(pk=scene.library.pk).last_scan_at
    assert before is not None
    assert after is not None
    assert after > before


def test_a_folder_is_one_place_for_each_weight_set(scene: Scene) -> None:
    scene.put("m/config.json", "m/tokenizer.json", "m/model.safetensors", "m/model.fp16.safetensors")
    report = scene.scan()
    assert report.new == 2
    files = scene.at("m", "safetensors:fp16").files.order_by("position")
    assert [bytes(file.name) for file in files] == [b"config.json", b"model.fp16.safetensors", b"tokenizer.json"]
    assert [bytes(file.path) for file in files][1] == b"m/model.fp16.safetensors"
    assert scene.scan().unchanged == 2


def test_a_model_that_fills_the_folder_of_its_library_has_the_path_dot(scene: Scene) -> None:
    scene.put("config.json", "model.safetensors")
    scene.scan()
    assert bytes(scene.at(".", "safetensors").path) == b""
    assert scene.scan().unchanged == 1


def test_names_that_are_no_text_are_kept_as_bytes(scene: Scene) -> None:
    (scene.folder / os.fsdecode(b"caf\xe9\n.gguf")).write_bytes(b"x")
    assert scene.scan().new == 1
    location = Location.objects.get(library=scene.library)
    assert bytes(location.path) == b"caf\xe9\n.gguf"
    assert location.path_text == "caf\\xe9\n.gguf"
    assert scene.scan().unchanged == 1


def test_other_bytes_keep_the_variant_until_they_are_read(scene: Scene) -> None:
    scene.put("a.gguf")
    variant = scene.known().at("a.gguf").variant
    scene.put("a.gguf", content=b"longer than before")
    report = scene.scan()
    assert (report.edited, report.new, report.missing) == (1, 0, 0)
    location = scene.at("a.gguf")
    assert (location.state, location.stage, location.outcome) == (LocationState.CHANGED, Stage.PROBE, Outcome.PENDING)
    assert (location.variant, location.hashed_at, location.size) == (variant, None, 18)
    assert location.files.get().quick is None
    assert scene.scan().unchanged == 1


def test_another_time_alone_is_an_edit_too(scene: Scene) -> None:
    path = scene.put("a.gguf")
    scene.known()
    os.utime(path, ns=(0, path.stat().st_mtime_ns + 1))
    assert scene.scan().edited == 1


def test_an_edit_takes_the_file_from_whoever_reads_it(scene: Scene) -> None:
    scene.put("a.gguf")
    location = scene.known().at("a.gguf")
    location.lease, location.leased_until = "0" * 32, timezone.now()
    location.save()
    scene.put("a.gguf", content=b"longer than before")
    scene.scan()
    assert scene.at("a.gguf").lease is None


def test_a_file_that_comes_into_a_set_makes_the_set_another(scene: Scene) -> None:
    scene.put("m/config.json", "m/model.safetensors")
    scene.known()
    config = scene.at("m", "safetensors").files.get(name=b"config.json")
    scene.put("m/tokenizer.json")
    assert scene.scan().edited == 1
    files = scene.at("m", "safetensors").files
    assert files.count() == 3
    assert files.get(name=b"config.json").quick == config.quick, "what did not change need not be read for a quick id"


def test_what_is_gone_is_missing_and_its_variant_stays(scene: Scene) -> None:
    scene.put("a.gguf", "b.gguf")
    variant = scene.known().at("a.gguf").variant
    (scene.folder / "a.gguf").unlink()
    report = scene.scan()
    assert (report.missing, report.unchanged) == (1, 1)
    location = scene.at("a.gguf")
    assert (location.state, location.variant) == (LocationState.MISSING, variant)
    assert location.missing_since is not None
    assert scene.scan().missing == 0


def test_what_comes_back_as_it_was_is_there_again_without_a_read(scene: Scene) -> None:
    path = scene.put("a.gguf", "b.gguf")
    scene.known()
    path.rename(scene.folder.parent / "aside")
    scene.scan()
    (scene.folder.parent / "aside").rename(path)
    os.utime(path, ns=(0, path.stat().st_mtime_ns))
    report = scene.scan()
    assert report.revived == 1
    location = scene.at("b.gguf")
    assert (location.state, location.missing_since) == (LocationState.PRESENT, None)
    assert location.stage in {Stage.NONE, Stage.VERIFY}


def test_a_file_that_is_put_back_at_its_place_keeps_the_variant_until_it_is_read(scene: Scene) -> None:
    path = scene.put("a.gguf", "b.gguf")
    variant = scene.known().at("b.gguf").variant
    path.unlink()
    scene.scan()
    path.write_bytes(b"b.gguf")
    report = scene.scan()
    assert (report.edited, report.revived, report.new) == (1, 1, 0)
    location = scene.at("b.gguf")
    assert (location.state, location.stage, location.variant) == (LocationState.CHANGED, Stage.PROBE, variant)


def test_what_was_never_hashed_is_read_when_it_comes_back(scene: Scene) -> None:
    path = scene.put("a.gguf", "b.gguf")
    scene.scan()
    path.rename(scene.folder.parent / "aside")
    scene.scan()
    assert scene.at("b.gguf").stage == Stage.NONE
    (scene.folder.parent / "aside").rename(path)
    scene.scan()
    assert scene.at("b.gguf").stage == Stage.PROBE


@pytest.mark.parametrize("outcome", [Outcome.UNREADABLE, Outcome.CHANGED])
def test_what_could_not_be_read_is_tried_again(scene: Scene, outcome: Outcome) -> None:
    scene.put("a.gguf")
    scene.scan()
    Location.objects.update(outcome=outcome, stage=Stage.NONE)
    report = scene.scan()
    assert (report.unchanged, report.changed) == (1, False)
    assert scene.at("a.gguf").stage == Stage.PROBE


def test_files_that_share_their_size_go_first(scene: Scene, other: Scene) -> None:
    scene.put("a.gguf", content=b"12345")
    scene.scan()
    assert scene.at("a.gguf").priority == 2
    other.put("b.gguf", content=b"54321")
    other.put("c.gguf", content=b"1")
    other.scan()
    assert [scene.at("a.gguf").priority, other.at("b.gguf").priority, other.at("c.gguf").priority] == [1, 1, 2]


def test_a_part_is_scanned_alone(scene: Scene) -> None:
    scene.put("a/x.gguf", "b/y.gguf")
    scene.known()
    (scene.folder / "a/x.gguf").unlink()
    (scene.folder / "b/y.gguf").unlink()
    scene.put("a/new.gguf", "b/new.gguf")
    report = scene.scan(part=b"a")
    assert (report.new, report.missing) == (1, 1)
    assert scene.states() == {"a/x.gguf": "missing", "a/new.gguf": "present", "b/y.gguf": "present"}
    assert scene.scan().new == 1


def test_a_part_may_be_a_file_or_gone(scene: Scene) -> None:
    scene.put("a/x.gguf", "a/y.gguf", "b/z.gguf")
    assert scene.scan(part=b"a/x.gguf").new == 2
    (scene.folder / "a/x.gguf").unlink()
    (scene.folder / "a/y.gguf").unlink()
    (scene.folder / "a").rmdir()
    assert scene.scan(part=b"a").missing == 2
    assert scene.scan().new == 1


def test_a_library_limited_to_a_file_knows_that_file_alone(scene: Scene) -> None:
    path = scene.put("one/a.gguf", "one/b.gguf")
    libraries.remove(scene.library)
    limited = libraries.add(path=os.fsencode(path))
    assert scanning.scan(library_id=limited.pk).new == 1
    assert libraries.add(path=os.fsencode(path.with_name("a.gguf"))) == limited
    assert scanning.scan(library_id=limited.pk).new == 1
    path.unlink()
    assert scanning.scan(library_id=limited.pk).missing == 1
    assert libraries.add(path=os.fsencode(path.parent)).only is None


def test_a_library_inside_another_keeps_its_files(scene: Scene) -> None:
    scene.put("a.gguf", "inner/b.gguf")
    inner = Library.objects.create(
        name="inner", path=os.fsencode(scene.folder / "inner"), path_key=b"i" * 32, path_text="inner"
    )
    report = scene.scan()
    assert (report.new, report.skipped[SkipReason.OTHER_LIBRARY]) == (1, 1)
    assert scanning.scan(library_id=inner.pk).new == 1


def test_every_name_of_a_hard_link_is_a_place(scene: Scene) -> None:
    path = scene.put("a.gguf")
    (scene.folder / "b.gguf").hardlink_to(path)
    assert scene.scan().new == 2
    assert LocationFile.objects.values("dev", "ino").distinct().count() == 1


def test_a_link_inside_is_a_second_name_and_no_place(scene: Scene) -> None:
    scene.put("a.gguf")
    (scene.folder / "b.gguf").symlink_to("a.gguf")
    report = scene.scan()
    assert (report.new, report.links) == (1, 1)


def test_a_part_full_of_links_adds_no_second_place(scene: Scene) -> None:
    scene.put("blobs/0123", content=b"weights")
    for name in ("one", "two"):
        (scene.folder / name).mkdir()
        (scene.folder / name / "m.gguf").symlink_to("../blobs/0123")
    assert scene.scan().new == 1
    report = scene.scan(part=b"two")
    assert (report.new, report.missing) == (0, 0)
    assert scene.scan().changed is False


def test_a_cancelled_scan_writes_nothing(scene: Scene) -> None:
    scene.put("a/x.gguf", "b/y.gguf")
    seen: list[int] = []
    with pytest.raises(Cancelled):
        scanning.scan(library_id=scene.library.pk, progress=seen.append, cancelled=lambda: True)
    assert Location.objects.count() == 0
    scanning.scan(library_id=scene.library.pk, progress=seen.append)
    assert seen
    assert Location.objects.count() == 2


def test_a_removed_library_is_not_scanned(scene: Scene) -> None:
    libraries.remove(scene.library)
    with pytest.raises(NotFound):
        scene.scan()


def test_a_library_removed_while_it_is_scanned_stays_empty(scene: Scene, monkeypatch: pytest.MonkeyPatch) -> None:
    scene.put("a.gguf")
    monkeypatch.setattr(settling, "_let_time_pass", lambda result: libraries.remove(scene.library))
    with pytest.raises(NotFound):
        scene.scan()
    assert scene.states() == {}


def test_an_added_again_library_brings_its_models_back(scene: Scene) -> None:
    scene.put("a.gguf")
    variant = scene.known().at("a.gguf").variant
    libraries.remove(scene.library)
    assert scene.states() == {"a.gguf": "missing"}
    assert libraries.add(path=os.fsencode(scene.folder)) == scene.library
    assert scene.scan().revived == 1
    location = scene.at("a.gguf")
    assert (location.variant, location.state, location.stage) == (variant, LocationState.PRESENT, Stage.NONE)


def test_a_scan_that_is_cancelled_while_it_writes_is_finished_by_the_next(
    scene: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    scene.put(*(f"{number}.gguf" for number in range(7)))
    monkeypatch.setattr(rows, "BATCH", 2)
    monkeypatch.setattr(running, "_BETWEEN_WORDS", 0.0)
    with pytest.raises(Cancelled):
        scanning.scan(library_id=scene.library.pk, cancelled=Location.objects.exists)
    written = Location.objects.count()
    assert 0 < written < 7
    report = scene.scan()
    assert (report.new, report.unchanged) == (7 - written, written)


@pytest.mark.django_db(transaction=True)
def test_a_library_is_scanned_by_one_at_a_time(tmp_path: Path) -> None:
    (tmp_path / "m").mkdir()
    (tmp_path / "m/a.gguf").write_bytes(b"x")
    library = libraries.add(path=os.fsencode(tmp_path))
    refused: list[str] = []

    def second() -> None:
        try:
            scanning.scan(library_id=library.pk)
        except Busy as busy:
            refused.append(str(busy))
        finally:
            connection.close()

    def meanwhile() -> bool:
        thread = threading.Thread(target=second)
        thread.start()
        thread.join()
        return False

    assert scanning.scan(library_id=library.pk, cancelled=meanwhile).new == 1
    assert refused
    assert "already" in refused[0]
    assert scanning.scan(library_id=library.pk).unchanged == 1


def test_a_folder_that_a_tool_manages_is_left_to_it(scene: Scene) -> None:
    scene.put("models--org--name/snapshots/1a/model.gguf")
    Library.objects.update(read_only=False)
    scene.scan()
    library = Library.objects.get()
    assert (library.layout, library.managed, library.read_only) == ("huggingface", True, True)
    scene.put("own.gguf")
    scene.scan()
    library.refresh_from_db()
    assert (library.layout, library.managed) == ("", False)


def test_former_names_are_not_written_for_what_stays(scene: Scene) -> None:
    scene.put("a.gguf")
    scene.known()
    scene.scan()
    assert not FormerName.objects.exists()
