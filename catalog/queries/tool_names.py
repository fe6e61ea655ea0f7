"""What the tool that a place belongs to calls the model there: its category and name, its tag, its key."""

from __future__ import annotations

from collections import defaultdict
from functools import cached_property
from typing import TYPE_CHECKING

from catalog import layouts
from catalog.layouts.kept import Tools
from catalog.models import ExternalId, ModelHash
from catalog.vocabulary import Algorithm

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from uuid import UUID

    from catalog.models import Location


class ToolNames:
    """Names for the places of these variants; two statements at most, and none where no tool needs them.

    `digests` are their SHA-256 in hexadecimal, where somebody has them already.
    """

    def __init__(self, variants: Iterable[UUID], digests: Mapping[UUID, str] | None = None) -> None:
        self._variants, self._known = list(variants), digests
        self._tools: dict[int, Tools] = {}

    def of(self, place: Location, *, kind: str = "") -> str:
        """`checkpoints / sub/foo.safetensors`; "" where no tool has a name for it. `place` comes with its library."""
        layout = layouts.named(place.layout)
        if layout is None or place.variant_id is None:
            return ""
        digest = self._digests.get(place.variant_id) if layout.by_digest and not place.set_name else None
        title = self._of_library(place).title(bytes(place.path), layout=layout.name, sha256=digest, kind=kind)
        if title or not layout.scheme:
            return title
        return ", ".join(self._ids[place.variant_id, layout.scheme])

    def _of_library(self, place: Location) -> Tools:
        if place.library_id not in self._tools:
            self._tools[place.library_id] = Tools.kept(place.library.last_report) or Tools()
        return self._tools[place.library_id]

    @cached_property
    def _digests(self) -> Mapping[UUID, str]:
        if self._known is not None:
            return self._known
        rows = ModelHash.objects.filter(variant__in=self._variants, algorithm=Algorithm.SHA256, file__position=0)
        return {pk: bytes(digest).hex() for pk, digest in rows.values_list("variant", "digest")}

    @cached_property
    def _ids(self) -> Mapping[tuple[UUID | None, str], list[str]]:
        ids: dict[tuple[UUID | None, str], list[str]] = defaultdict(list)
        rows = ExternalId.objects.filter(variant__in=self._variants).order_by("value")
        for variant, scheme, value in rows.values_list("variant", "scheme", "value"):
            ids[variant, scheme].append(value)
        return ids
