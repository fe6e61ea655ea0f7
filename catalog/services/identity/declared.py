"""Who declares that two variants are one model: the repository or the page that both come from, or a GGUF's header.

A declaration proves nothing, so it never joins. It makes a class of its own of what a person is asked.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from django.db.models import Q

from catalog.formats.packing import unpack
from catalog.models import ExternalId, TensorIndex, Variant
from catalog.vocabulary import Format

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping
    from uuid import UUID

    from catalog.formats.base import Json
    from catalog.models import Match

REPOSITORY, VERSION, BASE = "repository", "civitai-version", "base_model"

# ggml docs/gguf.md: general.base_model.{id}.repo_url, general.source.repo_url
_ORIGIN = re.compile(r"general\.(?:base_model\.\d+|source)\.(?:repo_url|url|huggingface\.repository)")
_PAGE = re.compile(r"(?:https?://)?(?:www\.)?huggingface\.co/([\w.-]+/[\w.-]+)")


def declared_by(match: Match) -> str:
    """`repository`, `civitai-version` or `base_model`: what says that the two are one model; "" if nothing does."""
    ids = (match.left_id, match.right_id)
    given = _ids(ids)
    left, right = (given.get(pk, set()) for pk in ids)
    both = {scheme for scheme, _ in left & right}
    if "civitai-version" in both:
        return VERSION
    if "hf" in both:
        return REPOSITORY
    origins = _origins(ids)
    names = [{value for scheme, value in found if scheme == "hf"} | origins.get(pk, set())
             for pk, found in zip(ids, (left, right), strict=True)]  # fmt: skip
    return BASE if names[0] & names[1] else ""


def _ids(variants: Collection[UUID]) -> Mapping[UUID, set[tuple[str, str]]]:
    """Ids of other sites, of a variant or of its model; of a file in a repository the repository."""
    models = dict(Variant.objects.filter(pk__in=variants).values_list("pk", "model"))
    rows = ExternalId.objects.filter(
        Q(variant__in=variants) | Q(model__in=models.values()), scheme__in=("hf", "civitai-version")
    )
    found: dict[UUID, set[tuple[str, str]]] = {pk: set() for pk in models}
    for row in rows:
        value = row.value.partition("@")[0].lower() if row.scheme == "hf" else row.value
        for pk, model in models.items():
            if pk == row.variant_id or model == row.model_id:
                found[pk].add((row.scheme, value))
    return found


def _origins(variants: Collection[UUID]) -> dict[UUID, set[str]]:
    """The repositories that the header of a GGUF file says it was made of."""
    rows = TensorIndex.objects.filter(variant__in=variants, variant__format=Format.GGUF)
    return {
        variant: _repositories(unpack(bytes(packed)).metadata)
        for variant, packed in rows.values_list("variant", "packed")
    }


def _repositories(metadata: Mapping[str, Json]) -> set[str]:
    found = set()
    for name, value in metadata.items():
        page = _PAGE.match(value) if isinstance(value, str) and _ORIGIN.fullmatch(name) else None
        if page is not None:
            found.add(page[1].removesuffix(".git").lower())
    return found
