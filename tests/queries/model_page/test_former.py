"""Earlier files on the page of a model: names under which its variants are no longer there."""

from __future__ import annotations

import pytest

from catalog.models import Location
from catalog.queries.model_page import page
from tests import rows

pytestmark = pytest.mark.django_db


def test_a_folder_that_is_still_there_is_no_earlier_file_whatever_its_set() -> None:
    variant = rows.variant("llama")
    place = rows.location(variant, b"llama")
    Location.objects.filter(pk=place.pk).update(set_name="safetensors:fp16")
    rows.former_name(variant, b"llama")
    rows.former_name(variant, b"old/llama")
    assert [name.path for name in page(variant.model).former] == ["old/llama"]
