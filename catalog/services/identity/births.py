"""Births in bulk: a model, a variant and all that their header says, in one statement a table."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, NamedTuple
from uuid import UUID, uuid4

from django.utils import timezone

from catalog.formats.packing import pack
from catalog.hashing.parts import parts_of
from catalog.models import (
    Component,
    ExternalId,
    FormerName,
    HashClaim,
    ModelRecord,
    TensorIndex,
    Variant,
    VariantFile,
)
from catalog.services import bulk
from catalog.services.identity import header, listed
from catalog.services.identity.known import NOTHING, Known, Name
from catalog.services.identity.naming import name_of
from catalog.storage.keys import path_key, path_text, stem

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from catalog.formats import Probe
    from catalog.models import Library
    from catalog.services.identity.reading import Reading

PARTS = "parts:v1"
"""The version of the rule that tells a file's parts apart."""

VARIANT = ["format", "precision", "bits", "quantisation", "kind", "base", "parameters", "size", "outcome", "settings"]
VARIANT += ["reasons", "traits", "candidates", "dtypes"]
MODEL = ["id", "name", "name_source", "version_name", "kind", "base", "licence", "source", "tags", "notes", "edited"]
MODEL += ["trigger_words", "touched", "updated_at"]
_FORMER = ["variant_id", "library_id", "path", "path_key", "path_text", "stem"]
PART = ["variant_id", "name", "algorithm", "tensors", "values"]


class Born(NamedTuple):
    """The ids that a place got; its files in order."""

    model_id: UUID
    variant_id: UUID
    file_ids: tuple[UUID, ...]


@dataclass(slots=True)
class _Rows:
    models: list[Sequence[object]] = field(default_factory=list)
    variants: list[Sequence[object]] = field(default_factory=list)
    files: list[Sequence[object]] = field(default_factory=list)
    indexes: list[Sequence[object]] = field(default_factory=list)
    parts: list[Sequence[object]] = field(default_factory=list)
    claims: list[Sequence[object]] = field(default_factory=list)
    former: list[Sequence[object]] = field(default_factory=list)
    external: list[tuple[str, str, UUID]] = field(default_factory=list)


def give_birth(*, readings: Iterable[Reading], library: Library, known: Mapping[int, Known]) -> dict[int, Born]:
    """A model and a variant for each place, by the number of its location. The location itself is the caller's.

    `known` is what the programs that keep the files say, by the same number.
    """
    rows = _Rows()
    born = {
        reading.place.id: _one(reading, library, known.get(reading.place.id, NOTHING), rows) for reading in readings
    }
    bulk.insert(ModelRecord, MODEL, rows.models)
    bulk.insert(Variant, ["id", "model_id", *VARIANT], rows.variants)
    bulk.insert(VariantFile, ["id", "variant_id", "position", "name", "size", "role"], rows.files)
    bulk.insert(TensorIndex, ["variant_id", "packed", "tensors"], rows.indexes)
    bulk.insert(Component, PART, rows.parts)
    bulk.insert(FormerName, _FORMER, rows.former)
    list_hashes(rows.claims)
    list_ids(rows.external)
    return born


def list_ids(ids: Iterable[tuple[str, str, UUID]]) -> None:
    """Ids that other programs give to variants: (scheme, value, id of the variant)."""
    bulk.insert_missing(
        ExternalId, ["scheme", "value", "variant_id"], sorted(set(ids), key=str), otherwise="DO NOTHING"
    )


def list_hashes(claims: Iterable[Sequence[object]]) -> None:
    """What places list now, over what they listed before; rows of `listed.COLUMNS`. Of equal ones the last counts."""
    bulk.insert_missing(
        HashClaim,
        listed.COLUMNS,
        [row for _, row in sorted({_key(claim): claim for claim in claims}.items())],
        otherwise="(location_id, file_id, algorithm, source) DO UPDATE SET digest = excluded.digest,"
        " variant_id = excluded.variant_id",
    )


def _key(claim: Sequence[object]) -> tuple[str, ...]:
    """Place, file, algorithm and source: there is one claim of each."""
    return tuple(str(claim[at]) for at in (0, 5, 2, 4))


def remember_names(*, library: Library, seen: Iterable[tuple[UUID, bytes]]) -> None:
    """Notes that variants were seen at these paths of the library."""
    bulk.insert_missing(
        FormerName,
        _FORMER,
        sorted(_former(variant_id, library, path) for variant_id, path in set(seen)),
        otherwise="(variant_id, library_id, path_key) DO UPDATE SET last_seen = now()",
    )


def variant_columns(reading: Reading) -> tuple[object, ...]:
    """What a header says of a variant, in the order of `VARIANT`."""
    told = reading.recognised
    reasons = [[reason.about, reason.text] for reason in told.reasons]
    return (
        reading.probe.format.value, told.precision, told.bits, told.quantisation, told.kind.value, told.base.value,
        told.parameters, reading.size, reading.probe.outcome.value,
        json.dumps(dict(told.settings), allow_nan=False), json.dumps(reasons),
        [trait.value for trait in told.traits],
        json.dumps([[one.about, one.value, one.text] for one in told.candidates]), json.dumps(dict(told.dtypes)),
    )  # fmt: skip


def index_of(probe: Probe) -> tuple[bytes, int] | None:
    """Packed tensors and their number; None when there is nothing to keep, or far more than one row can hold."""
    if not probe.tensors and not probe.metadata:
        return None
    try:
        return pack(probe), len(probe.tensors)
    except ValueError:
        return None


def part_rows(variant_id: UUID, probe: Probe, names: Sequence[bytes]) -> list[tuple[object, ...]]:
    """A row for each part of the variant; `names` are those of its files."""
    tensors = probe.tensors
    return [
        (variant_id, part, PARTS, len(members), sum(tensors[at].values for at in members))
        for part, members in parts_of(tensors, names).items()
    ]


def _one(reading: Reading, library: Library, known: Known, rows: _Rows) -> Born:
    place, probe = reading.place, reading.probe
    path = bytes(place.location.path)
    name = name_of(reading, library, known)
    born = Born(uuid4(), uuid4(), tuple(uuid4() for _ in place.files))
    rows.models.append(_model(born.model_id, name, reading, known))
    rows.variants.append((born.variant_id, born.model_id, *variant_columns(reading)))
    for file_id, file in zip(born.file_ids, place.files, strict=True):
        rows.files.append((file_id, born.variant_id, file.position, bytes(file.name), file.size, file.role))
    index = index_of(probe)
    if index is not None:
        rows.indexes.append((born.variant_id, *index))
    if probe.tensors:
        rows.parts += part_rows(born.variant_id, probe, [bytes(file.name) for file in place.files])
    rows.claims += listed.rows(place.id, born.variant_id, [*listed.listed(probe, path), *known.claims])
    rows.former.append(_former(born.variant_id, library, path))
    rows.external += [(scheme, value, born.variant_id) for scheme, value in known.ids]
    return born


def _model(model_id: UUID, name: Name, reading: Reading, known: Known) -> tuple[object, ...]:
    told, own = reading.recognised, header.said(reading.probe)
    licence, both = own.licence or known.licence, known.besides(own)
    return (
        model_id, name.text, name.source.value, both.version, told.kind.value, told.base.value, licence, both.source,
        list(both.tags), "", [], list(both.words), False, timezone.now(),
    )  # fmt: skip


def _former(variant_id: UUID, library: Library, path: bytes) -> tuple[object, ...]:
    text = path_text(path)
    return variant_id, library.pk, path, path_key(path), text, stem(path, library=bytes(library.path))
