"""Equal tensors must sit in corresponding places, whatever the two files call them."""

from __future__ import annotations

from itertools import combinations

import numpy as np
import pytest

from catalog.matching import places
from tests.builders import conversions_layout, networks, networks_diffusion
from tests.builders.conversions_quantised import gguf_name

Pairs = list[tuple[str, str]]

LLAMA = networks.llama(1, hidden=64, inner=64, tokens=32, layers=5).tensors
BERT = networks.bert(1).tensors
UNET = [(twin.ldm, twin.diffusers) for twin in networks_diffusion.unet(networks_diffusion.SD_1)]
UNET_XL = [(twin.ldm, twin.diffusers) for twin in networks_diffusion.unet(networks_diffusion.SDXL)]
AUTOENCODER = [(twin.ldm, twin.diffusers) for twin in networks_diffusion.vae()]
GGUF = [(name, gguf_name(name)) for name in LLAMA]
EXPORTED = [(name, f"onnx::MatMul_{700 + 3 * number}" if "proj" in name else name) for number, name in enumerate(LLAMA)]
RENAMED = [*zip(BERT, reversed(conversions_layout.renamed(BERT)), strict=True)]
QUERY = "encoder.layer.0.attention.self.query"
ALL: dict[str, Pairs] = {
    "unet": UNET, "unet of SDXL": UNET_XL, "autoencoder": AUTOENCODER, "gguf": GGUF, "exported": EXPORTED,
    "renamed": RENAMED,
}  # fmt: skip


def check(pairs: Pairs) -> bool | None:
    met = set(pairs)
    return places.check(pairs, [one for one, _ in pairs], [other for _, other in pairs], lambda *two: two in met)


def exchanged(pairs: Pairs, first: str, second: str) -> Pairs:
    """Every tensor below the one prefix is found where the one below the other was."""
    turned = {}
    for one, _ in pairs:
        for here, there in ((first, second), (second, first)):
            if one.startswith(here):
                turned[one] = there + one[len(here) :]
    found = dict(pairs)
    return [(one, found.get(turned.get(one, one), other)) for one, other in pairs]


@pytest.mark.parametrize("name", ALL)
def test_a_conversion_keeps_every_tensor_in_its_place(name: str) -> None:
    assert check(ALL[name]) is True
    assert check([(other, one) for one, other in ALL[name]]) is True


@pytest.mark.parametrize(
    ("name", "first", "second"),
    [
        ("unet", "input_blocks.1.0.in_layers.2.", "input_blocks.1.0.out_layers.3."),
        ("unet", "input_blocks.1.", "input_blocks.2."),
        ("unet", "output_blocks.4.", "output_blocks.5."),
        ("unet", "middle_block.1.transformer_blocks.0.attn1.", "middle_block.1.transformer_blocks.0.attn2."),
        ("unet of SDXL", "middle_block.1.proj_in.", "middle_block.1.proj_out."),
        ("unet of SDXL", "time_embed.2.weight", "label_emb.0.2.weight"),
        ("autoencoder", "decoder.mid.attn_1.k.weight", "decoder.mid.attn_1.v.weight"),
        ("autoencoder", "decoder.up.3.block.0.", "decoder.up.3.block.1."),
        ("gguf", "model.layers.1.", "model.layers.2."),
        ("gguf", "model.layers.0.self_attn.q_proj.", "model.layers.0.self_attn.o_proj."),
        ("gguf", "model.layers.0.self_attn.q_proj.", "model.layers.4.self_attn.q_proj."),
        ("exported", "model.layers.1.", "model.layers.2."),
        ("renamed", "encoder.layer.1.", "encoder.layer.2."),
        ("renamed", "encoder.layer.1.attention.self.key.", "encoder.layer.1.attention.self.value."),
    ],
)
def test_what_was_exchanged_before_the_conversion_is_seen(name: str, first: str, second: str) -> None:
    pairs = exchanged(ALL[name], first, second)
    assert sum(one != other for one, other in zip(pairs, ALL[name], strict=True)) > 1
    assert check(pairs) is False


def test_any_two_tensors_of_one_kind_exchanged_are_seen() -> None:
    random = np.random.default_rng(1)
    blocks = sorted({one.rpartition(".")[0] for one, _ in UNET if ".attn" in one and one.startswith("output_blocks")})
    pairs = [*combinations(blocks, 2)]
    for number in random.choice(len(pairs), 20, replace=False):
        first, second = pairs[number]
        if first.rpartition(".")[2] == second.rpartition(".")[2]:
            assert check(exchanged(UNET, f"{first}.", f"{second}.")) is False


def test_a_weight_whose_place_is_left_out_by_the_other_is_missed_beside_its_bias() -> None:
    """The pooler's matrix in the place of a query's; the exported file has no pooler."""
    found = [("pooler.dense.weight", "blk.0.attn_q.weight")]
    found += [(name, gguf_name(name)) for name in BERT if gguf_name(name) and name != f"{QUERY}.weight"]
    assert (f"{QUERY}.bias", "blk.0.attn_q.bias") in found
    assert check(found) is False


def test_names_that_say_nothing_leave_it_open() -> None:
    random = np.random.default_rng(2)
    assert check([(name, f"t{random.integers(1 << 40):x}") for name in LLAMA]) is None
    assert check([(name, f"tensor_{random.integers(1 << 20)}") for name in LLAMA]) is None
    assert check([]) is None


def test_equal_names_are_places() -> None:
    same = [(name, name) for name in LLAMA]
    assert check(same) is True
    assert check(exchanged(same, "model.layers.0.mlp.gate_proj.", "model.layers.0.mlp.up_proj.")) is False
    assert check(exchanged(same, "model.layers.0.", "model.layers.1.")) is False


def test_a_few_other_names_among_equal_ones_follow_a_rule() -> None:
    """Norms called gamma by the one and weight by the other."""
    found = [(name, name.replace("layernorm.weight", "layernorm.gamma")) for name in LLAMA]
    assert check(found) is True


@pytest.mark.parametrize(("first", "second"), [("q", "k"), ("q", "v"), ("k", "v")])
def test_projections_of_a_single_attention_are_not_exchanged_unseen(first: str, second: str) -> None:
    swapped = exchanged(AUTOENCODER, f"encoder.mid.attn_1.{first}.", f"encoder.mid.attn_1.{second}.")
    assert swapped != AUTOENCODER
    assert check(swapped) is False
    assert check([(other, one) for one, other in swapped]) is False
