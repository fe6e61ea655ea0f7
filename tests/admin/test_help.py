"""The help says what the pages promise that it says."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest
from django.utils.text import slugify

from catalog.admin.pages import help as help_pages
from catalog.models import Library
from catalog.vocabulary import ClaimSource, Format, Outcome

if TYPE_CHECKING:
    from django.test import Client

    from catalog.models import ModelRecord

pytestmark = pytest.mark.django_db


def test_every_format_is_named_in_the_help() -> None:
    text = " ".join((help_pages.FOLDER / "formats.md").read_text(encoding="utf-8").split())
    assert [word.value for word in Format if word.label not in text] == []


def test_every_outcome_has_a_paragraph() -> None:
    page = help_pages.load("formats")
    assert page is not None
    assert [word.value for word in Outcome if f'id="{slugify(word.label)}"' not in page.body] == []


def test_everybody_who_lists_hashes_is_named_in_the_help() -> None:
    text = (help_pages.FOLDER / "hashes.md").read_text(encoding="utf-8")
    assert [word.value for word in ClaimSource if f"| {word.label} |" not in text] == []


def test_every_question_mark_ends_at_its_paragraph(boss: Client, catalogue: list[ModelRecord]) -> None:
    library = Library.objects.get(name="ComfyUI").pk
    addresses = ["/", "/models/", "/attention/", "/libraries/", f"/libraries/{library}/"]
    addresses += [f"/models/{model.pk}/" for model in catalogue]
    asked = set()
    for address in addresses:
        asked |= set(re.findall(r'href="/help/([a-z-]+)/#([^"]+)"', boss.get(address).content.decode()))
    assert len(asked) > 8
    for name, anchor in asked:
        page = help_pages.load(name)
        assert page is not None, name
        assert f'id="{anchor}"' in page.body, f"{name}#{anchor}"
