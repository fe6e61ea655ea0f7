"""The layers that a LoRA changes, under one spelling whatever program wrote them, with the widths of each.

`lora_unet_down_blocks_1_attentions_0_proj_in` and `unet.down_blocks.1.attentions.0.proj_in` are both
`down_blocks_#_attentions_#_proj_in`; layers of text encoders begin with `te_`, `te2_` and so on.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from itertools import islice
from typing import TYPE_CHECKING, ClassVar, NamedTuple

from catalog.recognition.base import Sign

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from catalog.formats.base import TensorInfo
    from catalog.recognition.facts import Facts

LOW = (
    ".lora_down.weight",
    ".lora_A.weight",
    ".lora_A.default.weight",
    ".lora.down.weight",
    ".lora_A",
    ".lora_a",
    ".to_k_lora.down.weight",
    ".qkv_lora1.down.weight",
    ".qkv_lora.down.weight",
    ".proj_lora1.down.weight",
    ".lora_linear_layer.down.weight",
)
"""Endings of the matrix that the input meets first: rank x input."""

HIGH = (
    ".lora_up.weight",
    ".lora_B.weight",
    ".lora_B.default.weight",
    ".lora.up.weight",
    ".lora_B",
    ".lora_b",
    ".to_k_lora.up.weight",
    ".qkv_lora1.up.weight",
    ".qkv_lora.up.weight",
    ".proj_lora1.up.weight",
    ".lora_linear_layer.up.weight",
)
"""The second, output x rank, in the same order."""

_FACTORS = (
    (".lokr_w1", ".lokr_w2"),
    (".lokr_w1_b", ".lokr_w2"),
    (".lokr_w1", ".lokr_w2_b"),
    (".lokr_w1_b", ".lokr_w2_b"),
)
_OTHERS = (
    ".lokr_w1",
    ".lokr_w1_a",
    ".oft_blocks",
    ".oft_diag",
    ".oft_R.weight",
    ".diff",
    ".on_input",
    ".a1.weight",
    ".w_norm",
)
_PREFIXES = (
    ("lora_unet_", ""),
    ("lora_transformer_", ""),
    ("lora_prior_unet_", ""),
    ("lycoris_", ""),
    ("oft_unet_", ""),
    ("hada_unet_", ""),
    ("base_model.model.", ""),
    ("model.diffusion_model.", ""),
    ("diffusion_model.", ""),
    ("transformer.", ""),
    ("transformer_2.", ""),
    ("unet.", ""),
    ("lora_te_", "te_"),
    ("lora_te1_", "te1_"),
    ("lora_te2_", "te2_"),
    ("lora_te3_", "te3_"),
    ("text_encoder.", "te_"),
    ("text_encoder_2.", "te2_"),
    ("text_encoders.", "te_"),
)
_DIGITS = 6
_LONGEST = 300
MOST = 20_000
"""Layers that are looked at; the largest networks have a tenth of them."""

_NUMBER = re.compile(r"(?<=[_.])\d+(?=[_.\n])")


class Layer(NamedTuple):
    """`inputs` and `outputs` are 0 where they cannot be told; `last` is the highest first number of its kind."""

    tensor: str
    inputs: int
    outputs: int
    last: int


def read(facts: Facts) -> tuple[str, Mapping[str, tuple[Layer, ...]]]:
    """All kinds of layers on lines, and of each kind its layers with different widths."""
    found: dict[str, dict[tuple[int, int], Layer]] = {}
    listed = [row for row in islice(_changed(facts), MOST) if len(row[0]) <= _LONGEST and "\n" not in row[0]]
    kinds = _NUMBER.sub("#", "\n".join([*(path for path, _, _, _ in listed), ""])).split("\n")
    for kind, (path, tensor, inputs, outputs) in zip(kinds, listed, strict=False):
        number = _first_number(kind, path)
        same = found.setdefault(kind.replace(".", "_"), {})
        known = same.get((inputs, outputs))
        if known is None or known.last < number:
            same[inputs, outputs] = Layer(known.tensor if known else tensor, inputs, outputs, number)
    return "\n".join(["", *found, ""]), {kind: tuple(widths.values()) for kind, widths in found.items()}


@dataclass(frozen=True, slots=True)
class Changes:
    """A changed layer whose kind matches `pattern` from its beginning; its widths, where given, are among these.

    `above`: there is one with a higher number than this: the network has more blocks.
    """

    pattern: str
    inputs: tuple[int, ...] = ()
    outputs: tuple[int, ...] = ()
    above: int = -1
    sign: ClassVar[Sign] = Sign.TENSORS

    def found(self, facts: Facts) -> str:
        lines, kinds = facts.layers
        for match in re.finditer(f"^(?:{self.pattern}).*$", lines, re.MULTILINE):
            for layer in kinds.get(match[0], ()):
                if self._fits(layer):
                    return _words(layer, shown=bool(self.inputs), beyond=self.above)
        return ""

    def _fits(self, layer: Layer) -> bool:
        return (
            (not self.inputs or layer.inputs in self.inputs)
            and (not self.outputs or layer.outputs in self.outputs)
            and layer.last > self.above
        )


def _words(layer: Layer, *, shown: bool, beyond: int) -> str:
    if beyond >= 0:
        return f"changes block {layer.last} in layers such as {layer.tensor}"
    return f"{layer.tensor} reads {layer.inputs} values" if shown else f"changes {layer.tensor}"


def _changed(facts: Facts) -> Iterator[tuple[str, str, int, int]]:
    """Of every changed layer the path, a tensor's name, the width of its input and of its output."""
    for low, high in zip(LOW, HIGH, strict=True):
        for name, stem in _ending(facts, low):
            yield _path(stem), name, _axis(facts, name, 1), _axis(facts, stem + high, 0)
    yield from _kronecker(facts)
    for name, stem in _ending(facts, ".hada_w1_b"):
        yield _path(stem), name, _axis(facts, name, 1), 0
    for ending in _OTHERS:
        for name, stem in _ending(facts, ending):
            yield _path(stem), name, 0, 0


def _ending(facts: Facts, ending: str) -> list[tuple[str, str]]:
    """The names with this ending, each with what stands before it."""
    if not facts.ends(ending):
        return []
    return [(name, name[: -len(ending)]) for name in facts.ordered if name.endswith(ending)]


def _kronecker(facts: Facts) -> Iterator[tuple[str, str, int, int]]:
    for one, other in _FACTORS:
        for name, stem in _ending(facts, one):
            if stem + other in facts.tensors:
                inputs = _axis(facts, name, 1) * _axis(facts, stem + other, 1)
                yield _path(stem), name, inputs, _axis(facts, name, 0) * _axis(facts, stem + other, 0)


def _axis(facts: Facts, name: str, axis: int) -> int:
    tensor: TensorInfo | None = facts.tensors.get(name)
    return tensor.shape[axis] if tensor is not None and len(tensor.shape) > axis else 0


def _path(stem: str) -> str:
    for prefix, spelled in _PREFIXES:
        if stem.startswith(prefix):
            rest = stem[len(prefix) :]
            return _path(rest) if prefix == "base_model.model." else spelled + rest.replace(".", "_")
    return stem.replace(".", "_")


def _first_number(kind: str, path: str) -> int:
    """The number that stands where the kind has its first `#`; 0 where it has none."""
    at = kind.find("#")
    digits = path[at : at + _DIGITS].partition("_")[0].partition(".")[0] if at >= 0 else ""
    return int(digits) if digits.isdecimal() else 0
