"""The list of models: finding, filtering, counting."""

from __future__ import annotations

import html
import re
from typing import TYPE_CHECKING

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from catalog.models import FormerName, Library, ModelHash, ModelRecord
from catalog.queries.estimates import count_of
from catalog.services import totals
from tests import rows

if TYPE_CHECKING:
    from django.test import Client

pytestmark = pytest.mark.django_db


def _shown(client: Client, **query: str) -> list[str]:
    page = client.get("/models/", query)
    assert page.status_code == 200
    return [html.unescape(name) for name in re.findall(r'class="who-name">([^<]*)<', page.content.decode())]


def test_every_live_model_is_listed_by_name_whatever_its_case(boss: Client, catalogue: list[ModelRecord]) -> None:
    names = _shown(boss)
    assert len(names) == len(catalogue)
    assert [name.upper() for name in names] == sorted(name.upper() for name in names)


def test_an_alias_is_not_listed(boss: Client, catalogue: list[ModelRecord]) -> None:
    assert "flux1-dev (converted)" in set(ModelRecord.objects.values_list("name", flat=True))
    assert "flux1-dev (converted)" not in _shown(boss)


def test_the_search_takes_anything_that_names_a_model(boss: Client, catalogue: list[ModelRecord]) -> None:
    flux = catalogue[1]
    variant = flux.variants.order_by("number")[0]
    digest = bytes(ModelHash.objects.get(variant=variant, algorithm="sha256").digest).hex()
    former = FormerName.objects.create(
        variant=variant, library=Library.objects.all()[0], path=b"old/name-of-yore.ckpt", path_key=b"k" * 32,
        path_text="old/name-of-yore.ckpt", stem="name-of-yore",
    )  # fmt: skip
    for text in (
        "flux.1", "dev", digest, digest[:8].upper(), digest[:11], f"sha256:{digest}", flux.short_id, str(flux.pk),
        str(variant.pk), variant.short_id, "flux_1-bf16.safetensors", former.stem, "yore name", "691639",
        "snapshots/0ef5fff",
    ):  # fmt: skip
        assert _shown(boss, q=text) == ["FLUX.1 dev"], text
    assert _shown(boss, q="style") == ["DreamShaper 8"]


@pytest.mark.parametrize("text", ["%", "_", "\\", "'; drop table x; --", "(.*", "\0", "[", "e" * 5000, "abc%def"])
def test_odd_searches_find_only_what_is_there(boss: Client, catalogue: list[ModelRecord], text: str) -> None:
    shown = _shown(boss, q=text)
    if text == "_":
        assert all("_" in name or name for name in shown)
    elif text != "\0":
        assert shown == []


def test_filters_narrow_together_and_count_as_the_others_stand(boss: Client, catalogue: list[ModelRecord]) -> None:
    assert _shown(boss, format="gguf") == ["FLUX.1 dev", "Llama-3.2-3B-Instruct"]
    assert _shown(boss, format="gguf", precision="Q8_0") == ["FLUX.1 dev"]
    assert _shown(boss, format="gguf", precision="bf16") == []  # each has both, but in different variants
    page = boss.get("/models/", {"format": "gguf"}).content.decode()
    assert re.search(r"<span>Q4_K_M</span> <span class=\"n\">1</span>", page)
    assert not re.search(r"<span>fp16</span> <span class=\"n\">", page)


def test_a_filter_by_library_and_state_means_one_place(boss: Client, catalogue: list[ModelRecord]) -> None:
    archive = Library.objects.get(name="Archive drive")
    assert _shown(boss, library=str(archive.pk)) == ["SDXL base 1.0 VAE fix"]
    assert _shown(boss, library=str(archive.pk), state="offline") == ["SDXL base 1.0 VAE fix"]
    assert _shown(boss, library=str(archive.pk), state="present") == []


@pytest.mark.parametrize(
    "query", [{"library": "abc"}, {"library": "9" * 30}, {"state": "x\0"}, {"o": "99.-1"}, {"p": "x"}]
)
def test_nonsense_in_the_address_is_harmless(boss: Client, catalogue: list[ModelRecord], query: dict[str, str]) -> None:
    assert boss.get("/models/", query).status_code in (200, 302)


@pytest.mark.parametrize(
    "query", [{"merged_into__isnull": "0"}, {"variants__content__startswith": "a"}, {"id__gt": "0"}]
)
def test_columns_cannot_be_asked_for_by_address(
    boss: Client, catalogue: list[ModelRecord], query: dict[str, str]
) -> None:
    assert boss.get("/models/", query).status_code in (302, 400)


def test_sorting_by_size_puts_the_largest_first(boss: Client, catalogue: list[ModelRecord]) -> None:
    assert _shown(boss, o="2")[0] == "FLUX.1 dev"
    assert _shown(boss, o="-2")[-1] == "FLUX.1 dev"


def test_the_list_costs_the_same_for_few_and_many(boss: Client, catalogue: list[ModelRecord]) -> None:
    few = _statements(boss, "/models/?format=safetensors&q=e")
    for number in range(60):
        rows.location(rows.variant(f"extra model {number}"), f"extra/{number}.safetensors".encode())
    for library in Library.objects.all():
        totals.refresh(library_id=library.pk)
    many = _statements(boss, "/models/?format=safetensors&q=e")
    assert few == many <= 20


def test_names_are_text_never_markup(boss: Client, catalogue: list[ModelRecord]) -> None:
    page = boss.get("/models/").content.decode()
    assert "<script>alert" not in page
    assert "&lt;script&gt;alert" in page


def test_models_are_not_deleted(boss: Client, catalogue: list[ModelRecord]) -> None:
    pk = catalogue[0].pk
    assert boss.post(f"/models/{pk}/delete/", {"post": "yes"}).status_code == 404
    page = boss.get(f"/models/{pk}/edit/").content.decode()
    assert "deletelink" not in page
    assert ModelRecord.objects.filter(pk=pk).exists()


def test_a_number_beyond_the_limit_is_an_estimate(catalogue: list[ModelRecord]) -> None:
    everything = ModelRecord.objects.filter(merged_into=None)
    assert count_of(everything) == (len(catalogue), True)
    about = count_of(everything, limit=3)
    assert about.rows > 3
    assert not about.exact


def _statements(client: Client, address: str) -> int:
    with CaptureQueriesContext(connection) as seen:
        assert client.get(address).status_code == 200
    return len(seen)
