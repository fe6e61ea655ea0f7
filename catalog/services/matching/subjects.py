"""Variants as a comparison takes them, from what is kept of them: their files are not needed."""

from __future__ import annotations

from collections import OrderedDict, defaultdict
from typing import TYPE_CHECKING

from catalog.fingerprints import packing
from catalog.formats.packing import unpack
from catalog.matching.base import Subject
from catalog.models import Component, ModelHash, TensorIndex, Variant
from catalog.storage.values import shown
from catalog.vocabulary import Algorithm, FileRole, Outcome

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping
    from uuid import UUID

    from catalog.fingerprints.base import Fingerprint
    from catalog.formats.base import Json

UNSOUND = frozenset({Outcome.INVALID.value, Outcome.SUSPICIOUS.value, Outcome.UNSAFE.value})
"""Malformed or suspicious: never joined by itself."""
_MOST_TENSORS = 30_000
"""Of a tensor some three kilobytes are in the hand: its digests, its keys, a hundred samples with their ends."""


class Shelf:
    """Subjects that one run needs again and again; those not asked for the longest make room."""

    def __init__(self, most: int = _MOST_TENSORS) -> None:
        self._most = most
        self._kept: OrderedDict[UUID, Subject] = OrderedDict()
        self._tensors = 0

    def get(self, variant: UUID) -> Subject | None:
        """What is kept of a variant; None for one that is not there."""
        subject = self._kept.pop(variant, None)
        if subject is None:
            subject = load([variant]).get(variant)
            if subject is None:
                return None
            self._tensors += _tensors(subject)
        self._kept[variant] = subject
        while self._tensors > self._most and len(self._kept) > 1:
            self._tensors -= _tensors(self._kept.popitem(last=False)[1])
        return subject


def _tensors(subject: Subject) -> int:
    return sum(len(component.tensors) for component in subject.components)


def load(ids: Collection[UUID]) -> dict[UUID, Subject]:
    """By id; of a variant that was not read in full little is known, of one that is not there nothing."""
    if not ids:
        return {}
    whole = _digests(ids)
    components = _components(ids)
    metadata = _metadata(ids)
    files = _files(ids)
    return {
        row.pk: Subject(
            label=str(row.pk),
            content=bytes(row.content) if row.content is not None else None,
            whole=whole[row.pk],
            components=components.get(row.pk, ()),
            settings=row.settings,
            metadata=metadata.get(row.pk, {}),
            format=row.format,
            kind=row.kind,
            sound=row.outcome not in UNSOUND,
            files=files[row.pk],
        )
        for row in Variant.objects.filter(pk__in=ids).only("content", "settings", "format", "kind", "outcome")
    }


def _digests(ids: Collection[UUID]) -> Mapping[UUID, Mapping[str, bytes]]:
    found: dict[UUID, dict[str, bytes]] = defaultdict(dict)
    rows = ModelHash.objects.filter(variant__in=ids, file=None)
    for variant, algorithm, digest in rows.values_list("variant", "algorithm", "digest"):
        found[variant][algorithm] = bytes(digest)
    return found


def _files(ids: Collection[UUID]) -> Mapping[UUID, Mapping[str, bytes]]:
    """BLAKE3 of the files of a set that hold no weights, by name."""
    found: dict[UUID, dict[str, bytes]] = defaultdict(dict)
    rows = ModelHash.objects.filter(variant__in=ids, file__isnull=False, algorithm=Algorithm.BLAKE3)
    rows = rows.exclude(file__role__in=(FileRole.WEIGHTS, FileRole.DATA)).filter(file__merged_into=None)
    for variant, name, digest in rows.values_list("variant", "file__name", "digest"):
        found[variant][shown(bytes(name))] = bytes(digest)
    return found


def _components(ids: Collection[UUID]) -> Mapping[UUID, tuple[Fingerprint, ...]]:
    """Of the newest version that was computed; one that cannot be read any more counts as not computed."""
    rows = Component.objects.filter(variant__in=ids, fingerprint__isnull=False).order_by("variant", "pk")
    found: dict[UUID, list[Fingerprint]] = defaultdict(list)
    for variant, packed in rows.values_list("variant", "fingerprint"):
        try:
            found[variant].append(packing.unpack(bytes(packed or b"")))
        except ValueError:
            continue
    return {variant: _newest(prints) for variant, prints in found.items() if prints}


def _newest(prints: list[Fingerprint]) -> tuple[Fingerprint, ...]:
    version = max(one.version for one in prints)
    return tuple(one for one in prints if one.version == version)


def _metadata(ids: Collection[UUID]) -> dict[UUID, Mapping[str, Json]]:
    rows = TensorIndex.objects.filter(variant__in=ids).values_list("variant", "packed")
    return {variant: unpack(bytes(packed)).metadata for variant, packed in rows}
