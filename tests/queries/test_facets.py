"""The filters of the list of models."""

from __future__ import annotations

import pytest

from catalog.models import Location, ModelRecord, Variant
from catalog.queries.facets import Cube, narrowed
from catalog.services import totals
from catalog.services.identity.editing import edit
from catalog.vocabulary import Kind
from tests import rows

pytestmark = pytest.mark.django_db


@pytest.fixture
def three() -> None:
    """A plain one, a quantised one, and one in a tool's folder."""
    rows.location(rows.variant("plain"), b"plain.safetensors")
    quantised = rows.variant("quantised")
    Variant.objects.filter(pk=quantised.pk).update(quantisation="GPTQ")
    rows.location(quantised, b"quantised.safetensors")
    place = rows.location(rows.variant("tool"), b"loras/tool.safetensors")
    Location.objects.filter(pk=place.pk).update(layout="comfyui")
    totals.refresh(library_id=rows.library().pk)


def _names(**chosen: str) -> list[str]:
    found = narrowed(ModelRecord.objects.all(), chosen).order_by("name")
    return list(found.values_list("name", flat=True))


def test_quantisation_and_layout_narrow_the_list(three: None) -> None:
    assert _names(quantisation="GPTQ") == ["quantised"]
    assert _names(layout="comfyui") == ["tool"]


def test_none_finds_what_is_not_quantised_or_in_no_tools_folder(three: None) -> None:
    assert _names(quantisation="none") == ["plain", "tool"]
    assert _names(quantisation="none", layout="none") == ["plain"]


def test_a_layout_and_a_state_mean_one_place(three: None) -> None:
    variant = Variant.objects.get(model__name="tool")
    rows.location(variant, b"elsewhere.safetensors", state="missing")
    assert _names(layout="comfyui", state="missing") == []
    assert _names(layout="none", state="missing") == ["tool"]


def test_what_a_person_said_of_a_model_counts_for_its_variants(three: None) -> None:
    model = ModelRecord.objects.get(name="plain")
    before = Variant.objects.get(model=model).kind
    edit(model=model, fields={"kind": Kind.VAE.value}, user=None)
    assert totals.refresh_stale() == 1
    assert "plain" in _names(kind="vae")
    assert _names(kind="vae", quantisation="GPTQ") == []
    assert "plain" not in _names(kind=before)
    assert ("VAE", 1) in {(one.label, one.count) for one in Cube().choices("kind", {})}


def test_values_are_shown_in_words_with_their_counts(three: None) -> None:
    cube = Cube()
    told = {(choice.label, choice.count) for choice in cube.choices("layout", {})}
    assert told == {("ComfyUI", 1), ("plain folder", 2)}
    assert {(one.label, one.count) for one in cube.choices("quantisation", {})} == {("none", 2), ("GPTQ", 1)}
    assert [one.label for one in cube.choices("layout", {"quantisation": "GPTQ"})] == ["plain folder"]
