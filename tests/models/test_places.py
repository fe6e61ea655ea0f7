"""The rules of places that the database keeps by itself."""

from __future__ import annotations

from typing import TYPE_CHECKING
from uuid import uuid4

import pytest
from django.db import connection
from django.db.models import ProtectedError
from django.utils import timezone

from catalog.models import FormerName, Library, Location, LocationFile
from catalog.storage.keys import path_key, place_key
from tests import rows

if TYPE_CHECKING:
    from tests.models.conftest import Refused

pytestmark = pytest.mark.django_db


def _location(path: bytes, set_name: str = "") -> Location:
    return Location.objects.create(
        library=rows.library(),
        path=path,
        set_name=set_name,
        path_key=place_key(path, set_name),
        path_text=path.decode("latin-1"),
        size=1,
    )


def test_a_folder_is_a_library_once_on_each_host(refused: Refused) -> None:
    library = rows.library()
    with refused("library_once_per_host_and_path"):
        Library.objects.create(name="x", path=b"/models", path_key=path_key(b"/models"), path_text="/models")
    Library.objects.create(
        name="x", path=b"/models", path_key=bytes(library.path_key), path_text="/models", queue="another-host"
    )


def test_a_place_is_known_once_for_each_weight_set(refused: Refused) -> None:
    _location(b"a")
    with refused("location_once_per_place_and_set"):
        _location(b"a")
    _location(b"a", "safetensors")
    _location(b"a", "safetensors:fp16")


def test_paths_longer_than_an_index_holds_are_places_too() -> None:
    long = b"/".join(b"x" * 250 for _ in range(40))
    _location(long)
    assert bytes(Location.objects.get(path_key=place_key(long)).path) == long


def test_states_and_stages_are_those_of_the_vocabulary(refused: Refused) -> None:
    location = _location(b"a")
    with refused("location_state_is_known"):
        Location.objects.filter(pk=location.pk).update(state="gone")
    with refused("location_stage_is_known"):
        Location.objects.filter(pk=location.pk).update(stage="match")


def test_a_lease_ends(refused: Refused) -> None:
    location = _location(b"a")
    with refused("location_lease_ends"):
        Location.objects.filter(pk=location.pk).update(lease=uuid4())
    Location.objects.filter(pk=location.pk).update(lease=uuid4(), leased_until=timezone.now())


def test_a_file_has_one_position_in_a_location(refused: Refused) -> None:
    location = rows.location(rows.variant(), b"a")
    file = location.files.get()
    file.pk = None
    with refused("location_file_once"):
        file.save()


def test_inodes_of_64_bits_fit() -> None:
    location = rows.location(rows.variant(), b"a")
    LocationFile.objects.filter(location=location).update(ino=-1, dev=-(1 << 63))
    assert location.files.get().ino == -1


def test_a_former_name_is_noted_once(refused: Refused) -> None:
    variant = rows.variant()
    rows.former_name(variant, b"old.gguf")
    with refused("former_name_once"):
        rows.former_name(variant, b"old.gguf")
    rows.former_name(rows.variant("other"), b"old.gguf")


def test_a_library_with_a_history_is_never_deleted() -> None:
    location = rows.location(rows.variant(), b"a")
    with pytest.raises(ProtectedError):
        location.library.delete()
    rows.former_name(rows.variant("b"), b"b")
    Location.objects.all().delete()
    with pytest.raises(ProtectedError):
        rows.library().delete()
    assert FormerName.objects.exists()


def test_a_variant_that_lies_somewhere_is_kept(refused: Refused) -> None:
    variant = rows.variant()
    rows.location(variant, b"a")
    with refused("never deleted"), connection.cursor() as cursor:
        cursor.execute("DELETE FROM catalog_variant WHERE id = %s", [variant.pk])


def test_what_a_row_says_of_itself() -> None:
    assert str(_location(b"m", "safetensors")) == "m#safetensors"
    location = rows.location(rows.variant(), b"a\xff.gguf")
    assert (str(location), str(location.files.get())) == ("a\\xff.gguf", "a\\xff.gguf")
    assert str(rows.library()) == "/models"
    assert str(rows.former_name(rows.variant(), b"x.gguf")) == "x.gguf"
