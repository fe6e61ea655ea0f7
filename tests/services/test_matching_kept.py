"""What is kept of a variant for comparing, and how it is made where it is missing."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING
from uuid import uuid4

import pytest

from catalog.fingerprints.base import VERSION
from catalog.models import Component, ComponentKey, Library, Location, Match, Variant
from catalog.queries import comparing as comparisons
from catalog.services.matching import renewing, subjects
from catalog.services.matching.subjects import Shelf
from catalog.vocabulary import Stage
from tests.identity.catalogue import hash_all, scan, variant_at
from tests.services.matched import bring, relation, search_all

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = pytest.mark.django_db


def test_a_subject_says_what_is_kept(library: Library, folder: Path) -> None:
    bring(library, folder, "f16")
    variant = variant_at(library, "f16.safetensors")

    subject = subjects.load([variant.pk])[variant.pk]

    assert subject.content == bytes(variant.content or b"")
    assert {"tensors:v1", "weights:v1"} <= subject.whole.keys()
    assert len(subject.components) == 1
    assert subject.sound
    assert subjects.load([]) == {}
    Component.objects.update(fingerprint=b"broken")
    assert subjects.load([variant.pk])[variant.pk].components == ()


def test_a_shelf_keeps_what_was_asked_for_last(library: Library, folder: Path) -> None:
    bring(library, folder, "f16", "int8")
    first, second = Variant.objects.order_by("number").values_list("pk", flat=True)
    shelf = Shelf(most=1)
    kept = shelf.get(first)

    assert kept is not None
    assert shelf.get(first) is kept
    assert shelf.get(second) is not None
    assert shelf.get(first) is not kept
    assert shelf.get(uuid4()) is None


def test_what_was_hashed_before_there_were_fingerprints_is_read_again(library: Library, folder: Path) -> None:
    bring(library, folder, "f16", "int8")
    search_all()
    Match.objects.all().delete()
    ComponentKey.objects.all().delete()
    Component.objects.update(fingerprint=None, version=0)

    assert renewing.renew(most=1) == 1
    assert set(Location.objects.filter(stage=Stage.HASH).values_list("priority", flat=True)) == {renewing.PRIORITY}
    assert renewing.renew() == 0, "while something waits to be read"
    hash_all()
    assert renewing.renew() == 1
    hash_all()
    assert renewing.renew() == 0

    assert set(Component.objects.values_list("version", flat=True)) == {VERSION}
    assert comparisons.waiting().searches == 2
    search_all()
    assert relation(library, "f16", "int8") is not None


def test_nothing_is_read_again_that_is_not_there(library: Library, folder: Path) -> None:
    bring(library, folder, "f16")
    os.unlink(folder / "f16.safetensors")
    scan(library)
    Component.objects.update(version=0)

    assert renewing.renew() == 0
