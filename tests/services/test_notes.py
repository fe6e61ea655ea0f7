"""What other programs wrote beside models, told to the models; read once, and again only when it changes."""

from __future__ import annotations

import hashlib
import json
import os
from typing import TYPE_CHECKING

import pytest
from django.conf import settings
from django.db import connection
from django.test.utils import CaptureQueriesContext

from catalog.models import ExternalId, Finding, HashClaim, Library, Location, ModelRecord, Note
from catalog.services import notes, reconciling, scanning
from catalog.services.identity.deciding import merge, undo
from catalog.services.identity.editing import edit, forget
from catalog.services.notes import waiting
from catalog.vocabulary import ClaimSource, FindingCode, NameSource, Stage
from tests.builders.opens import opened_files
from tests.identity.catalogue import add, answering_model, at, catalogue, hash_all, model, probe_all, put, scan
from tests.identity.catalogue import variant_at as variant

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = pytest.mark.django_db

INFO = {
    "id": 5,
    "modelId": 4,
    "name": "v2",
    "baseModel": "Pony",
    "trainedWords": ["mychar, smile"],
    "model": {"name": "A Character", "type": "LORA", "tags": ["anime"]},
}


def info(content: bytes = b"", **fields: object) -> bytes:
    """A sidecar of Civitai that lists the digests of these bytes."""
    hashes = {"SHA256": hashlib.sha256(content).hexdigest().upper()} if content else {}
    return json.dumps({**INFO, "files": [{"name": "any", "hashes": hashes}], **fields}).encode()


def read() -> notes.NotesReport:
    """All notes that wait."""
    total = notes.NotesReport()
    while (report := notes.read_waiting(queue=settings.QUEUE)).notes:
        total += report
    return total


def told(library: Library) -> notes.NotesReport:
    """The library is scanned, its headers and then its notes are read."""
    scan(library)
    probe_all()
    return read()


def model_at(library: Library, path: str) -> ModelRecord:
    """The model of a path, as it is now."""
    return ModelRecord.objects.get(pk=variant(library, path).model_id)


def open_notes() -> list[str]:
    """Places of open findings about notes."""
    rows = Finding.objects.filter(code=FindingCode.NOTE_UNREADABLE, cleared_at=None)
    return sorted(rows.values_list("place", flat=True))


def differing() -> list[str]:
    """What is listed in open findings about listed hashes."""
    rows = Finding.objects.filter(code=FindingCode.CLAIM_DIFFERS, cleared_at=None)
    return [row.params["listed"] for row in rows]


def test_a_sidecar_names_its_model_and_says_where_it_is_from(tmp_path: Path) -> None:
    put(tmp_path, "loras/a.safetensors", model(1))
    put(tmp_path, "loras/a.civitai.info", info(model(1)))
    library = add(tmp_path)

    assert told(library) == notes.NotesReport(notes=1, models=1)

    row = model_at(library, "loras/a.safetensors")
    assert (row.name, row.name_source, row.version_name) == ("A Character", NameSource.SIDECAR, "v2")
    assert (row.trigger_words, row.tags) == (["mychar", "smile"], ["anime", "Pony"])
    assert row.source == "https://civitai.com/models/4?modelVersionId=5"
    assert not row.touched
    ids = set(ExternalId.objects.values_list("scheme", "value", "model", "variant"))
    assert ids == {
        ("civitai-model", "4", row.pk, None),
        ("civitai-version", "5", None, variant(library, "loras/a.safetensors").pk),
    }
    claim = HashClaim.objects.get()
    assert (bytes(claim.digest), claim.source) == (hashlib.sha256(model(1)).digest(), ClaimSource.CIVITAI)


def test_an_unchanged_library_is_rescanned_without_opening_a_note(tmp_path: Path) -> None:
    for number in range(20):
        put(tmp_path, f"{number}.safetensors", model(number))
        put(tmp_path, f"{number}.civitai.info", info())
        put(tmp_path, f"{number}.preview.png", b"no picture")
    library = add(tmp_path)
    catalogue(library)
    read()

    with opened_files(tmp_path) as opened, CaptureQueriesContext(connection) as statements:
        report = scan(library)
    assert opened == []
    assert len(statements) <= 5
    assert (report.unchanged, report.changed) == (20, False)
    assert read().notes == 0


def test_only_what_changed_is_read_again(tmp_path: Path) -> None:
    for name in "ab":
        put(tmp_path, f"{name}.safetensors", model(ord(name)))
        put(tmp_path, f"{name}.civitai.info", info())
    library = add(tmp_path)
    told(library)
    put(tmp_path, "b.civitai.info", info(model={"name": "Another"}))

    with opened_files(tmp_path) as opened:
        scan(library)
        read()

    assert [name for name in opened if name.endswith(".info")] == ["b.civitai.info"]
    assert model_at(library, "b.safetensors").name == "Another"


def test_a_sidecar_that_comes_later_is_read_then(tmp_path: Path) -> None:
    put(tmp_path, "a.safetensors", model(1))
    library = add(tmp_path)
    catalogue(library)
    put(tmp_path, "a.civitai.info", info())

    assert told(library).models == 1
    assert model_at(library, "a.safetensors").name == "A Character"


def test_a_sidecar_that_goes_takes_nothing_along(tmp_path: Path) -> None:
    put(tmp_path, "a.safetensors", model(1))
    path = put(tmp_path, "a.civitai.info", b"broken")
    library = add(tmp_path)
    told(library)
    assert open_notes() == ["a.civitai.info"]
    put(tmp_path, "a.civitai.info", info())
    told(library)
    assert open_notes() == []
    path.unlink()
    scan(library)

    assert not Note.objects.exists()
    assert model_at(library, "a.safetensors").name == "A Character"


def test_what_a_person_said_survives(tmp_path: Path) -> None:
    put(tmp_path, "a.safetensors", model(1))
    library = add(tmp_path)
    catalogue(library)
    edit(
        model=model_at(library, "a.safetensors"),
        fields={"name": "Mine", "tags": ["mine"], "trigger_words": [], "notes": "mine"},
        user=None,
    )
    put(tmp_path, "a.civitai.info", info())
    put(tmp_path, "a.json", b'{"notes": "theirs", "activation text": "x"}')
    told(library)

    row = model_at(library, "a.safetensors")
    assert (row.name, row.name_source, row.tags, row.notes) == ("Mine", NameSource.PERSON, ["mine"], "mine")
    assert row.version_name == "v2", "nobody said otherwise"


def test_the_strongest_sidecar_counts_and_the_others_add_to_it(tmp_path: Path) -> None:
    put(tmp_path, "a.safetensors", model(1))
    put(tmp_path, "a.metadata.json", b'{"model_name": "Weaker", "tags": ["more"], "notes": "from the manager"}')
    put(tmp_path, "a.cm-info.json", b'{"ModelName": "Weakest", "VersionName": "v9"}')
    put(tmp_path, "a.json", b'{"notes": "from the card", "activation text": "SMILE, wink"}')
    put(tmp_path, "a.civitai.info", info())
    library = add(tmp_path)
    told(library)

    row = model_at(library, "a.safetensors")
    assert (row.name, row.version_name, row.notes) == ("A Character", "v2", "from the manager")
    assert row.tags == ["anime", "Pony", "more"]
    assert row.trigger_words == ["mychar", "smile", "wink"]

    put(tmp_path, "a.cm-info.json", b'{"ModelName": "Weakest still", "VersionName": "v10"}')
    told(library)
    assert model_at(library, "a.safetensors").name == "A Character", "who is weaker and later is weaker"


def test_markup_and_odd_characters_become_plain_text(tmp_path: Path) -> None:
    name = "<script>alert(1)</script>A &lt;img src=x onerror=alert(2)&gt;\0\u202eB"
    put(tmp_path, "a.safetensors", model(1))
    put(tmp_path, "a.civitai.info", info(model={"name": name, "tags": ["x" * 5000]}))
    library = add(tmp_path)
    told(library)

    row = model_at(library, "a.safetensors")
    assert row.name == "alert(1) A B"
    assert max(map(len, row.tags)) <= 500


@pytest.mark.parametrize(
    "content",
    [b"{", b"[]", b"[" * 100_000, b"\xff\xfe", b'{"x": "' + b"a" * 10_000_000 + b'"}'],
    ids=["cut", "list", "deep", "bytes", "10 MB"],
)
def test_a_broken_sidecar_is_a_finding_and_stops_no_other(tmp_path: Path, content: bytes) -> None:
    put(tmp_path, "a.safetensors", model(1))
    put(tmp_path, "a.civitai.info", content)
    put(tmp_path, "b.safetensors", model(2))
    put(tmp_path, "b.civitai.info", info())
    library = add(tmp_path)
    told(library)

    assert open_notes() == ["a.civitai.info"]
    assert model_at(library, "a.safetensors").name == "a"
    assert model_at(library, "b.safetensors").name == "A Character"
    assert read().notes == 0, "it is not tried again before it changes"


def test_a_sidecar_becomes_a_pipe_after_the_scan(tmp_path: Path) -> None:
    put(tmp_path, "a.safetensors", model(1))
    path = put(tmp_path, "a.civitai.info", info())
    library = add(tmp_path)
    scan(library)
    path.unlink()
    os.mkfifo(path)
    probe_all()
    read()

    assert open_notes() == ["a.civitai.info"]


def test_an_unreadable_sidecar_is_a_finding(tmp_path: Path) -> None:
    put(tmp_path, "a.safetensors", model(1))
    put(tmp_path, "a.json", b"{}")
    library = add(tmp_path)
    scan(library)
    (tmp_path / "a.json").unlink()
    (tmp_path / "a.json").symlink_to("/etc/hostname")
    probe_all()
    read()

    assert open_notes() == ["a.json"]


def test_notes_wait_for_the_header_of_their_model(tmp_path: Path) -> None:
    put(tmp_path, "a.safetensors", model(1))
    put(tmp_path, "a.civitai.info", info())
    library = add(tmp_path)
    scan(library)
    assert read().notes == 0
    probe_all()

    assert reconciling.reconcile(patience=0).queues == [settings.QUEUE]
    assert reconciling.waiting(settings.QUEUE, most=8)[0] >= 1
    assert read().notes == 1


def test_what_is_unread_is_sent_for_even_if_nothing_else_waits(tmp_path: Path) -> None:
    put(tmp_path, "a.safetensors", model(1))
    library = add(tmp_path)
    catalogue(library)
    assert reconciling.reconcile(patience=0).queues == []
    put(tmp_path, "a.civitai.info", info())
    scan(library)

    assert not Location.objects.exclude(stage=Stage.NONE).exists()
    assert reconciling.reconcile(patience=0).queues == [settings.QUEUE]
    assert reconciling.waiting(settings.QUEUE, most=8) == (1, 0)
    read()
    assert reconciling.waiting(settings.QUEUE, most=8) == (0, 0)


def test_more_notes_than_are_read_at_once_are_all_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(waiting, "TEXTS", 3)
    for number in range(8):
        put(tmp_path, f"{number}.safetensors", model(number))
        put(tmp_path, f"{number}.civitai.info", info())
    library = add(tmp_path)

    assert told(library).notes == 8
    assert not Note.objects.filter(read_at=None).exists()


def test_of_two_variants_the_first_to_name_their_model_goes_on_naming_it(tmp_path: Path) -> None:
    put(tmp_path, "a.safetensors", model(1))
    put(tmp_path, "b.safetensors", model(2))
    put(tmp_path, "a.civitai.info", info())
    library = add(tmp_path)
    told(library)
    merge(models=[model_at(library, "a.safetensors")], into=model_at(library, "b.safetensors"), user=None)
    assert model_at(library, "b.safetensors").name == "A Character"
    put(tmp_path, "b.civitai.info", info(model={"name": "B"}, name="v3", trainedWords=["more"]))
    told(library)

    row = model_at(library, "b.safetensors")
    assert (row.name, row.version_name) == ("A Character", "v2")
    assert row.trigger_words == ["mychar", "smile", "more"]

    put(tmp_path, "a.civitai.info", info(model={"name": "A Renamed Character"}))
    told(library)
    assert model_at(library, "b.safetensors").name == "A Renamed Character"


def test_a_duplicate_with_a_sidecar_names_the_model_that_stays(tmp_path: Path) -> None:
    put(tmp_path, "one/a.safetensors", model(1))
    library = add(tmp_path)
    catalogue(library)
    kept = model_at(library, "one/a.safetensors")
    put(tmp_path, "two/b.safetensors", model(1))
    put(tmp_path, "two/b.civitai.info", info())
    told(library)
    other = model_at(library, "two/b.safetensors")
    assert other.pk != kept.pk
    hash_all()

    assert answering_model(other) == kept
    row = model_at(library, "two/b.safetensors")
    assert (row.pk, row.name, row.name_source) == (kept.pk, "A Character", NameSource.SIDECAR)
    assert (row.version_name, row.trigger_words) == ("v2", ["mychar", "smile"])
    assert set(ExternalId.objects.filter(model=row).values_list("value", flat=True)) == {"4"}


def test_a_stronger_name_is_not_given_up_for_a_duplicates(tmp_path: Path) -> None:
    put(tmp_path, "one/a.safetensors", model(1))
    library = add(tmp_path)
    catalogue(library)
    edit(model=model_at(library, "one/a.safetensors"), fields={"name": "Mine"}, user=None)
    put(tmp_path, "two/b.safetensors", model(1))
    put(tmp_path, "two/b.civitai.info", info())
    told(library)
    hash_all()

    assert model_at(library, "two/b.safetensors").name == "Mine"


def test_an_undone_merge_gives_trigger_words_back(tmp_path: Path) -> None:
    for name, words in (("a", "one"), ("b", "two")):
        put(tmp_path, f"{name}.safetensors", model(ord(name)))
        put(tmp_path, f"{name}.json", json.dumps({"activation text": words}).encode())
    library = add(tmp_path)
    told(library)
    a, b = model_at(library, "a.safetensors"), model_at(library, "b.safetensors")
    decision = merge(models=[b], into=a, user=None)
    assert sorted(model_at(library, "a.safetensors").trigger_words) == ["one", "two"]
    undo(decision=decision, user=None)

    assert model_at(library, "a.safetensors").trigger_words == ["one"]
    assert model_at(library, "b.safetensors").trigger_words == ["two"]


def test_a_file_that_moves_with_its_sidecar_keeps_what_was_told(tmp_path: Path) -> None:
    put(tmp_path, "a.safetensors", model(1))
    put(tmp_path, "a.civitai.info", info(model(1)))
    library = add(tmp_path)
    catalogue(library)
    read()
    before = model_at(library, "a.safetensors").pk
    (tmp_path / "sub").mkdir()
    for name in ("a.safetensors", "a.civitai.info"):
        (tmp_path / name).rename(tmp_path / "sub" / name)
    catalogue(library)
    read()

    row = model_at(library, "sub/a.safetensors")
    assert (row.pk, row.name) == (before, "A Character")
    assert [bytes(note.path) for note in Note.objects.all()] == [b"sub/a.civitai.info"]
    assert HashClaim.objects.get().location == at(library, "sub/a.safetensors")


def test_other_bytes_at_the_place_of_a_sidecar_are_told_anew(tmp_path: Path) -> None:
    put(tmp_path, "a.safetensors", model(1))
    put(tmp_path, "a.civitai.info", info())
    library = add(tmp_path)
    catalogue(library)
    read()
    before = model_at(library, "a.safetensors").pk
    put(tmp_path, "a.safetensors", model(2))
    catalogue(library)
    read()

    row = model_at(library, "a.safetensors")
    assert row.pk != before
    assert row.name == "A Character"


def test_a_forgotten_model_keeps_nothing_of_its_sidecar(tmp_path: Path) -> None:
    put(tmp_path, "a.safetensors", model(1))
    put(tmp_path, "a.civitai.info", info())
    library = add(tmp_path)
    told(library)
    row = forget(model_at(library, "a.safetensors"))

    assert (row.trigger_words, row.tags, row.source) == ([], [], "")
    assert not ExternalId.objects.filter(model=row).exists()


def test_a_listed_hash_that_is_wrong_is_a_finding_until_it_is_right(tmp_path: Path) -> None:
    put(tmp_path, "a.safetensors", model(1))
    put(tmp_path, "a.safetensors.sha256", b"ab" * 32)
    library = add(tmp_path)
    told(library)
    assert differing() == [], "nothing is computed yet"
    hash_all()
    assert differing() == ["ab" * 32]
    put(tmp_path, "a.safetensors.sha256", hashlib.sha256(model(1)).hexdigest().encode())
    told(library)

    assert differing() == []


def test_a_hash_that_is_listed_after_the_hashing_is_compared_too(tmp_path: Path) -> None:
    put(tmp_path, "a.safetensors", model(1))
    library = add(tmp_path)
    catalogue(library)
    put(tmp_path, "a.civitai.info", info(b"another file"))
    told(library)

    assert differing() == [hashlib.sha256(b"another file").hexdigest()]


def test_of_several_files_the_one_of_this_name_is_meant(tmp_path: Path) -> None:
    put(tmp_path, "a.safetensors", model(1))
    files = [
        {"name": "b.safetensors", "hashes": {"AutoV2": "AB" * 5}},
        {"name": "A.safetensors", "hashes": {"AutoV2": hashlib.sha256(model(1)).hexdigest()[:10]}},
    ]
    put(tmp_path, "a.civitai.info", info(files=files))
    library = add(tmp_path)
    catalogue(library)
    read()

    assert bytes(HashClaim.objects.get().digest) == hashlib.sha256(model(1)).digest()[:5]
    assert differing() == []


def test_a_shard_set_is_told_by_the_sidecar_of_its_first_shard(tmp_path: Path) -> None:
    for number in (1, 2):
        put(tmp_path, f"m-0000{number}-of-00002.safetensors", model(number))
    put(tmp_path, "m-00001-of-00002.civitai.info", info())
    put(tmp_path, "m-00002-of-00002.safetensors.sha256", hashlib.sha256(model(2)).hexdigest().encode())
    library = add(tmp_path)
    catalogue(library)
    read()

    assert model_at(library, "m-00001-of-00002.safetensors").name == "A Character"
    claim = HashClaim.objects.select_related("file").get()
    assert claim.file is not None
    assert bytes(claim.file.path) == b"m-00002-of-00002.safetensors"
    assert differing() == []


def test_a_model_card_speaks_of_every_set_in_its_folder(tmp_path: Path) -> None:
    put(tmp_path, "m/config.json", b"{}")
    put(tmp_path, "m/model.safetensors", model(1))
    put(tmp_path, "m/model.fp16.safetensors", model(2))
    put(tmp_path, "m/README.md", b"---\nlicense: apache-2.0\ntags:\n- tiny\n---\n")
    library = add(tmp_path)
    told(library)

    rows = ModelRecord.objects.filter(merged_into=None)
    assert [(row.licence, row.tags) for row in rows] == [("apache-2.0", ["tiny"])] * 2


def test_a1111s_cache_lists_the_digests_of_files_of_that_very_time(tmp_path: Path) -> None:
    put(tmp_path, "models/Stable-diffusion/sub/x.safetensors", model(1))
    put(tmp_path, "models/Lora/y.safetensors", model(2))
    put(tmp_path, "models/Lora/z.safetensors", model(3))
    made = {name: (tmp_path / "models" / name).stat().st_mtime for name in ("Lora/y.safetensors", "Lora/z.safetensors")}
    checkpoint = (tmp_path / "models/Stable-diffusion/sub/x.safetensors").stat().st_mtime
    sha256 = hashlib.sha256(model(1)).hexdigest()
    lines = {
        "hashes": {"checkpoint/sub\\x.safetensors": {"mtime": checkpoint, "sha256": sha256}},
        "hashes-addnet": {
            "lora/y": {"mtime": made["Lora/y.safetensors"], "sha256": "cd" * 32},
            "lora/z": {"mtime": made["Lora/z.safetensors"] - 1, "sha256": "ef" * 32},
        },
    }
    put(tmp_path, "cache.json", json.dumps(lines).encode())
    library = add(tmp_path)
    assert told(library).listed == 2
    found = set(HashClaim.objects.values_list("location__path_text", "algorithm", "source"))
    assert found == {
        ("models/Stable-diffusion/sub/x.safetensors", "sha256", "a1111"),
        ("models/Lora/y.safetensors", "autov3", "a1111"),
    }
    hash_all()
    assert differing() == ["cd" * 32]

    put(tmp_path, "cache.json", b"{}")
    told(library)
    assert not HashClaim.objects.exists()
    assert differing() == []


def test_the_notes_of_a_part_are_seen_to_by_a_scan_of_that_part(tmp_path: Path) -> None:
    for folder in ("x", "y"):
        put(tmp_path, f"{folder}/a.safetensors", model(ord(folder)))
        put(tmp_path, f"{folder}/a.civitai.info", info())
    library = add(tmp_path)
    told(library)
    (tmp_path / "x/a.civitai.info").unlink()
    (tmp_path / "y/a.civitai.info").unlink()
    scanning.scan(library_id=library.pk, part=b"x")

    assert [bytes(note.path) for note in Note.objects.all()] == [b"y/a.civitai.info"]
    scan(library)
    assert not Note.objects.exists()
