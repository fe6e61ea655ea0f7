"""Every conversion of a network that must be recognised: kind -> files, and the words that recognition must find.

`files(...)` of one file is that file under its name; of several a folder.
"""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, NamedTuple, TypeAlias

import numpy as np

from catalog.vocabulary import Relation
from tests.builders import BRAIN, HALF, safetensors, sharded, write_tree
from tests.builders import conversions_layout as layout
from tests.builders import conversions_precision as precision
from tests.builders import conversions_quantised as quantised
from tests.builders.onnx_files import onnx
from tests.builders.pickles import torch_legacy, torch_zip

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

    from tests.builders import Array, Packed, Tensors
    from tests.builders.networks import Network

    Files: TypeAlias = "dict[str, bytes]"
    Change: TypeAlias = "Callable[[Mapping[str, Array]], Tensors]"

SAME_TENSORS, SAME_WEIGHTS = Relation.SAME_TENSORS, Relation.SAME_WEIGHTS
OTHER_PRECISION, QUANTISED = Relation.OTHER_PRECISION, Relation.QUANTISED
SINGLE = precision.SINGLE

EXACT_GGUF = ("Q8_0", "Q4_0", "Q4_1", "Q5_0", "Q5_1")
GGUF = (*EXACT_GGUF, "Q6_K", "Q5_K", "Q4_K", "Q3_K", "Q2_K", "IQ4_NL", "IQ4_XS")


class Conversion(NamedTuple):
    """What it is called beside the network in float32, and its files."""

    relation: Relation
    make: Callable[[], Files]


def conversions(network: Network, quantise: Callable[[Array, str], Packed] | None = None) -> dict[str, Conversion]:
    """All that apply to this network, by kind. Without a quantiser no GGUF ones but those in floats."""
    found = {**_containers(network), **_layouts(network), **_precisions(network), **_integers(network)}
    if network.header:
        found |= _gguf(network, quantise)
    return found


def write(folder: Path, name: str, files: Mapping[str, bytes]) -> Path:
    """The path of the one file, or of the folder with all of them."""
    if len(files) > 1:
        return write_tree(folder / name, files)
    (inner,) = files
    path = folder / f"{name}{inner[inner.rindex('.') :]}"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(files[inner])
    return path


def single(tensors: Mapping[str, Array], notes: Mapping[str, str] | None = None) -> Files:
    """One safetensors file."""
    return {"model.safetensors": safetensors(tensors, notes)}


def _containers(network: Network) -> dict[str, Conversion]:
    tensors = network.tensors
    state: dict[str, object] = dict(tensors)
    trained = {"epoch": 3, "state_dict": state, "optimizer": _optimiser(tensors)}
    return {
        "safetensors, another header": Conversion(
            SAME_TENSORS, lambda: single(layout.reordered(tensors), {"modelspec.title": "renamed by somebody"})
        ),
        "pickle in a zip": Conversion(SAME_TENSORS, lambda: {"pytorch_model.bin": torch_zip(state)}),
        "legacy pickle": Conversion(SAME_TENSORS, lambda: {"model.pt": torch_legacy(state)}),
        "sharded": Conversion(SAME_TENSORS, lambda: {**sharded(tensors, 3), "config.json": b"{}"}),
        "ONNX": Conversion(SAME_TENSORS, lambda: {"model.onnx": onnx(tensors)}),
        "ONNX without names, turned": Conversion(SAME_WEIGHTS, lambda: {"model.onnx": onnx(anonymous(tensors))}),
        "ONNX f16 converter": Conversion(
            OTHER_PRECISION, lambda: {"model.onnx": onnx(precision.clamped(anonymous(tensors)))}
        ),
        "training state around it": Conversion(SAME_WEIGHTS, lambda: {"last.ckpt": torch_zip(trained)}),
    }


def _optimiser(tensors: Mapping[str, Array]) -> dict[str, object]:
    floats = [array.astype(np.float32) for array in tensors.values() if array.dtype == np.float32]
    state: dict[str, object] = {
        str(number): {"step": 100, "exp_avg": array * np.float32(0.01), "exp_avg_sq": array * array}
        for number, array in enumerate(floats[:6])
    }
    return {"state": state, "param_groups": [{"lr": 0.001}]}


def anonymous(tensors: Mapping[str, Array]) -> Tensors:
    """As an exporter leaves them: matrices of linear layers turned and numbered in the order of their use."""
    found: Tensors = {}
    for number, (name, array) in enumerate(tensors.items(), 700):
        if array.ndim == 2 and "embed" not in name:
            found[f"onnx::MatMul_{number}"] = layout.turned(array)
        elif array.ndim < 2 or "embed" in name or array.ndim == 4:
            found[name] = array
    return found


def _layouts(network: Network) -> dict[str, Conversion]:
    changes: dict[str, Change] = {
        "renamed and reordered": layout.renamed,
        "turned": layout.transposed,
        "heights and widths first": layout.hwio,
        "joined, cut, turned, renamed": layout.relaid,
        "the same under random names": layout.scrambled,
        "with buffers": layout.with_buffers,
        "with EMA copies": layout.with_ema,
    }
    if any("attn" in name or "attention" in name for name in network.tensors):
        changes |= {"joined by rows": layout.fused, "joined by columns": partial(layout.fused, columns=True)}
    if any("embed_tokens" in name for name in network.tensors):
        changes["tied embedding twice"] = layout.untied
    if any("pooler" in name or "tracked" in name for name in network.tensors):
        changes["without pooler, ids and counters"] = layout.without_pooler
    return {kind: Conversion(SAME_WEIGHTS, _made(change, network.tensors)) for kind, change in changes.items()}


def _precisions(network: Network) -> dict[str, Conversion]:
    chain = precision.chain
    changes: dict[str, Change] = {
        "f16": chain(HALF),
        "bf16": chain(BRAIN),
        "f16 saved as f32": chain(HALF, SINGLE),
        "bf16 saved as f32": chain(BRAIN, SINGLE),
        "bf16, then f16": chain(BRAIN, SINGLE, HALF),
        "f16, then bf16": chain(HALF, SINGLE, BRAIN),
        "f16, norms in f32": precision.half_with_wide_norms,
        "f16 without subnormals": precision.flushed,
        "bf16 by dropping bits": precision.truncated,
        "f16, joined, cut, turned, renamed": lambda tensors: chain(HALF)(layout.relaid(tensors)),
        "bf16, joined, cut, turned, renamed": lambda tensors: chain(BRAIN)(layout.relaid(tensors)),
        "E4M3": precision.fp8(precision.E4M3),
        "E4M3 from bf16": precision.fp8(precision.E4M3, BRAIN),
        "E4M3 from f16": precision.fp8(precision.E4M3, HALF),
        "E5M2": precision.fp8(precision.E5M2),
        "E4M3 scaled by tensor": precision.scaled_by_tensor,
        "E4M3 scaled by row": precision.scaled_by_row,
        "E4M3 scaled by block": precision.scaled_by_block,
    }
    found = {kind: Conversion(OTHER_PRECISION, _made(change, network.tensors)) for kind, change in changes.items()}
    for kind in ("E4M3 scaled by tensor", "E4M3 scaled by row", "E4M3 scaled by block"):
        found[kind] = found[kind]._replace(relation=QUANTISED)
    return found | {
        "zeros with the other sign": Conversion(SAME_WEIGHTS, _made(precision.negative_zeros, network.tensors))
    }


def _integers(network: Network) -> dict[str, Conversion]:
    tensors = network.tensors
    return {
        "int8 by tensor": Conversion(QUANTISED, lambda: single(quantised.int8_beside_scales(tensors, by_row=False))),
        "int8 by row": Conversion(QUANTISED, lambda: single(quantised.int8_beside_scales(tensors, by_row=True))),
        "int8 of ONNX Runtime": Conversion(QUANTISED, lambda: {"model.onnx": onnx(quantised.onnx_int8(tensors))}),
    }


def _gguf(network: Network, quantise: Callable[[Array, str], Packed] | None) -> dict[str, Conversion]:
    halves = {True: "f16", False: "f32"}
    found = {
        f"GGUF {name}": Conversion(OTHER_PRECISION if half else SAME_WEIGHTS, partial(_plain_gguf, network, half=half))
        for half, name in halves.items()
    }
    if quantise is None:
        return found
    for kind in GGUF:
        found[f"GGUF {kind}"] = Conversion(QUANTISED, partial(_packed_gguf, network, kind, quantise))
    for kind in ("Q8_0", "Q4_K"):
        found[f"GGUF {kind} from f16"] = Conversion(
            QUANTISED, partial(_packed_gguf, network, kind, quantise, half=True)
        )
    return found | {
        "GGUF Q4_K_M": Conversion(QUANTISED, lambda: {"model.gguf": quantised.gguf_mixed(network, quantise)})
    }


def _plain_gguf(network: Network, *, half: bool) -> Files:
    def pack(_: str, array: Array) -> Array:
        return array.astype(HALF) if half and array.ndim > 1 else array

    return {"model.gguf": quantised.gguf_file(network, pack, int(half))}


def _packed_gguf(network: Network, kind: str, quantise: Callable[[Array, str], Packed], *, half: bool = False) -> Files:
    return {"model.gguf": quantised.gguf_of(network, kind, quantise, half=half)}


def _made(change: Change, tensors: Mapping[str, Array]) -> Callable[[], Files]:
    return lambda: single(change(tensors))
