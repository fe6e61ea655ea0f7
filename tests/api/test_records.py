"""Models and variants by their ids, aliases too, and the list that a program pages through."""

from __future__ import annotations

from typing import TYPE_CHECKING
from uuid import uuid4

import pytest

from catalog.formats.base import Probe, TensorInfo
from catalog.formats.packing import pack
from catalog.models import ModelRecord, TensorIndex, Variant
from catalog.vocabulary import Format, Outcome
from tests import rows

if TYPE_CHECKING:
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
    [("name=ALPH", 1), ("format=safetensors", 2), ("precision=fp32", 0), ("state=present", 1), ("kind=lora", 0)],
)
def test_the_list_is_narrowed(viewer: Client, query: str, found: int) -> None:
    rows.location(rows.variant("alpha"), b"alpha.safetensors")
    rows.variant("beta")

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
    assert answer["listed"] == [{"algorithm": "autov3", "digest": "cd" * 6, "source": "civitai"}]
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
        {"name": "t1", "dtype": "F16", "shape": [2, 3], "offset": 12, "bytes": 12, "file": 0, "digest": "01" * 32}
    ]
    assert answer["metadata"] == {"title": "x"}


@pytest.mark.parametrize("path", ["models/{}", "variants/{}", "variants/{}/tensors"])
def test_an_id_that_was_never_given_out_is_a_404(viewer: Client, path: str) -> None:
    assert viewer.get(f"/api/v1/{path.format(uuid4())}").status_code == 404
