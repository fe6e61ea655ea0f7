"""Forms of one small network in a library, searched for and compared until nothing waits."""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING

from django.conf import settings

from catalog.models import Library, Match
from catalog.services.matching import comparing, leases, searching
from tests.builders import HALF, networks
from tests.builders.conversions import single
from tests.builders.conversions_layout import renamed
from tests.builders.conversions_precision import chain
from tests.builders.conversions_quantised import int8_beside_scales
from tests.builders.misses import trained
from tests.identity.catalogue import catalogue, put, variant_at

if TYPE_CHECKING:
    from pathlib import Path


@lru_cache(maxsize=8)
def made(kind: str, seed: int = 3) -> bytes:
    """One file of a small network."""
    tensors = networks.convnet(seed).tensors
    change = {
        "f32": dict,
        "f16": chain(HALF),
        "renamed f16": lambda tensors: renamed(chain(HALF)(tensors)),
        "int8": lambda tensors: int8_beside_scales(tensors, by_row=True),
        "trained": trained(1e-2),
    }[kind]
    (content,) = single(change(tensors)).values()
    return content


def bring(library: Library, folder: Path, *kinds: str) -> None:
    """Files of these kinds, scanned and read."""
    for kind in kinds:
        put(folder, f"{kind}.safetensors", made(kind))
    catalogue(library)


def search_all() -> int:
    """Everybody who waits; how many."""
    count = 0
    while claim := leases.take():
        searching.search(claim)
        count += 1
    return count


def compare_all() -> int:
    """Every pair that can be read; how many."""
    count = 0
    while work := comparing.take(queue=settings.QUEUE):
        assert comparing.compare(work) is not None
        count += 1
    return count


def relation(library: Library, one: str, other: str) -> Match | None:
    ends = {variant_at(library, f"{name}.safetensors").pk for name in (one, other)}
    return Match.objects.filter(left__in=ends, right__in=ends).first()
