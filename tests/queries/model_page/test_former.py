"""Earlier files on the page of a model: names under which its variants are no longer there."""

from __future__ import annotations

import pytest

from catalog.models import FormerName, Location
from catalog.queries.model_page import page
from catalog.storage.keys import path_key
from tests import rows

pytestmark = pytest.mark.django_db


def _seen(variant: object, path: str) -> None:
    raw = path.encode()
    FormerName.objects.create(
        variant=variant, library=rows.library(), path=raw, path_key=path_key(raw), path_text=path, stem=path
    )


def test_a_folder_that_is_still_there_is_no_earlier_file_whatever_its_set() -> None:
    variant = rows.variant("llama")
    place = rows.location(variant, b"llama")
    Location.objects.filter(pk=place.pk).update(set_name="safetensors:fp16")
    _seen(variant, "llama")
    _seen(variant, "old/llama")
    assert [name.path for name in page(variant.model).former] == ["old/llama"]
