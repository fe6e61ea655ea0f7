"""What the tables of duplicates refuse, and which writes mark a variant."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from django.db import IntegrityError, transaction

from catalog.models import DuplicateGroup, DuplicateMember, GroupDue, Location, LocationFile, ModelRecord, Variant
from catalog.vocabulary import Relation
from tests import rows
from tests.identity.relations import related

if TYPE_CHECKING:
    from collections.abc import Callable

pytestmark = pytest.mark.django_db


def group(**fields: object) -> DuplicateGroup:
    given = {"sort": "model", "relation": "same_tensors", "certainty": "proven", "bytes": 2, "reclaimable": 1, **fields}
    return DuplicateGroup.objects.create(**given)


@pytest.mark.parametrize(
    "fields",
    [
        {"sort": "other"},
        {"relation": "alike"},
        {"certainty": "sure"},
        {"sort": "identical"},
        {"sort": "model", "digest": b"\x01" * 32},
    ],
)
def test_only_words_that_are_known_and_digests_of_files(fields: dict[str, object]) -> None:
    with pytest.raises(IntegrityError), transaction.atomic():
        group(**fields)


def test_a_variant_is_in_one_group() -> None:
    variant, told = rows.variant(), {"relation": "same_tensors", "certainty": "proven", "size": 1}
    DuplicateMember.objects.create(group=group(), variant=variant, **told)
    with pytest.raises(IntegrityError), transaction.atomic():
        DuplicateMember.objects.create(group=group(), variant=variant, **told)


def test_a_file_that_goes_takes_its_membership_along() -> None:
    variant = rows.variant()
    place = rows.location(variant, b"a")
    told = {"relation": "identical", "certainty": "proven", "size": 1}
    DuplicateMember.objects.create(
        group=group(sort="identical", digest=b"\x01" * 32), variant=variant, file=place.files.get(), **told
    )
    place.delete()
    assert not DuplicateMember.objects.exists()


def moved(of: Variant) -> None:
    Variant.objects.filter(pk=of.pk).update(model=ModelRecord.objects.create(name="another"))


WRITES: dict[str, Callable[[Variant], object]] = {
    "a place": lambda of: rows.location(of, b"another"),
    "its state": lambda _: Location.objects.update(state="missing"),
    "its end": lambda _: Location.objects.get().delete(),
    "its inode": lambda _: LocationFile.objects.update(ino=77),
    "its file": lambda _: LocationFile.objects.update(file=None),
    "its model": moved,
    "a relation": lambda of: related(of, rows.variant("other"), Relation.SAME_WEIGHTS),
}


@pytest.mark.parametrize("write", WRITES)
def test_what_may_change_a_group_marks_the_variant(write: str) -> None:
    variant = rows.variant()
    rows.location(variant, b"a")
    GroupDue.objects.all().delete()
    WRITES[write](variant)
    assert variant.pk in set(GroupDue.objects.values_list("variant", flat=True))


@pytest.mark.parametrize("fields", [{"priority": 3}, {"state": "present"}, {"outcome": "ok", "done_bytes": 5}])
def test_what_changes_no_group_marks_nothing(fields: dict[str, object]) -> None:
    rows.location(rows.variant(), b"a")
    GroupDue.objects.all().delete()
    Location.objects.update(**fields)
    related(rows.variant("b"), rows.variant("c"), Relation.DERIVED)
    assert not GroupDue.objects.exists()
