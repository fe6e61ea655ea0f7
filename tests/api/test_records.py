"""Models and variants by their ids, aliases too, and the list that a program pages through."""

from __future__ import annotations

from typing import TYPE_CHECKING
from uuid import uuid4

import pytest

from catalog.formats.base import Probe, Stored, TensorInfo
from catalog.formats.packing import pack
from catalog.models import (
    ExternalId,
    HashClaim,
    Location,
    LocationFile,
    ModelRecord,
    Preview,
    TensorIndex,
    Variant,
)
from catalog.vocabulary import Format, Outcome
from tests import rows

if TYPE_CHECKING:
    from collections.abc import Callable

    from django.test import Client

pytestmark = pytest.mark.django_db


def test_the_list_is_paged_newest_first_without_gaps_or_repeats(viewer: Client) -> None:
    made = [rows.variant(f"m{number}").model_id for number in range(5)]

    seen, after = [], ""
    while True:
        page = viewer.get(f"/api/v1/models?limit=2{after}").json()
        seen += [item["id"] for item in page["items"]]
        if page["next"] is None:
            break
        after = f"&after={page['next']}"

    assert seen == [str(pk) for pk in reversed(made)]


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("name=ALPH", 1), ("format=safetensors", 2), ("precision=fp32", 0), ("state=present", 1), ("kind=lora", 0),
        ("quantisation=GPTQ", 1), ("quantisation=none", 1), ("layout=comfyui", 1), ("layout=none", 0),
        ("layout=comfyui&state=missing", 0), ("trait=inpaint", 1), ("trait=inpaint&quantisation=GPTQ", 1),
    ],
)  # fmt: skip
def test_the_list_is_narrowed(viewer: Client, query: str, found: int) -> None:
    place = rows.location(rows.variant("alpha"), b"alpha.safetensors")
    Location.objects.filter(pk=place.pk).update(layout="comfyui")
    Variant.objects.filter(pk=rows.variant("beta").pk).update(quantisation="GPTQ", traits=["inpaint"])

    assert len(viewer.get(f"/api/v1/models?{query}").json()["items"]) == found


def test_a_model_tells_its_variants_and_former_ids(viewer: Client) -> None:
    variant = rows.variant("kept")
    alias = ModelRecord.objects.create(name="merged", merged_into=variant.model)

    for asked in (variant.model_id, alias.pk):
        answer = viewer.get(f"/api/v1/models/{asked}").json()
        assert answer["id"] == str(variant.model_id)
        assert answer["variant_ids"] == [str(variant.pk)]
        assert answer["merged_from"] == [str(alias.pk)]


def test_a_variant_tells_hashes_listed_hashes_files_and_places(viewer: Client) -> None:
    variant = rows.variant("whole")
    rows.hashes(variant, {"sha256": "ab" * 32})
    place = rows.location(variant, b"loras/whole.safetensors")
    rows.listed(place, "autov3", "cd" * 6)

    answer = viewer.get(f"/api/v1/variants/{variant.pk}").json()

    assert answer["hashes"] == [{"algorithm": "sha256", "digest": "ab" * 32, "file": str(variant.files.get().pk)}]
    assert answer["listed"] == [{"algorithm": "autov3", "digest": "cd" * 6, "source": "civitai", "file": None}]
    assert [item["path"] for item in answer["places"]] == ["loras/whole.safetensors"]
    assert [item["name"] for item in answer["files"]] == ["whole.safetensors"]


def test_a_merged_variant_answers_with_the_one_it_became(viewer: Client) -> None:
    kept = rows.variant("kept")
    Variant.objects.filter(pk=(gone := rows.variant("gone")).pk).update(merged_into=kept)

    answer = viewer.get(f"/api/v1/variants/{gone.pk}").json()

    assert (answer["id"], answer["merged_from"]) == (str(kept.pk), [str(gone.pk)])


def test_tensors_are_given_in_slices_with_their_digests(viewer: Client) -> None:
    variant = rows.variant("tensors")
    tensors = tuple(TensorInfo(f"t{n}", "F16", (2, 3), 12 * n, 12) for n in range(3))
    probe = Probe(Format.SAFETENSORS, Outcome.OK, tensors, {"title": "x"})
    digests = [bytes([n]) * 32 for n in range(3)]
    TensorIndex.objects.create(variant=variant, packed=pack(probe, digests), tensors=3)

    answer = viewer.get(f"/api/v1/variants/{variant.pk}/tensors?offset=1&limit=1").json()

    assert answer["total"] == 3
    assert answer["tensors"] == [
        {"name": "t1", "dtype": "F16", "shape": [2, 3], "offset": 12, "bytes": 12, "file": 0, "digest": "01" * 32,
         "stored": None}
    ]  # fmt: skip
    assert answer["dtypes"] == {"F16": 3}
    assert answer["metadata"] == {"title": "x"}


@pytest.mark.parametrize("path", ["models/{}", "variants/{}", "variants/{}/tensors"])
def test_an_id_that_was_never_given_out_is_a_404(viewer: Client, path: str) -> None:
    assert viewer.get(f"/api/v1/{path.format(uuid4())}").status_code == 404


def test_a_variant_tells_what_was_recognised_and_why(viewer: Client) -> None:
    variant = rows.variant("known")
    reasons, candidates = [["kind", "lora_up and lora_down"]], [["base", "sdxl", "a context of 2048"]]
    Variant.objects.filter(pk=variant.pk).update(
        traits=["turbo"], reasons=reasons, candidates=candidates, dtypes={"F16": 90, "F32": 10}, settings={"rank": 4}
    )

    answer = viewer.get(f"/api/v1/variants/{variant.pk}").json()

    assert (answer["traits"], answer["reasons"], answer["settings"]) == (["turbo"], reasons, {"rank": 4})
    assert answer["candidates"] == [{"about": "base", "value": "sdxl", "text": "a context of 2048"}]
    assert answer["dtypes"] == {"F16": 90, "F32": 10}


def test_a_model_tells_its_words_its_other_ids_and_its_picture(viewer: Client) -> None:
    variant = rows.variant("known")
    ModelRecord.objects.filter(pk=variant.model_id).update(trigger_words=["a cat"])
    ExternalId.objects.create(scheme="civitai-version", value="7", variant=variant)
    Preview.objects.create(variant=variant, image=b"x", media_type="image/webp", width=1, height=1)

    model = viewer.get(f"/api/v1/models/{variant.model_id}").json()
    told = viewer.get(f"/api/v1/variants/{variant.pk}").json()

    ids = [{"scheme": "civitai-version", "label": "Civitai version", "value": "7",
            "url": "https://civitai.com/model-versions/7"}]  # fmt: skip
    assert model["trigger_words"] == ["a cat"]
    assert model["external_ids"] == told["external_ids"] == ids
    assert model["preview"] == told["preview"] == f"/variants/{variant.pk}/preview/"


def test_a_hash_that_is_listed_for_one_file_of_a_set_names_the_file(viewer: Client) -> None:
    variant = rows.variant("set")
    place = rows.location(variant, b"set")
    file = LocationFile.objects.get(location=place)
    HashClaim.objects.create(
        location=place, file=file, variant=variant, algorithm="sha256", digest=b"d" * 32, source="huggingface"
    )

    answer = viewer.get(f"/api/v1/variants/{variant.pk}").json()

    assert [item["file"] for item in answer["listed"]] == [str(variant.files.get().pk)]


def test_how_tensors_are_stored_is_told_and_one_dtype_can_be_asked_for(viewer: Client) -> None:
    variant = rows.variant("tensors")
    tensors = (
        TensorInfo("a", "F16", (2, 3), 0, 12),
        TensorInfo("b", "F32", (2, 3), 12, 24, 0, Stored(strides=(1, 2), big_endian=True)),
    )
    TensorIndex.objects.create(
        variant=variant, packed=pack(Probe(Format.PICKLE, Outcome.OK, tensors)), tensors=len(tensors)
    )

    answer = viewer.get(f"/api/v1/variants/{variant.pk}/tensors?dtype=F32").json()

    assert (answer["total"], answer["dtypes"]) == (1, {"F16": 1, "F32": 1})
    assert answer["tensors"][0]["stored"] == {"strides": [1, 2], "big_endian": True, "varint": False}


def test_an_edit_is_kept_and_what_is_left_out_stays(caller: Callable[..., Client]) -> None:
    model = rows.variant("before").model
    ModelRecord.objects.filter(pk=model.pk).update(tags=["kept"])
    editor = caller("view_modelrecord", "change_modelrecord")

    answer = editor.patch(
        f"/api/v1/models/{model.pk}", {"trigger_words": ["a cat", "A Cat", ""]}, content_type="application/json"
    )

    assert (answer.status_code, answer.json()["trigger_words"]) == (200, ["a cat"])
    model.refresh_from_db()
    assert (model.tags, model.name, model.edited, model.touched) == (["kept"], "before", ["trigger_words"], True)


def test_an_edit_needs_the_permission_and_a_value_that_fits(viewer: Client, caller: Callable[..., Client]) -> None:
    model = rows.variant("before").model
    editor, path = caller("view_modelrecord", "change_modelrecord"), f"/api/v1/models/{model.pk}"
    sent = {"content_type": "application/json"}

    assert viewer.patch(path, {"name": "x"}, **sent).status_code == 403  # type: ignore[arg-type]  # a test client's options
    refused = editor.patch(path, {"kind": "spaceship", "name": "x"}, **sent)  # type: ignore[arg-type]  # as above
    assert (refused.status_code, "kind is one of" in refused.json()["detail"]) == (422, True)
    assert editor.patch(path, {"number": 1}, **sent).status_code == 422  # type: ignore[arg-type]  # as above
    model.refresh_from_db()
    assert model.name == "before"
