"""One look-up for every notation that is met in the wild."""

from __future__ import annotations

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from catalog.models import ExternalId, Location, Variant
from catalog.queries import lookup
from tests import rows

pytestmark = pytest.mark.django_db

SHA = "6ce0161689b3853acaa03779ec93eafe75a02f4ced659bee03f50797806fa2fa"
B3 = "ce3f0c5f3c05d119f4a5dcaf209b50d3149046a0d3a9adee9fed4c83cad6b4d0"


@pytest.fixture
def known() -> Variant:
    variant = rows.variant("sd-v1-5")
    rows.hashes(variant, {"sha256": SHA, "blake3": B3, "crc32": "0d4a1185", "autov1": "510b126e"})
    rows.location(variant, b"checkpoints/v1-5-pruned-emaonly.safetensors")
    return variant


@pytest.mark.parametrize(
    "text",
    [
        SHA,
        SHA.upper(),
        f"sha256:{SHA}",
        f"sha256-{SHA}",
        f"0x{SHA}",
        SHA[:10],
        SHA[:10].upper(),
        SHA[:8],
        SHA[:11],
        f"blake3:{B3}",
        B3[:9],
        "510b126e",
        "0d4a1185",
        "85114A0D",
        f"{SHA}  v1-5-pruned-emaonly.safetensors",
        "checkpoints/v1-5-pruned-emaonly.safetensors",
        "/models/checkpoints/v1-5-pruned-emaonly.safetensors",
        "v1-5-pruned",
        "SD-V1-5",
    ],
)
def test_every_notation_finds_the_variant(known: Variant, text: str) -> None:
    answer = lookup.find(text)

    assert {hit.variant or hit.model for hit in answer.hits} & {known.pk, known.model_id}


def test_a_prefix_says_how_many_digits_agree(known: Variant) -> None:
    hit = lookup.find(SHA[:10]).hits[0]

    assert (hit.algorithm, hit.matched, hit.of, hit.digest) == ("sha256", 10, 64, SHA)
    assert hit.file == "sd-v1-5.safetensors"
    assert hit.state == "present"
    assert hit.paths == ("/models/checkpoints/v1-5-pruned-emaonly.safetensors",)


def test_a_named_algorithm_excludes_the_others(known: Variant) -> None:
    assert not lookup.find(f"blake3:{SHA[:12]}").hits


def test_fewer_than_eight_digits_are_refused_with_a_sentence(known: Variant) -> None:
    answer = lookup.find(SHA[:7])

    assert not answer.hits
    assert "at least 8" in answer.note


def test_the_hash_of_nothing_names_no_file(known: Variant) -> None:
    answer = lookup.find("e3b0c44298fc")

    assert not answer.hits
    assert "no bytes" in answer.note


def test_a_listed_digest_is_found_by_its_prefix_and_by_a_longer_query() -> None:
    variant = rows.variant("lora")
    rows.listed(rows.location(variant, b"lora.safetensors"), "autov3", "e2c0a71510b5")

    for text in ("e2c0a71510", "e2c0a71510b5", "e2c0a71510b5394df7773b63fb5f54372b84c3564e67811bde7d665be227976d"):
        hit = lookup.find(text).hits[0]
        assert (hit.variant, hit.listed) == (variant.pk, True)


def test_a_listed_digest_that_was_computed_answers_once() -> None:
    variant = rows.variant("lora")
    place = rows.location(variant, b"lora.safetensors")
    rows.hashes(variant, {"sha256": "6ce01616" + "ab" * 28})
    rows.listed(place, "sha256", "6ce01616ab")

    [hit] = lookup.find("6ce01616ab").hits

    assert (hit.listed, hit.differs) == (False, False)


@pytest.mark.parametrize("algorithm", ["autov3", "modelspec.hash_sha256"])
def test_a_listed_digest_that_the_bytes_disprove_says_so(algorithm: str) -> None:
    variant = rows.variant("lora")
    place = rows.location(variant, b"lora.safetensors")
    rows.hashes(variant, {"autov3": "12" * 32})
    rows.listed(place, algorithm, "e2c0a71510b5")

    [hit] = lookup.find("e2c0a71510b5").hits

    assert (hit.listed, hit.differs) == (True, True)


def test_an_alias_answers_with_what_it_became(known: Variant) -> None:
    other = rows.variant("copy", model=known.model)
    Variant.objects.filter(pk=other.pk).update(merged_into=known)

    hit = lookup.find(str(other.pk)).hits[0]

    assert (hit.variant, hit.algorithm) == (known.pk, "alias")


def test_short_ids_of_model_and_variant_answer(known: Variant) -> None:
    assert lookup.find(known.short_id).hits[0].variant == known.pk
    assert lookup.find(known.model.short_id).hits[0].model == known.model_id


def test_external_ids_answer_alone_and_with_their_scheme(known: Variant) -> None:
    ExternalId.objects.create(scheme="ollama", value="llama3.2:3b", variant=known)

    assert lookup.find("llama3.2:3b").hits[0].variant == known.pk
    assert lookup.find("ollama:llama3.2:3b").hits[0].algorithm == "external id ollama"


def test_a_model_found_by_its_name_is_not_found_by_its_path_again() -> None:
    rows.location(rows.variant("castle"), b"loras/castle.safetensors")

    assert [hit.algorithm for hit in lookup.find("castle").hits] == ["name"]


def test_a_former_name_still_answers_when_the_file_is_gone() -> None:
    variant = rows.variant("renamed")
    rows.former_name(variant, b"loras/old-name.safetensors")

    hit = lookup.find("old-name").hits[0]

    assert (hit.variant, hit.algorithm, hit.state, hit.paths) == (variant.pk, "former name", "missing", ())


@pytest.mark.parametrize("text", ["", " ", "%", "'; drop table x; --", "_" * 50, "\0", "a" * 5000, "日本", "/"])
def test_hostile_text_is_a_question_like_any_other(known: Variant, text: str) -> None:
    assert isinstance(lookup.find(text).hits, tuple)


def test_the_number_of_statements_does_not_grow_with_the_hits() -> None:
    for number in range(20):
        variant = rows.variant(f"m{number}")
        rows.hashes(variant, {"sha256": "ab" * 31 + f"{number:02x}"})
        rows.location(variant, f"m{number}.safetensors".encode())

    with CaptureQueriesContext(
        connection,
    ) as context:
        answer = lookup.find("abababababab")

    assert len(answer.hits) == 20
    assert len(context) <= 8


def test_a_file_inside_a_set_is_found_by_its_own_path(known: Variant) -> None:
    place = rows.location(rows.variant("pipeline"), b"diffusers/pipeline")
    place.files.update(path=b"diffusers/pipeline/unet/model.safetensors")

    hit = lookup.find("/models/diffusers/pipeline/unet/model.safetensors").hits[0]

    assert (hit.variant, hit.algorithm) == (place.variant_id, "path")


def test_a_path_with_a_set_means_that_set_alone(known: Variant) -> None:
    for name in ("safetensors", "safetensors:fp16"):
        place = rows.location(rows.variant(name), b"diffusers/twins#" + name.encode())
        Location.objects.filter(pk=place.pk).update(path_text="diffusers/twins", set_name=name)

    assert len(lookup.find("/models/diffusers/twins").hits) == 2
    assert [hit.name for hit in lookup.find("/models/diffusers/twins#safetensors:fp16").hits] == ["safetensors:fp16"]
