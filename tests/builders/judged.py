"""Writes a folder of judged pairs for `manage.py bench recognition`: made-up networks, every conversion, near misses.

`python -m tests.builders.judged FOLDER [--network NAME]... [--seed N]`. The networks: llama, bert, convnet, sd1, sdxl,
lora. Conversions stand beside their network in float32; near misses, in five precisions, beside ten conversions of it.
"""

from __future__ import annotations

import argparse
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from tests.builders import BRAIN, HALF, misses, networks
from tests.builders import conversions as converted
from tests.builders import conversions_precision as precision
from tests.builders.conversions import OTHER_PRECISION, QUANTISED, SAME_TENSORS, Conversion, single
from tests.builders.conversions_quantised import gguf_of
from tests.builders.judged_diffusion import DIFFUSION, diffusion_cases, lora_cases
from tests.builders.judged_folder import WORDS, Case, JudgedFolder
from tests.builders.quantisers import quantise

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from tests.builders import Array, Tensors
    from tests.builders.conversions import Files
    from tests.builders.networks import Network

BESIDE = (
    "f16", "bf16", "renamed and reordered", "ONNX without names, turned", "f16, joined, cut, turned, renamed",
    "E4M3", "int8 by row", "GGUF Q8_0", "GGUF Q4_K",
)  # fmt: skip
"""The conversions of the network beside which near misses stand; and the network itself."""
LANGUAGE: Mapping[str, Callable[[int], Network]] = {
    "llama": networks.llama,
    "bert": networks.bert,
    "convnet": networks.convnet,
}


def main() -> None:
    """The program."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--network", action="append", choices=[*LANGUAGE, *DIFFUSION, "lora"])
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    folder = JudgedFolder(options.folder)
    for name in options.network or [*LANGUAGE, *DIFFUSION, "lora"]:
        if name in LANGUAGE:
            language_cases(folder, LANGUAGE[name](options.seed), LANGUAGE[name](options.seed + 100))
        elif name in DIFFUSION:
            diffusion_cases(folder, name, options.seed)
        else:
            lora_cases(folder, options.seed)
    folder.close()


def language_cases(folder: JudgedFolder, network: Network, other: Network) -> None:
    """One network in every conversion, then what is near it in five precisions."""
    base = folder.put(f"{network.name}/base", single(network.tensors))
    paths = {"itself": base}
    for kind, one in converted.conversions(network, quantise).items():
        paths[kind] = folder.put(f"{network.name}/same/{kind}", one.make())
        folder.judge(Case(paths[kind], base, WORDS[one.relation], same=True, kind=kind))
    beside = [paths[kind] for kind in ("itself", *BESIDE) if kind in paths]
    before = {form: one.make() for form, one in forms(network).items()}
    for kind, tensors in near(network, other):
        for form, one in forms(_with(network, tensors)).items():
            files = one.make()
            if files == before[form]:
                continue  # the change was rounded away: nothing is left to tell
            path = folder.put(f"{network.name}/near/{kind}, {form}", files)
            for place in beside:
                folder.judge(Case(path, place, _relation(kind), same=False, kind=kind))


def near(network: Network, other: Network) -> Iterator[tuple[str, Tensors]]:
    """Every near miss of a network: what it is called, its tensors."""
    for kind, change in misses.TRAINED.items():
        yield kind, change(network.tensors)
    yield "two layers swapped", misses.layers_swapped(network.tensors)
    tuned = misses.trained(5e-2)(network.tensors)
    yield "half of it, half of a fine-tune", misses.merged(tuned, 0.5)(network.tensors)
    yield "nine tenths of it, a tenth of a fine-tune", misses.merged(tuned, 0.9)(network.tensors)
    yield "half of it, half of another", misses.merged(other.tensors, 0.5)(network.tensors)
    yield "another seed", other.tensors
    tables = [name for name in network.tensors if "embed" in name or name.startswith("conv1")]
    yield "only a table shared", misses.shared_tables(network.tensors, other.tensors, tables)


def forms(network: Network) -> dict[str, Conversion]:
    """Five precisions in which a near miss is tried."""
    found = {
        "f32": Conversion(SAME_TENSORS, lambda: single(network.tensors)),
        "f16": Conversion(OTHER_PRECISION, lambda: single(precision.chain(HALF)(network.tensors))),
        "bf16": Conversion(OTHER_PRECISION, lambda: single(precision.chain(BRAIN)(network.tensors))),
    }
    if network.header:
        for kind in ("Q8_0", "Q4_K"):
            found[kind] = Conversion(QUANTISED, partial(_packed, network, kind))
    return found


def _packed(network: Network, kind: str) -> Files:
    return {"model.gguf": gguf_of(network, kind, quantise)}


def _with(network: Network, tensors: Mapping[str, Array]) -> Network:
    return network.__class__(network.name, dict(tensors), network.heads, network.kv_heads, network.header)


def _relation(kind: str) -> str:
    if kind in {"another seed", "only a table shared"}:
        return "different"
    return "rearranged" if "swapped" in kind else "finetune-of"


if __name__ == "__main__":
    np.seterr(all="ignore")  # casts that overflow are meant
    main()
