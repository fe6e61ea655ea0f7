"""Probes out of shapes and words alone, and what they are recognised as."""

from __future__ import annotations

from typing import TYPE_CHECKING

from catalog.formats.base import Probe, TensorInfo
from catalog.recognition import Recognised, recognise
from catalog.vocabulary import Format, Outcome

if TYPE_CHECKING:
    from collections.abc import Mapping

    from catalog.formats.base import Json
    from tests.builders.shapes import Shapes


def of(
    shapes: Shapes,
    metadata: Mapping[str, Json] | None = None,
    *,
    dtype: str = "F16",
    dtypes: Mapping[str, str] | None = None,
    path: bytes = b"",
    container: Format = Format.SAFETENSORS,
) -> Recognised:
    """What a file with these tensors is; `dtypes` are of those that differ."""
    tensors = [TensorInfo(name, (dtypes or {}).get(name, dtype), shape, 0, 0) for name, shape in sorted(shapes.items())]
    return recognise(Probe(container, Outcome.OK, tuple(tensors), dict(metadata or {})), path=path)


def told(found: Recognised) -> tuple[str, str]:
    """Kind and base as their words."""
    return found.kind.value, found.base.value


def reason(found: Recognised, about: str) -> str:
    """The first reason of a field, "" where there is none."""
    return next((one.text for one in found.reasons if one.about == about), "")
