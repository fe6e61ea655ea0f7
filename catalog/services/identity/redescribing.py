"""A variant whose bytes were never read to their end is described anew when its header changes: a download goes on."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from django.db.models import F

from catalog.models import Component, HashClaim, Location, ModelRecord, TensorIndex, Variant, VariantFile
from catalog.services import bulk
from catalog.services.identity import births, header, listed
from catalog.services.identity.naming import RANK, name_of
from catalog.vocabulary import ClaimSource

if TYPE_CHECKING:
    from uuid import UUID

    from catalog.models import Library
    from catalog.services.identity.reading import Reading

_OUT_OF_THE_WAY = 20_000
"""Positions are unique, so all step aside before they are given anew."""


def may(reading: Reading) -> bool:
    """No content is known, no other place has it, and every file that it had is there still."""
    place, variant = reading.place, reading.place.variant
    if variant is None or variant.content is not None or variant.merged_into_id is not None:
        return False
    if Location.objects.filter(variant=variant).exclude(pk=place.id).exists():
        return False
    names = {bytes(file.name) for file in variant.files.all()}
    return place.single or names <= {bytes(file.name) for file in place.files}


def describe(reading: Reading, *, library: Library) -> None:
    """Writes what the header says now. What a person set stays."""
    variant = reading.place.variant
    assert variant is not None  # noqa: S101 - `may` said so
    _describe_files(variant, reading)
    values = dict(zip(births.VARIANT, births.variant_columns(reading), strict=True))
    for column in ("settings", "reasons", "candidates", "dtypes"):
        values[column] = json.loads(str(values[column]))
    Variant.objects.filter(pk=variant.pk).update(**values)
    describe_index(variant.pk, reading)
    _describe_model(variant, reading, library)
    HashClaim.objects.filter(location=reading.place.id, source=ClaimSource.HEADER).delete()
    births.list_hashes(
        listed.rows(reading.place.id, variant.pk, listed.listed(reading.probe, bytes(reading.place.location.path)))
    )


def describe_index(variant_id: UUID, reading: Reading) -> None:
    """Tensors and parts, instead of those that were known."""
    index = births.index_of(reading.probe)
    Component.objects.filter(variant=variant_id).delete()
    if index is None:
        TensorIndex.objects.filter(variant=variant_id).delete()
        return
    TensorIndex.objects.update_or_create(variant_id=variant_id, defaults={"packed": index[0], "tensors": index[1]})
    names = [bytes(file.name) for file in reading.place.files]
    bulk.insert(Component, births.PART, births.part_rows(variant_id, reading.probe, names))


def _describe_files(variant: Variant, reading: Reading) -> None:
    """Each known file keeps its id; all get the positions that they have now."""
    known = {bytes(file.name): file for file in variant.files.all()}
    if reading.place.single:
        known = dict.fromkeys([bytes(reading.place.files[0].name)], next(iter(known.values())))
    VariantFile.objects.filter(variant=variant).update(position=F("position") - _OUT_OF_THE_WAY)
    for row in reading.place.files:
        file = known.get(bytes(row.name)) or VariantFile(variant=variant)
        file.position, file.name, file.size, file.role = row.position, bytes(row.name), row.size, row.role
        file.save()
        row.file_id = file.pk


def _describe_model(variant: Variant, reading: Reading, library: Library) -> None:
    """Of a model that holds nothing else."""
    if Variant.objects.filter(model=variant.model_id, merged_into=None).exclude(pk=variant.pk).exists():
        return
    model = ModelRecord.objects.select_for_update(no_key=True).get(pk=variant.model_id)
    name = name_of(reading, library)
    told: dict[str, str] = {
        "kind": reading.recognised.kind.value,
        "base": reading.recognised.base.value,
        "licence": header.said(reading.probe).licence or model.licence,
    }
    if RANK[name.source] <= RANK[model.name_source]:
        told |= {"name": name.text, "name_source": name.source.value}
    for column, value in told.items():
        if column.removesuffix("_source") not in model.edited:
            setattr(model, column, value)
    model.save(update_fields=[*told, "updated_at"])
