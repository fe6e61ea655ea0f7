"""The tensors of Stable Diffusion 1.5 under both of their names, at a tenth of the width.

The original (LDM) names are those of CompVis' checkpoints, the others those of diffusers. Widths shrink, but for the
768 of the text encoder, by which programs recognise the family.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterator

    from catalog.management.demo.arrays import Shape

WIDTHS = (32, 64, 96, 96)  # 320, 640, 1280, 1280 in the real one; multiples of the 32 groups of its norms
VAE_WIDTHS = (32, 64, 96, 96)  # 128, 256, 512, 512
CONTEXT = 768
TOKENS = 512  # 49,408 in the real one
TEXT_LAYERS = 1  # 12
TEXT_INNER = 128  # 3072
LATENTS = 4

_RESNET = (
    ("in_layers.0", "norm1"),
    ("in_layers.2", "conv1"),
    ("emb_layers.1", "time_emb_proj"),
    ("out_layers.0", "norm2"),
    ("out_layers.3", "conv2"),
    ("skip_connection", "conv_shortcut"),
)
_VAE_RESNET = (
    ("norm1", "norm1"),
    ("conv1", "conv1"),
    ("", ""),
    ("norm2", "norm2"),
    ("conv2", "conv2"),
    ("nin_shortcut", "conv_shortcut"),
)


class Named(NamedTuple):
    """One tensor: its name in a checkpoint, its name in a diffusers folder, its shape there and here."""

    ldm: str
    diffusers: str
    shape: Shape
    ldm_shape: Shape


def unet() -> list[Named]:
    """The 686 tensors of the U-Net, names without a prefix."""
    first, last = WIDTHS[0], len(WIDTHS) - 1
    emb = first * 4
    found = [
        *_layer("time_embed.0", "time_embedding.linear_1", (emb, first)),
        *_layer("time_embed.2", "time_embedding.linear_2", (emb, emb)),
        *_layer("input_blocks.0.0", "conv_in", (first, LATENTS, 3, 3)),
    ]
    skips, width = [first], first
    for level, wide in enumerate(WIDTHS):
        for block in range(2):
            ldm = f"input_blocks.{1 + 3 * level + block}"
            found += _resnet(f"{ldm}.0", f"down_blocks.{level}.resnets.{block}", (width, wide), emb)
            width = wide
            skips.append(width)
            if level < last:
                found += _attention(f"{ldm}.1", f"down_blocks.{level}.attentions.{block}", width)
        if level < last:
            ldm = f"input_blocks.{3 * level + 3}.0.op"
            found += _layer(ldm, f"down_blocks.{level}.downsamplers.0.conv", (width, width, 3, 3))
            skips.append(width)
    found += _resnet("middle_block.0", "mid_block.resnets.0", (width, width), emb)
    found += _attention("middle_block.1", "mid_block.attentions.0", width)
    found += _resnet("middle_block.2", "mid_block.resnets.1", (width, width), emb)
    found += _up(skips, width, emb)
    found += _layer("out.0", "conv_norm_out", (first,))
    found += _layer("out.2", "conv_out", (LATENTS, first, 3, 3))
    return found


def _up(skips: list[int], width: int, emb: int) -> Iterator[Named]:
    last = len(WIDTHS) - 1
    for level, wide in enumerate(reversed(WIDTHS)):
        for block in range(3):
            ldm = f"output_blocks.{3 * level + block}"
            yield from _resnet(f"{ldm}.0", f"up_blocks.{level}.resnets.{block}", (width + skips.pop(), wide), emb)
            width = wide
            if level > 0:
                yield from _attention(f"{ldm}.1", f"up_blocks.{level}.attentions.{block}", width)
        if level < last:
            ldm = f"output_blocks.{3 * level + 2}.{2 if level else 1}.conv"
            yield from _layer(ldm, f"up_blocks.{level}.upsamplers.0.conv", (width, width, 3, 3))


def vae() -> list[Named]:
    """The 248 tensors of the autoencoder, names without a prefix."""
    widest, narrow, last = VAE_WIDTHS[-1], VAE_WIDTHS[0], len(VAE_WIDTHS) - 1
    found = list(_layer("encoder.conv_in", "encoder.conv_in", (narrow, 3, 3, 3)))
    width = narrow
    for level, wide in enumerate(VAE_WIDTHS):
        for block in range(2):
            names = f"encoder.down.{level}.block.{block}", f"encoder.down_blocks.{level}.resnets.{block}"
            found += _resnet(*names, (width, wide), 0)
            width = wide
        if level < last:
            names = f"encoder.down.{level}.downsample.conv", f"encoder.down_blocks.{level}.downsamplers.0.conv"
            found += _layer(*names, (width, width, 3, 3))
    found += _vae_ends("encoder", widest, LATENTS * 2)
    found += _layer("quant_conv", "quant_conv", (LATENTS * 2, LATENTS * 2, 1, 1))
    found += _layer("post_quant_conv", "post_quant_conv", (LATENTS, LATENTS, 1, 1))
    found += _layer("decoder.conv_in", "decoder.conv_in", (widest, LATENTS, 3, 3))
    width = widest
    for level, wide in enumerate(reversed(VAE_WIDTHS)):
        for block in range(3):
            names = f"decoder.up.{last - level}.block.{block}", f"decoder.up_blocks.{level}.resnets.{block}"
            found += _resnet(*names, (width, wide), 0)
            width = wide
        if level < last:
            names = f"decoder.up.{last - level}.upsample.conv", f"decoder.up_blocks.{level}.upsamplers.0.conv"
            found += _layer(*names, (width, width, 3, 3))
    found += _vae_ends("decoder", widest, 3)
    return found


def _vae_ends(side: str, widest: int, channels: int) -> Iterator[Named]:
    """The middle of one side, and its last layers."""
    for block in (1, 2):
        names = f"{side}.mid.block_{block}", f"{side}.mid_block.resnets.{block - 1}"
        yield from _resnet(*names, (widest, widest), 0)
    here, there = f"{side}.mid.attn_1", f"{side}.mid_block.attentions.0"
    yield from _layer(f"{here}.norm", f"{there}.group_norm", (widest,))
    for ldm, diffusers in (("q", "to_q"), ("k", "to_k"), ("v", "to_v"), ("proj_out", "to_out.0")):
        # a 1 x 1 convolution in the one, a linear layer in the other: the same bytes
        yield from _layer(f"{here}.{ldm}", f"{there}.{diffusers}", (widest, widest), (widest, widest, 1, 1))
    width = widest if side == "encoder" else VAE_WIDTHS[0]
    yield from _layer(f"{side}.norm_out", f"{side}.conv_norm_out", (width,))
    yield from _layer(f"{side}.conv_out", f"{side}.conv_out", (channels, width, 3, 3))


def text_encoder() -> list[Named]:
    """CLIP's text model; checkpoints call its tensors as transformers does."""
    found = [
        *_plain("embeddings.token_embedding.weight", (TOKENS, CONTEXT)),
        *_plain("embeddings.position_embedding.weight", (77, CONTEXT)),
    ]
    for layer in range(TEXT_LAYERS):
        name = f"encoder.layers.{layer}"
        for part in ("q_proj", "k_proj", "v_proj", "out_proj"):
            found += _text_layer(f"{name}.self_attn.{part}", (CONTEXT, CONTEXT))
        found += _text_layer(f"{name}.layer_norm1", (CONTEXT,))
        found += _text_layer(f"{name}.mlp.fc1", (TEXT_INNER, CONTEXT))
        found += _text_layer(f"{name}.mlp.fc2", (CONTEXT, TEXT_INNER))
        found += _text_layer(f"{name}.layer_norm2", (CONTEXT,))
    found += _text_layer("final_layer_norm", (CONTEXT,))
    return found


def _text_layer(name: str, shape: Shape) -> Iterator[Named]:
    yield from _layer(f"text_model.{name}", f"text_model.{name}", shape)


def _plain(name: str, shape: Shape) -> Iterator[Named]:
    yield Named(f"text_model.{name}", f"text_model.{name}", shape, shape)


def _layer(ldm: str, diffusers: str, shape: Shape, ldm_shape: Shape | None = None) -> Iterator[Named]:
    """A weight and its bias."""
    yield Named(f"{ldm}.weight", f"{diffusers}.weight", shape, ldm_shape or shape)
    yield Named(f"{ldm}.bias", f"{diffusers}.bias", shape[:1], shape[:1])


def _resnet(ldm: str, diffusers: str, widths: tuple[int, int], emb: int) -> Iterator[Named]:
    """A residual block from one width to the other; without `emb` one of the autoencoder."""
    before, after = widths
    shapes: tuple[Shape, ...] = ((before,), (after, before, 3, 3), (after, emb), (after,), (after, after, 3, 3))
    for (here, there), shape in zip(_RESNET if emb else _VAE_RESNET, (*shapes, (after, before, 1, 1)), strict=True):
        if here and (before != after or there != "conv_shortcut"):
            yield from _layer(f"{ldm}.{here}", f"{diffusers}.{there}", shape)


def _attention(ldm: str, diffusers: str, width: int) -> Iterator[Named]:
    """A spatial transformer of depth one; from `transformer_blocks` on both name its parts alike."""
    yield from _layer(f"{ldm}.norm", f"{diffusers}.norm", (width,))
    for end in ("proj_in", "proj_out"):
        yield from _layer(f"{ldm}.{end}", f"{diffusers}.{end}", (width, width, 1, 1))
    block = "transformer_blocks.0"
    for number, context in ((1, width), (2, CONTEXT)):
        attn = f"{block}.attn{number}"
        for part, source in (("to_q", width), ("to_k", context), ("to_v", context)):
            name, shape = f"{attn}.{part}.weight", (width, source)
            yield Named(f"{ldm}.{name}", f"{diffusers}.{name}", shape, shape)
        yield from _layer(f"{ldm}.{attn}.to_out.0", f"{diffusers}.{attn}.to_out.0", (width, width))
    for part, shape in (("ff.net.0.proj", (width * 8, width)), ("ff.net.2", (width, width * 4))):
        yield from _layer(f"{ldm}.{block}.{part}", f"{diffusers}.{block}.{part}", shape)
    for number in (1, 2, 3):
        yield from _layer(f"{ldm}.{block}.norm{number}", f"{diffusers}.{block}.norm{number}", (width,))
