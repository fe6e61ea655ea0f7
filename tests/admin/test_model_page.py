"""The page of one model, and what can be changed there."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING
from uuid import uuid4

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from catalog.models import Location, Match, ModelHash, ModelRecord, Variant
from tests import rows

if TYPE_CHECKING:
    from django.test import Client

pytestmark = pytest.mark.django_db


def _text(page: str) -> str:
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", page))


def test_it_answers_what_this_is(boss: Client, catalogue: list[ModelRecord]) -> None:
    flux = catalogue[1]
    page = boss.get(f"/models/{flux.pk}/").content.decode()
    text = _text(page)
    first = flux.variants.order_by("number")[0]
    for row in ModelHash.objects.filter(variant=first):
        assert bytes(row.digest).hex() in text
    sha = bytes(ModelHash.objects.get(variant=first, algorithm="sha256").digest).hex()
    crc = bytes(ModelHash.objects.get(variant=first, algorithm="crc32").digest)
    wanted = (
        str(flux.pk), flux.short_id, "the file name", "Diffusion model", "FLUX.1", f" {sha[:10]} ", "start of SHA-256",
        crc[::-1].hex().upper(), "Joined by itself", "diffusion-model/flux_1-bf16.safetensors", "240 tensors", "unet",
        "Civitai version", "computed, listed by Civitai", "listed in the header as b7f8d1a02c40", "Hugging Face cache",
    )  # fmt: skip
    for words in wanted:
        assert words in text, words
    assert "None" not in text
    assert not re.search(r"\d{7,}", re.sub(r"[0-9a-fA-F]{8,}|\d{4}-|v-\w+", "", text)), "a raw count of bytes"


def test_the_id_of_a_merged_model_leads_to_what_it_became(boss: Client, catalogue: list[ModelRecord]) -> None:
    alias = ModelRecord.objects.get(name="flux1-dev (converted)")
    answer = boss.get(f"/models/{alias.pk}/")
    assert answer.status_code == 302
    assert answer["Location"] == f"/models/{catalogue[1].pk}/"


def test_the_id_of_a_variant_leads_to_its_place_on_the_page(boss: Client, catalogue: list[ModelRecord]) -> None:
    variant = catalogue[1].variants.order_by("number")[2]
    answer = boss.get(f"/variants/{variant.pk}/")
    assert answer["Location"] == f"/models/{catalogue[1].pk}/#v-{variant.short_id}"
    assert f'id="v-{variant.short_id}"' in boss.get(f"/models/{catalogue[1].pk}/").content.decode()


def test_unknown_ids_are_not_found(boss: Client) -> None:
    for address in (
        f"/models/{uuid4()}/",
        f"/variants/{uuid4()}/",
        f"/variants/{uuid4()}/tensors/",
        f"/jobs/{uuid4()}/",
    ):
        assert boss.get(address).status_code == 404


def test_the_page_costs_the_same_for_few_and_many_variants(boss: Client, catalogue: list[ModelRecord]) -> None:
    model = catalogue[5]
    few = _statements(boss, f"/models/{model.pk}/")
    for number in range(20):
        made = rows.variant(f"v{number}", model=model)
        rows.location(made, f"many/{number}.safetensors".encode())
        rows.hashes(made, {"sha256": f"{number:064x}"})
    many = _statements(boss, f"/models/{model.pk}/")
    assert few <= many <= min(20, few + 1)


def test_a_remembered_model_says_that_it_is_not_on_disk(boss: Client, catalogue: list[ModelRecord]) -> None:
    text = _text(boss.get(f"/models/{catalogue[6].pk}/").content.decode())
    assert "Not on disk." in text
    assert "Earlier files" in text
    assert "lora/lcm_lora_sdxl-fp16.safetensors" in text


def test_a_name_that_it_still_has_is_no_former_name(boss: Client, catalogue: list[ModelRecord]) -> None:
    assert "Earlier files" not in boss.get(f"/models/{catalogue[5].pk}/").content.decode()


def test_everything_of_a_strangers_is_text(boss: Client, catalogue: list[ModelRecord]) -> None:
    odd = catalogue[-1]
    odd.notes, odd.tags, odd.source = "<img src=x onerror=y>", ["<b>"], "javascript:alert(1)"
    odd.save()
    page = boss.get(f"/models/{odd.pk}/").content.decode()
    assert "<script>alert" not in page
    assert "<img" not in page
    assert 'href="javascript' not in page
    tensors = boss.get(f"/variants/{odd.variants.get().pk}/tensors/").content.decode()
    assert "<b>bold" not in tensors


def test_tensors_come_a_page_at_a_time(boss: Client, catalogue: list[ModelRecord]) -> None:
    variant = catalogue[1].variants.order_by("number")[0]
    first = boss.get(f"/variants/{variant.pk}/tensors/").content.decode()
    assert first.count("input_blocks") == 100
    assert "320 \N{MULTIPLICATION SIGN} 320" in first
    last = boss.get(f"/variants/{variant.pk}/tensors/", {"page": "99"}).content.decode()
    assert last.count("input_blocks") == 40
    assert "Page 3 of 3" in last


def test_what_a_person_sets_is_kept_as_set_by_a_person(boss: Client, catalogue: list[ModelRecord]) -> None:
    model = catalogue[2]
    given = {"name": "Dreams", "version_name": "8", "kind": "lora", "base": "sdxl", "tags": "art, style,art, ",
             "licence": "MIT", "source": "here", "notes": "mine"}  # fmt: skip
    answer = boss.post(f"/models/{model.pk}/edit/", given)
    assert answer["Location"] == f"/models/{model.pk}/"
    model.refresh_from_db()
    assert (model.name, model.name_source, model.kind, model.tags) == ("Dreams", "person", "lora", ["art", "style"])
    assert model.touched
    assert "Saved: Dreams 8." in boss.get(answer["Location"]).content.decode()


def test_only_what_may_be_edited_is_taken(boss: Client, catalogue: list[ModelRecord]) -> None:
    model, other = catalogue[2], catalogue[3]
    given = {"name": model.name, "kind": model.kind, "base": model.base, "number": "1", "merged_into": str(other.pk)}
    boss.post(f"/models/{model.pk}/edit/", {**given, "id": str(uuid4()), "touched": "on"})
    fresh = ModelRecord.objects.get(pk=model.pk)
    assert (fresh.number, fresh.merged_into) == (model.number, None)


def test_a_kind_that_does_not_exist_is_refused(boss: Client, catalogue: list[ModelRecord]) -> None:
    model = catalogue[2]
    answer = boss.post(f"/models/{model.pk}/edit/", {"name": "x", "kind": "spaceship", "base": "sdxl"})
    assert answer.status_code == 200
    assert ModelRecord.objects.get(pk=model.pk).name == model.name


def test_forgetting_asks_first_and_keeps_the_id(boss: Client, catalogue: list[ModelRecord]) -> None:
    model = catalogue[2]
    assert boss.get(f"/models/{model.pk}/forget/").status_code == 200
    assert ModelRecord.objects.get(pk=model.pk).name == "DreamShaper 8"
    boss.post(f"/models/{model.pk}/forget/")
    assert ModelRecord.objects.get(pk=model.pk).name != "DreamShaper 8"
    assert boss.get(f"/models/{model.pk}/").status_code == 200


def test_a_variant_without_a_place_or_a_hash_is_shown_in_words(boss: Client, catalogue: list[ModelRecord]) -> None:
    model = ModelRecord.objects.create(name="bare")
    bare = Variant.objects.create(model=model, format="other", precision="unknown")
    text = _text(boss.get(f"/models/{model.pk}/").content.decode())
    assert bare.short_id in text
    assert "None" not in text


def test_a_place_that_waits_says_for_what(boss: Client, catalogue: list[ModelRecord]) -> None:
    Location.objects.filter(variant__model=catalogue[5]).update(stage="hash", hashed_at=None)
    assert "to be hashed" in boss.get(f"/models/{catalogue[5].pk}/").content.decode()


def _statements(client: Client, address: str) -> int:
    with CaptureQueriesContext(connection) as seen:
        assert client.get(address).status_code == 200
    return len(seen)


def _twins(catalogue: list[ModelRecord]) -> tuple[ModelRecord, ModelRecord, Match]:
    """Two models of the catalogue that a comparison found to have the same tensors."""
    one, other = catalogue[5], catalogue[9]
    left, right = sorted((one.variants.get(), other.variants.get()), key=lambda row: row.pk)
    match = Match.objects.create(
        left=left, right=right, relation="same_tensors", certainty="proven", algorithm="tensors:v1"
    )
    return one, other, match


def test_two_models_can_be_made_one_and_two_again(boss: Client, catalogue: list[ModelRecord]) -> None:
    one, other, match = _twins(catalogue)
    assert "is the same model" in boss.get(f"/models/{one.pk}/").content.decode()
    boss.post(f"/relations/{match.pk}/decide/", {"verdict": "same"})
    assert boss.get(f"/models/{other.pk}/")["Location"] == f"/models/{one.pk}/"
    page = boss.get(f"/models/{one.pk}/").content.decode()
    assert "Merged with" in _text(page)
    assert "boss" in _text(page)
    undo = re.findall(r'action="(/decisions/\d+/undo/)"', page)[0]
    assert "Undone." in _text(boss.post(undo, follow=True).content.decode())
    assert boss.get(f"/models/{other.pk}/").status_code == 200


def test_what_was_decided_to_differ_is_not_merged(boss: Client, catalogue: list[ModelRecord]) -> None:
    _one, other, match = _twins(catalogue)
    boss.post(f"/relations/{match.pk}/decide/", {"verdict": "not"})
    answer = boss.post(f"/relations/{match.pk}/decide/", {"verdict": "same"}, follow=True)
    assert "Undo that first if it was wrong" in _text(answer.content.decode())
    assert boss.get(f"/models/{other.pk}/").status_code == 200
