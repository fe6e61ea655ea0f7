"""A probe as rules look at it: tensors by name, beginnings and endings of names, the header's words, the place."""

from __future__ import annotations

import re
from bisect import bisect_left
from functools import cached_property
from itertools import pairwise
from typing import TYPE_CHECKING

from catalog.formats.folders import HEADER
from catalog.recognition.layers import read

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from catalog.formats.base import Json, Probe, TensorInfo
    from catalog.recognition.layers import Layer

_WRAPPERS = ("module.", "_orig_mod.", "params_ema.", "params.", "state_dict.")
"""Prefixes of all names that say nothing of the model: parallel training, compilation, BasicSR, Lightning."""

_NEAREST = 4  # the file and three folders: those above are about more than one model
_ONNX_NAMES = ("inputs", "outputs")


class Facts:
    """What is known of one model. Made once for a probe; everything costly is made when first asked for."""

    def __init__(self, probe: Probe, path: bytes = b"") -> None:
        self.probe = probe
        self.path = path
        self._said: dict[str, Json] = {}

    @cached_property
    def tensors(self) -> Mapping[str, TensorInfo]:
        """By name, without a wrapper that all names share."""
        named = {tensor.name: tensor for tensor in self.probe.tensors}
        for _ in _WRAPPERS:
            wrapper = _shared(named)
            if not wrapper:
                break
            named = {name[len(wrapper) :]: tensor for name, tensor in named.items()}
        return named

    @cached_property
    def ordered(self) -> Sequence[str]:
        """The names in order."""
        return sorted(self.tensors)

    @cached_property
    def names(self) -> str:
        """Every name on a line of its own, a line's end before the first and after the last."""
        return "\n".join(["", *self.tensors, ""])

    @cached_property
    def lasts(self) -> frozenset[str]:
        """The last part of every name."""
        return frozenset([name[name.rfind(".") + 1 :] for name in self.tensors])

    @cached_property
    def words(self) -> frozenset[str]:
        """The words of the file's name and of the folders that it lies in, and each pair of neighbours as one."""
        text = "/".join(self.path.decode(errors="replace").lower().split("/")[-_NEAREST:])
        parts = [word for word in re.split(r"[^a-z0-9.]+|\.(?=[a-z])", text) if word]
        return frozenset([*parts, *(f"{one}-{other}" for one, other in pairwise(parts))])

    @cached_property
    def header(self) -> Mapping[str, Json]:
        """The metadata in the header of the file, or of a set's first weight file."""
        inner = self.probe.metadata.get(HEADER)
        return inner if isinstance(inner, dict) else self.probe.metadata

    @cached_property
    def puts(self) -> frozenset[str]:
        """The names of an ONNX graph's inputs and outputs."""
        return frozenset(name for key in _ONNX_NAMES for name in _named(self.header.get(key)))

    @cached_property
    def layers(self) -> tuple[str, Mapping[str, tuple[Layer, ...]]]:
        """The kinds of layers that a LoRA changes; see `layers.read`."""
        return read(self)

    def begins(self, text: str) -> bool:
        """Whether a name begins with `text`."""
        at = bisect_left(self.ordered, text)
        return at < len(self.ordered) and self.ordered[at].startswith(text)

    def ends(self, text: str) -> bool:
        """Whether a name ends with `text`: whole parts, each with its dot."""
        last = text.rpartition(".")[2]
        return last in self.lasts and (len(last) + 1 == len(text) or f"{text}\n" in self.names)

    def config(self, path: str) -> Mapping[str, Json]:
        """A configuration of the set by its relative name; empty where there is none."""
        found = self.probe.metadata.get(path)
        return found if isinstance(found, dict) else {}

    def says(self, path: str) -> Json:
        """A value: `config.json:model_type` of a configuration, `ss_v2` of the header; None where it is not stated."""
        if path not in self._said:
            file, colon, key = path.rpartition(":")
            self._said[path] = self.config(file).get(key) if colon else self.header.get(key)
        return self._said[path]


def _shared(named: Mapping[str, TensorInfo]) -> str:
    """The wrapper that every name begins with, "" where there is none."""
    first = next(iter(named), "")
    wrapper = next((text for text in _WRAPPERS if first.startswith(text)), "")
    return wrapper if wrapper and all(name.startswith(wrapper) for name in named) else ""


def _named(puts: Json) -> list[str]:
    """Names stand there as such, in tables, or as the table's keys."""
    if isinstance(puts, dict):
        return list(puts)
    if not isinstance(puts, list):
        return []
    told = [put.get("name") if isinstance(put, dict) else put for put in puts]
    return [name for name in told if isinstance(name, str)]
