"""The rows of computed digests: of each file, of the set, of its parts, of its tensors."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING
from uuid import UUID

from catalog.fingerprints.base import VERSION
from catalog.fingerprints.keys import Exact
from catalog.formats import Probe
from catalog.formats.packing import pack
from catalog.hashing.parts import parts_of
from catalog.models import Component, ComponentKey, ModelHash, TensorIndex, Variant, VariantFile
from catalog.services import bulk
from catalog.services.hashing.printing import Print
from catalog.services.identity import births
from catalog.vocabulary import Format, Outcome

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence
    from typing import TypeAlias

    from catalog.services.hashing.digesting import Digested
    from catalog.services.identity.places import Place

    Files: TypeAlias = Mapping[UUID, Mapping[bytes, UUID]]

_HASH = ["variant_id", "file_id", "algorithm", "digest"]
_PART = ["variant_id", "name", "algorithm", "tensors", "values", "tensors_digest", "weights_digest", "fingerprint"]
_PART += ["core_tensors", "core_values", "exact_f16", "exact_bf16", "version"]
_PRINTED = ", ".join(f"{name} = excluded.{name}" for name in _PART[5:])
_KEY = ["component_id", "kind", "key", "alone"]
_NOTHING = Print("", b"", (), 0, 0, Exact(f16=False, bf16=False))


@dataclass(frozen=True, slots=True)
class Told:
    """A place that was read, and the variant that it proved to be.

    `fresh`: the variant got its content just now. `first` of the places of that content. `moved`: the place was of
    another variant before.
    """

    digested: Digested
    variant: Variant
    fresh: bool
    first: bool
    moved: bool

    @property
    def place(self) -> Place:
        """What was read."""
        return self.digested.place

    @property
    def outcome(self) -> str:
        """What reading came to."""
        return outcome_of(self.digested)

    @property
    def at_home(self) -> bool:
        """The place is of that variant, and was all along, and its files are linked to those of the variant."""
        return self.place.location.variant_id == self.variant.pk and all(file.file_id for file in self.place.files)

    def file_ids(self, files: Files) -> list[UUID | None]:
        """The variant's file for each file of the place; `files` are those of variants that are new to their places."""
        if self.at_home:
            return [file.file_id for file in self.place.files]
        known = files.get(self.variant.pk, {})
        if self.place.single:
            return [next(iter(known.values()), None)]
        return [known.get(bytes(file.name)) for file in self.place.files]


def outcome_of(digested: Digested) -> str:
    """What reading a place came to, by the header that was read last."""
    reading = digested.reading
    return reading.probe.outcome.value if reading is not None else digested.place.location.outcome


def files_of(told: Iterable[Told]) -> Files:
    """The live files of the variants, by variant and name, in their order."""
    rows = VariantFile.objects.filter(variant__in={one.variant.pk for one in told}, merged_into=None)
    files: dict[UUID, dict[bytes, UUID]] = {}
    for variant, name, pk in rows.order_by("variant", "position").values_list("variant", "name", "pk"):
        files.setdefault(variant, {})[bytes(name)] = pk
    return files


def store_digests(told: Sequence[Told]) -> list[Variant]:
    """Everything that was computed, once for each variant. Brings back those that got new fingerprints."""
    first = [one for one in told if one.first]
    files = files_of(one for one in first if not one.at_home)
    _store_hashes([row for one in first for row in _hashes(one, files)])
    fresh = sorted((one for one in first if one.fresh), key=lambda one: one.variant.pk)
    bulk.insert_missing(
        TensorIndex,
        ["variant_id", "packed", "tensors"],
        [(one.variant.pk, packed, len(one.digested.tensors)) for one in fresh if (packed := _packed(one.digested))],
        otherwise="(variant_id) DO UPDATE SET packed = excluded.packed, tensors = excluded.tensors",
    )
    printed = sorted(_to_print(first), key=lambda one: one.variant.pk)
    bulk.insert_missing(
        Component,
        _PART,
        [row for one in printed for row in _parts(one)],
        otherwise=f"(variant_id, name, algorithm) DO UPDATE SET {_PRINTED}",
    )
    passed_over = Component.objects.filter(variant__in=[one.variant.pk for one in printed], version__lt=VERSION)
    passed_over.update(version=VERSION)  # nothing was found for them, and they are not read again for that
    _store_keys(printed)
    return [one.variant for one in printed]


def _to_print(first: Sequence[Told]) -> list[Told]:
    """Those whose parts are new, or were last read by an older version of the fingerprint."""
    known = [one.variant.pk for one in first if not one.fresh]
    older = set(Component.objects.filter(variant__in=known, version__lt=VERSION).values_list("variant", flat=True))
    return [one for one in first if one.fresh or one.variant.pk in older]


def _store_keys(printed: Sequence[Told]) -> None:
    """The keys of all parts, over those of before; who has a fingerprint is looked for among all others."""
    ComponentKey.objects.filter(component__variant__in=[one.variant.pk for one in printed]).delete()
    again = [one for one in printed if not one.fresh or one.variant.content is None]  # others are told with content
    due = ["id", "search_due", "search_lease"]  # whoever searches just now looks at what it was before
    bulk.update(Variant, due, [(one.variant.pk, True, None) for one in again if one.digested.prints])
    found = {one.variant.pk: one.digested.prints for one in printed if any(part.keys for part in one.digested.prints)}
    rows = Component.objects.filter(variant__in=found, algorithm=births.PARTS).values_list("variant", "name", "pk")
    parts = {(variant, name): pk for variant, name, pk in rows}
    bulk.insert(
        ComponentKey,
        _KEY,
        [
            (parts[variant, one.name], int(key.kind), UUID(bytes=key.key), _alone(prints))
            for variant, prints in found.items()
            for one in prints
            for key in one.keys
        ],
    )


def _alone(prints: Sequence[Print]) -> bool:
    return sum(one.core_tensors > 0 for one in prints) == 1


def _store_hashes(rows: list[tuple[UUID, UUID | None, str, bytes]]) -> None:
    """Those of a variant that never had any are written in half the time."""
    known = set(ModelHash.objects.filter(variant__in={row[0] for row in rows}).values_list("variant", flat=True))
    bulk.insert(ModelHash, _HASH, [row for row in rows if row[0] not in known])
    bulk.insert_missing(
        ModelHash,
        _HASH,
        sorted((row for row in rows if row[0] in known), key=_key),
        otherwise="(variant_id, file_id, algorithm) DO UPDATE SET digest = excluded.digest,"
        " computed_at = statement_timestamp() WHERE catalog_modelhash.digest <> excluded.digest",
    )


def _key(row: Sequence[object]) -> tuple[str, str, str]:
    """In the order of the unique key, whoever writes them."""
    return str(row[0]), str(row[1] or ""), str(row[2])


def _packed(digested: Digested) -> bytes | None:
    """The tensor index with its digests; None when there is nothing to keep, or more than one row can hold."""
    index = digested.index
    if index is None:
        return None
    try:
        probe = Probe(Format.OTHER, Outcome.OK, index.tensors, index.metadata, index.body)
        return pack(probe, digested.tensors)
    except ValueError:
        return None


def _hashes(one: Told, files: Files) -> Iterator[tuple[UUID, UUID | None, str, bytes]]:
    variant = one.variant.pk
    for file_id, computed in zip(one.file_ids(files), one.digested.files, strict=True):
        if file_id is not None:
            for algorithm, digest in computed.items():
                yield variant, file_id, str(algorithm), digest
    for algorithm, digest in one.digested.whole.items():
        yield variant, None, str(algorithm), digest


def _parts(one: Told) -> Iterator[tuple[object, ...]]:
    index = one.digested.index
    if index is None:
        return
    prints = {part.name: part for part in one.digested.prints}
    members = parts_of(index.tensors, [bytes(file.name) for file in one.place.files])
    for part in one.digested.parts:
        tensors = [index.tensors[at] for at in members[part.name]]
        values = sum(tensor.values for tensor in tensors)
        found = prints.get(part.name, _NOTHING)
        yield (
            one.variant.pk, part.name, births.PARTS, len(tensors), values, part.tensors, part.weights,
            found.packed or None, found.core_tensors, found.core_values, *found.exact, VERSION,
        )  # fmt: skip
