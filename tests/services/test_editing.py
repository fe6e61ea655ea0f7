"""What a person says of a model, and forgetting it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from catalog.errors import Refused
from catalog.models import ExternalId, ModelRecord, Variant
from catalog.services.identity import deciding, editing
from catalog.vocabulary import Kind, NameSource
from tests import rows

if TYPE_CHECKING:
    from django.contrib.auth.models import User

pytestmark = pytest.mark.django_db


@pytest.fixture
def ada(django_user_model: type[User]) -> User:
    return django_user_model.objects.create_user("ada")


@pytest.fixture
def model() -> ModelRecord:
    return rows.variant("file stem").model


def test_an_edited_field_is_a_persons_and_the_model_is_touched(model: ModelRecord, ada: User) -> None:
    editing.edit(model=model, fields={"name": "  SDXL base ", "kind": "checkpoint"}, user=ada)
    model.refresh_from_db()
    assert (model.name, model.name_source, model.kind) == ("SDXL base", NameSource.PERSON, Kind.CHECKPOINT)
    assert model.edited == ["name", "kind"]
    assert model.touched


def test_what_stays_as_it_is_does_not_count_as_edited(model: ModelRecord, ada: User) -> None:
    editing.edit(model=model, fields={"name": "file stem", "notes": "", "tags": []}, user=ada)
    model.refresh_from_db()
    assert (model.edited, model.touched, model.name_source) == ([], False, NameSource.FILE)


def test_a_field_edited_twice_is_listed_once(model: ModelRecord, ada: User) -> None:
    editing.edit(model=model, fields={"notes": "one"}, user=ada)
    edited = editing.edit(model=model, fields={"notes": "two"}, user=ada)
    assert (edited.edited, edited.notes) == (["notes"], "two")


def test_editing_an_alias_edits_the_model_that_answers_for_it(model: ModelRecord, ada: User) -> None:
    alias = ModelRecord.objects.create(name="alias", merged_into=model)
    edited = editing.edit(model=alias, fields={"name": "new"}, user=ada)
    alias.refresh_from_db()
    assert (edited, edited.name, alias.name) == (model, "new", "alias")


@pytest.mark.parametrize(("text", "kept"), [("a\0b", "ab"), ("a\ud800b", "a?b"), (" é ", "é")])
def test_text_that_the_database_refuses_is_cleaned(model: ModelRecord, ada: User, text: str, kept: str) -> None:
    editing.edit(model=model, fields={"notes": text, "tags": [text]}, user=ada)
    model.refresh_from_db()
    assert (model.notes, model.tags) == (kept, [kept])


def test_tags_are_kept_once_whatever_their_case(model: ModelRecord, ada: User) -> None:
    edited = editing.edit(model=model, fields={"tags": ["Anime", "anime ", "", "two  words"]}, user=ada)
    assert edited.tags == ["Anime", "two words"]


def test_trigger_words_are_kept_as_tags_are(model: ModelRecord, ada: User) -> None:
    edited = editing.edit(model=model, fields={"trigger_words": ["a cat, sitting", "A Cat, sitting"]}, user=ada)
    assert (edited.trigger_words, edited.edited) == (["a cat, sitting"], ["trigger_words"])


@pytest.mark.parametrize(
    ("fields", "why"),
    [
        ({"id": "x"}, "cannot be edited"),
        ({"touched": False}, "cannot be edited"),
        ({"name": " \0"}, "cannot be empty"),
        ({"name": 7}, "is text"),
        ({"name": "x" * 1001}, "longer than 1,000"),
        ({"kind": "banana"}, "kind is one of"),
        ({"base": None}, "base is one of"),
        ({"tags": "anime"}, "list of texts"),
        ({"tags": [1]}, "list of texts"),
        ({"trigger_words": "a cat"}, "trigger words are a list of texts"),
        ({"trigger_words": ["x" * 1001]}, "a trigger word is longer"),
        ({"tags": [str(number) for number in range(201)]}, "at most 200"),
        ({"notes": "good", "kind": "banana"}, "kind is one of"),
    ],
)
def test_a_wrong_value_is_refused_and_changes_nothing(
    model: ModelRecord, ada: User, fields: dict[str, object], why: str
) -> None:
    with pytest.raises(Refused, match=why):
        editing.edit(model=model, fields=fields, user=ada)
    model.refresh_from_db()
    assert (model.name, model.notes, model.touched) == ("file stem", "", False)


def test_forgetting_clears_what_is_personal_and_keeps_the_id(model: ModelRecord, ada: User) -> None:
    mine = {"name": "Mine", "notes": "secret", "tags": ["secret"], "licence": "mine", "source": "me", "kind": "vae"}
    editing.edit(model=model, fields={**mine, "version_name": "one"}, user=ada)
    ExternalId.objects.create(scheme="civitai-model", value="1", model=model)
    variant = model.variants.get()
    rows.former_name(variant, b"x.safetensors")

    editing.forget(model)

    kept = ModelRecord.objects.get(pk=model.pk)
    assert (kept.name, kept.version_name, kept.notes, kept.tags, kept.licence, kept.source) == (
        editing.FORGOTTEN, "", "", [], "", "",
    )  # fmt: skip
    assert (kept.edited, kept.touched, kept.name_source, kept.number) == ([], False, NameSource.FILE, model.number)
    assert not ExternalId.objects.exists()
    assert Variant.objects.get().model == kept
    assert variant.former_names.count() == 1


def test_forgetting_clears_aliases_and_the_history_but_an_undo_still_works(model: ModelRecord, ada: User) -> None:
    other = rows.variant("other").model
    editing.edit(model=other, fields={"name": "Secret name", "notes": "secret note"}, user=ada)
    merged = deciding.merge(models=[other], into=model, user=ada)
    editing.forget(other)

    merged.refresh_from_db()
    assert "ecret" not in str(merged.before)
    assert not ModelRecord.objects.filter(name__contains="ecret").exists()
    assert not ModelRecord.objects.filter(notes__contains="ecret").exists()
    deciding.undo(decision=merged, user=ada)
    other.refresh_from_db()
    assert other.merged_into is None
    assert other.variants.count() == 1
