"""A place is also shown by the name that its own tool has for it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from catalog.models import ExternalId, Library, Location, ModelHash, Variant
from catalog.queries import lookup, model_page, variants
from catalog.queries.tool_names import ToolNames
from catalog.storage.keys import place_key
from tests import rows

if TYPE_CHECKING:
    from django.test import Client

pytestmark = pytest.mark.django_db

DIGEST = bytes.fromhex("6ce0161689b3853acaa03779ec93eafe75a02f4ced659bee03f50797806fa2fa")


def _place(variant: Variant, path: bytes, layout: str, *roots: list[str]) -> Location:
    library = rows.library()
    if roots:
        Library.objects.filter(pk=library.pk).update(last_report={"layouts": list(roots)})
    return Location.objects.create(
        library=library, path=path, path_key=place_key(path), path_text=path.decode(), layout=layout, variant=variant,
        size=variant.size,
    )  # fmt: skip


def _with_digest() -> Variant:
    variant = rows.variant()
    ModelHash.objects.filter(variant=variant, algorithm="sha256").delete()
    ModelHash.objects.create(variant=variant, file=variant.files.get(), algorithm="sha256", digest=DIGEST)
    return variant


def test_a_checkpoint_of_a1111_has_its_title_once_its_hash_is_known() -> None:
    variant = _with_digest()
    place = _place(variant, b"ai/webui/models/Stable-diffusion/x/a.safetensors", "a1111", ["ai/webui", "a1111"])
    assert ToolNames([variant.pk]).of(Location.objects.select_related("library").get(pk=place.pk)) == (
        "x/a.safetensors [6ce0161689]"
    )


def test_ollama_and_invokeai_call_a_model_by_the_ids_they_gave() -> None:
    variant = rows.variant()
    ExternalId.objects.create(scheme="ollama", value="llama3:latest", variant=variant)
    ExternalId.objects.create(scheme="ollama", value="llama3:8b", variant=variant)
    ExternalId.objects.create(scheme="invokeai-key", value="a-key", variant=variant)
    _place(variant, b"blobs/sha256-1", "ollama", ["", "ollama"])
    _place(variant, b"sd-1/lora/x.safetensors", "invokeai")
    found = {place.layout: place.tool_name for place in model_page.page(variant.model).variants[0].places}
    assert found == {"ollama": "llama3:8b, llama3:latest", "invokeai": "a-key"}


def test_api_and_look_up_tell_the_same_name() -> None:
    variant = rows.variant()
    _place(variant, b"ComfyUI/models/loras/a.safetensors", "comfyui", ["ComfyUI", "comfyui"])
    _place(variant, b"drawer/a.safetensors", "")
    row = variants.variant(variant.pk)
    assert row is not None
    assert [(place.layout, place.managed, place.tool_name) for place in row.places] == [
        ("comfyui", False, "loras / a.safetensors"),
        ("", False, ""),
    ]
    hit = lookup.find(str(variant.pk)).hits[0]
    assert hit.named_paths == [
        ("/models/ComfyUI/models/loras/a.safetensors", "loras / a.safetensors"),
        ("/models/drawer/a.safetensors", ""),
    ]


def test_the_page_shows_it(admin_client: Client) -> None:
    variant = rows.variant()
    _place(variant, b"models/loras/<b>.safetensors", "comfyui", ["models", "comfyui"])
    page = admin_client.get(f"/models/{variant.model_id}/").content.decode()
    assert "loras / &lt;b&gt;.safetensors" in page
    found = admin_client.get(f"/lookup/?q={variant.pk}").content.decode()
    assert "(loras / &lt;b&gt;.safetensors)" in found
