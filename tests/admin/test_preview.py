"""The address of a preview."""

from __future__ import annotations

from typing import TYPE_CHECKING
from uuid import uuid4

import pytest
from django.test import Client

from catalog.images import MEDIA_TYPE
from catalog.models import Preview, Variant
from tests import rows

if TYPE_CHECKING:
    from django.contrib.auth.models import User

pytestmark = pytest.mark.django_db


@pytest.fixture
def pictured() -> Variant:
    """A variant with a picture."""
    variant = rows.variant("pictured")
    Preview.objects.create(variant=variant, image=b"RIFF....WEBP", media_type=MEDIA_TYPE, width=2, height=3)
    return variant


def test_a_preview_is_a_picture_and_can_be_nothing_else(boss: Client, pictured: Variant) -> None:
    answer = boss.get(f"/variants/{pictured.pk}/preview/")

    assert (answer.status_code, answer.content) == (200, b"RIFF....WEBP")
    assert (answer["Content-Type"], answer["X-Content-Type-Options"]) == ("image/webp", "nosniff")
    assert "sandbox" in answer["Content-Security-Policy"]
    assert answer["Cache-Control"] == "private, max-age=86400"


def test_a_browser_that_has_it_is_told_so(boss: Client, pictured: Variant) -> None:
    address = f"/variants/{pictured.pk}/preview/"
    again = boss.get(address, headers={"if-none-match": boss.get(address)["ETag"]})

    assert (again.status_code, again.content) == (304, b"")


def test_strangers_are_asked_to_sign_in(client: Client, pictured: Variant) -> None:
    assert client.get(f"/variants/{pictured.pk}/preview/").status_code == 302


def test_who_may_not_see_models_sees_no_picture(pictured: Variant, django_user_model: type[User]) -> None:
    client = Client()
    client.force_login(django_user_model.objects.create_user("nobody", password="long-enough-1", is_staff=True))

    assert client.get(f"/variants/{pictured.pk}/preview/").status_code == 403


def test_the_id_of_a_merged_variant_gives_the_picture_of_what_it_became(boss: Client, pictured: Variant) -> None:
    alias = rows.variant("alias")
    Variant.objects.filter(pk=alias.pk).update(merged_into=pictured)

    assert boss.get(f"/variants/{alias.pk}/preview/").content == b"RIFF....WEBP"


def test_there_is_no_picture_of_what_has_none(boss: Client) -> None:
    assert boss.get(f"/variants/{rows.variant().pk}/preview/").status_code == 404
    assert boss.get(f"/variants/{uuid4()}/preview/").status_code == 404
