"""What notes tell the models that they lie beside, and what they leave alone."""

from __future__ import annotations

import hashlib
import json
from typing import TYPE_CHECKING

import pytest

from catalog.models import ExternalId, HashClaim, ModelRecord, Note
from catalog.services import notes
from catalog.services.identity.deciding import merge, undo
from catalog.services.identity.editing import edit, forget
from catalog.vocabulary import ClaimSource, LocationState, NameSource
from tests.identity.catalogue import add, answering_model, at, catalogue, hash_all, model, put
from tests.identity.catalogue import variant_at as variant
from tests.services.notes.scene import info, model_at, read, told

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = pytest.mark.django_db


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
    put(tmp_path, "a.civitai.info", info(model={"name": name, "tags": ["x" * 101, "y, z"]}))
    library = add(tmp_path)
    told(library)

    row = model_at(library, "a.safetensors")
    assert row.name == "alert(1) A B"
    assert row.tags == ["y", "z", "Pony"]
    edit(model=row, fields={"tags": row.tags, "notes": "what is kept can be saved again"}, user=None)


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


def test_a_model_card_speaks_of_every_set_in_its_folder(tmp_path: Path) -> None:
    put(tmp_path, "m/config.json", b"{}")
    put(tmp_path, "m/model.safetensors", model(1))
    put(tmp_path, "m/model.fp16.safetensors", model(2))
    put(tmp_path, "m/README.md", b"---\nlicense: apache-2.0\ntags:\n- tiny\n---\n")
    library = add(tmp_path)
    told(library)

    rows = ModelRecord.objects.filter(merged_into=None)
    assert [(row.licence, row.tags) for row in rows] == [("apache-2.0", ["tiny"])] * 2


def test_the_card_of_a_revision_speaks_of_all_files_in_it(tmp_path: Path) -> None:
    """As a cache of Hugging Face has them: links into blobs, and folders below."""
    home = "models--owner--name"
    for number, name in enumerate(("a.safetensors", "deep/b.safetensors", "README.md")):
        card = b"---\nlicense: mit\n---\n"
        put(tmp_path, f"{home}/blobs/{number}", card if name == "README.md" else model(number))
        link = tmp_path / home / "snapshots" / ("ab" * 20) / name
        link.parent.mkdir(parents=True, exist_ok=True)
        link.symlink_to(tmp_path / home / "blobs" / str(number))
    put(tmp_path, "other.safetensors", model(9))
    put(tmp_path, "README.md", card)
    library = add(tmp_path)
    told(library)

    rows = ModelRecord.objects.filter(merged_into=None).values_list("variants__locations__path_text", "licence")
    assert {path.rpartition("/")[2]: licence for path, licence in rows} == {
        "a.safetensors": "mit",
        "b.safetensors": "mit",
        "other.safetensors": "",
    }


def test_a_card_that_changes_leaves_what_others_list_alone(tmp_path: Path) -> None:
    put(tmp_path, "m/config.json", b"{}")
    put(tmp_path, "m/model.safetensors", model(1))
    put(tmp_path, "m/model.fp16.safetensors", model(2))
    for name, number in (("model", 1), ("model.fp16", 2)):
        put(tmp_path, f"m/{name}.safetensors.sha256", hashlib.sha256(model(number)).hexdigest().encode())
    put(tmp_path, "m/README.md", b"---\ntags:\n- one\n---\n")
    library = add(tmp_path)
    told(library)
    before = set(HashClaim.objects.values_list("pk", flat=True))
    assert len(before) == 2
    put(tmp_path, "m/README.md", b"---\ntags:\n- two\n---\n")
    told(library)

    assert set(HashClaim.objects.values_list("pk", flat=True)) == before
    assert [row.tags for row in ModelRecord.objects.all()] == [["one", "two"]] * 2


def test_what_lies_beside_one_file_of_a_revision_is_not_told_to_the_others(tmp_path: Path) -> None:
    folder = f"models--owner--name/snapshots/{'ab' * 20}"
    put(tmp_path, f"{folder}/a.safetensors", model(1))
    put(tmp_path, f"{folder}/a.civitai.info", info())
    put(tmp_path, f"{folder}/b.safetensors", model(2))
    put(tmp_path, f"{folder}/README.md", b"---\nlicense: mit\n---\n")
    library = add(tmp_path)
    told(library)

    other = model_at(library, f"{folder}/b.safetensors")
    assert model_at(library, f"{folder}/a.safetensors").name == "A Character"
    assert (other.name, other.trigger_words, other.licence) == ("owner/name", [], "mit")


def test_all_that_speaks_of_a_folder_is_told_to_every_set_in_it(tmp_path: Path) -> None:
    put(tmp_path, "m/config.json", b"{}")
    put(tmp_path, "m/model.safetensors", model(1))
    put(tmp_path, "m/model.fp16.safetensors", model(2))
    put(tmp_path, "m/README.md", b"---\nlicense: apache-2.0\n---\n")
    put(tmp_path, "m.civitai.info", info())
    library = add(tmp_path)
    told(library)

    rows = ModelRecord.objects.filter(merged_into=None)
    assert [(row.licence, row.name) for row in rows] == [("apache-2.0", "A Character")] * 2


def test_a_note_beside_a_file_that_became_part_of_a_set_speaks_of_the_set(tmp_path: Path) -> None:
    put(tmp_path, "m/model.safetensors", model(1))
    put(tmp_path, "m/model.civitai.info", info())
    library = add(tmp_path)
    catalogue(library)
    put(tmp_path, "m/config.json", b"{}")
    put(tmp_path, "m/model.civitai.info", info(model={"name": "Another"}))
    catalogue(library)
    read()

    note = Note.objects.get()
    assert note.location is not None
    assert (note.location.state, note.read_at is None) == (LocationState.PRESENT, False)
