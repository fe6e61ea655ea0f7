"""The rules of identity that the database keeps by itself, whoever writes."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from django.db import IntegrityError, connection, transaction
from django.db.models import ProtectedError

from catalog.models import ExternalId, ModelRecord, Variant, VariantFile
from tests import rows

if TYPE_CHECKING:
    from tests.models.conftest import Refused

pytestmark = pytest.mark.django_db


def _model(**fields: object) -> ModelRecord:
    return ModelRecord.objects.create(name="m", **fields)


def test_ids_are_random_and_numbers_come_from_the_database() -> None:
    first, second = _model(), _model()
    first.refresh_from_db()
    second.refresh_from_db()
    assert (first.id.version, second.id.version) == (4, 4)
    assert first.number < second.number
    assert first.short_id == str(first.id)[:8]


@pytest.mark.parametrize("kind", ["model", "variant", "file"])
def test_a_number_is_never_given_twice_even_when_its_row_was_never_kept(kind: str) -> None:
    with transaction.atomic():
        lost = _numbers()[kind]
        transaction.set_rollback(True)
    assert _numbers()[kind] > lost


def _numbers() -> dict[str, int]:
    variant = rows.variant()
    made: dict[str, ModelRecord | Variant | VariantFile] = {
        "model": variant.model,
        "variant": variant,
        "file": variant.files.get(),
    }
    for row in made.values():
        row.refresh_from_db()
    return {kind: row.number for kind, row in made.items()}


@pytest.mark.parametrize("table", ["catalog_modelrecord", "catalog_variant", "catalog_variantfile"])
def test_a_row_with_an_id_is_never_deleted(table: str, refused: Refused) -> None:
    rows.variant()
    with refused("never deleted"), connection.cursor() as cursor:
        cursor.execute(f"DELETE FROM {table}")  # noqa: S608 - one of the three above


def test_what_others_refer_to_is_protected_before_that() -> None:
    variant = rows.variant()
    with pytest.raises(ProtectedError):
        variant.model.delete()
    with pytest.raises(ProtectedError):
        variant.delete()


def test_an_alias_names_a_live_row(refused: Refused) -> None:
    live = _model()
    alias = _model(merged_into=live)
    with refused("must name a live row"):
        _model(merged_into=alias)


def test_a_row_with_aliases_becomes_one_only_with_them(refused: Refused) -> None:
    live, other = _model(), _model()
    alias = _model(merged_into=live)
    with refused("must name a live row"):
        ModelRecord.objects.filter(pk=live.pk).update(merged_into=other)
    with transaction.atomic():
        ModelRecord.objects.filter(pk=live.pk).update(merged_into=other)
        ModelRecord.objects.filter(pk=alias.pk).update(merged_into=other)
        with connection.cursor() as cursor:
            cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
    assert set(other.aliases.all()) == {live, alias}


def test_aliases_of_variants_and_files_are_kept_live_too(refused: Refused) -> None:
    one, two, three = rows.variant("one"), rows.variant("two"), rows.variant("three")
    Variant.objects.filter(pk=two.pk).update(merged_into=one)
    with refused("must name a live row"):
        Variant.objects.filter(pk=three.pk).update(merged_into=two)
    first, second, third = (variant.files.get() for variant in (one, two, three))
    VariantFile.objects.filter(pk=second.pk).update(merged_into=first)
    with refused("must name a live row"):
        VariantFile.objects.filter(pk=third.pk).update(merged_into=second)


def test_nothing_is_its_own_alias(refused: Refused) -> None:
    variant = rows.variant()
    file = variant.files.get()
    with refused("model_not_its_own_alias"):
        ModelRecord.objects.filter(pk=variant.model_id).update(merged_into=variant.model_id)
    with refused("variant_not_its_own_alias"):
        Variant.objects.filter(pk=variant.pk).update(merged_into=variant)
    with refused("file_not_its_own_alias"):
        VariantFile.objects.filter(pk=file.pk).update(merged_into=file)


def test_one_content_is_one_variant(refused: Refused) -> None:
    one, two = rows.variant("one"), rows.variant("two")
    Variant.objects.filter(pk=one.pk).update(content=b"c" * 32)
    with refused("content"):
        Variant.objects.filter(pk=two.pk).update(content=b"c" * 32)


def test_variants_that_were_not_hashed_have_no_content_in_common() -> None:
    rows.variant("one")
    rows.variant("two")
    assert Variant.objects.filter(content=None).count() == 2


def test_content_is_a_whole_digest(refused: Refused) -> None:
    variant = rows.variant()
    with refused("variant_content_is_32_bytes"):
        Variant.objects.filter(pk=variant.pk).update(content=b"c" * 31)


def test_an_alias_has_no_content_of_its_own(refused: Refused) -> None:
    one, two = rows.variant("one"), rows.variant("two")
    with refused("variant_alias_without_content"):
        Variant.objects.filter(pk=two.pk).update(merged_into=one, content=b"c" * 32)


def test_a_position_in_a_variant_is_taken_once(refused: Refused) -> None:
    variant = rows.variant()
    with refused("file_once_per_position"):
        VariantFile.objects.create(variant=variant, name=b"other", size=1, role="weights")


def test_an_external_id_has_one_owner(refused: Refused) -> None:
    variant = rows.variant()
    with refused("external_id_names_a_model_or_a_variant"):
        ExternalId.objects.create(scheme="air", value="x")
    with refused("external_id_names_a_model_or_a_variant"):
        ExternalId.objects.create(scheme="air", value="x", model=variant.model, variant=variant)


def test_an_external_id_is_noted_once_for_its_owner(refused: Refused) -> None:
    variant = rows.variant()
    ExternalId.objects.create(scheme="air", value="x", variant=variant)
    with refused("external_id_once"):
        ExternalId.objects.create(scheme="air", value="x", variant=variant)
    ExternalId.objects.create(scheme="air", value="x", variant=rows.variant("other"))


def test_the_rules_hold_against_plain_sql_outside_a_transaction() -> None:
    rows.variant()
    with pytest.raises(IntegrityError), transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("DELETE FROM catalog_variantfile")
