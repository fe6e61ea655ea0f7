"""A probe as rules look at it: tensors by name, all names as one text, the header's and the configurations' words."""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING

from catalog.formats.folders import HEADER

if TYPE_CHECKING:
    from collections.abc import Mapping

    from catalog.formats.base import Json, Probe, TensorInfo


class Facts:
    """What is known of one model. Made once for a probe; everything costly is made when first asked for."""

    def __init__(self, probe: Probe) -> None:
        self.probe = probe

    @cached_property
    def tensors(self) -> Mapping[str, TensorInfo]:
        return {tensor.name: tensor for tensor in self.probe.tensors}

    @cached_property
    def names(self) -> str:
        """Every name on a line of its own, a line's end before the first and after the last."""
        return "\n".join(["", *self.tensors, ""])

    @cached_property
    def header(self) -> Mapping[str, Json]:
        """The metadata in the header of the file, or of a set's first weight file."""
        inner = self.probe.metadata.get(HEADER)
        return inner if isinstance(inner, dict) else self.probe.metadata

    def config(self, path: str) -> Mapping[str, Json]:
        """A configuration of the set by its relative name; empty where there is none."""
        found = self.probe.metadata.get(path)
        return found if isinstance(found, dict) else {}

    def says(self, path: str) -> Json:
        """A value: `config.json:model_type` of a configuration, `ss_v2` of the header; None where it is not stated."""
        file, colon, key = path.rpartition(":")
        return self.config(file).get(key) if colon else self.header.get(key)
