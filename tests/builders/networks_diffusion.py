"""Stable Diffusion 1.5 and SDXL at a fraction of their widths, with each tensor's name, shape and place in both forms.

Names after CompVis' and Stability's checkpoints, and after diffusers and transformers for the folders. The maps are
those of diffusers' own conversion scripts: input, middle and output blocks become down, mid and up blocks; 1 x 1
convolutions of the autoencoder's attention become linear layers; OpenCLIP's joint projection is split, its text
projection turned.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from tests.builders.networks import drawn

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from tests.builders import Array, Shape, Tensors

_RESNET = {
    "in_layers.0": "norm1", "in_layers.2": "conv1", "emb_layers.1": "time_emb_proj", "out_layers.0": "norm2",
    "out_layers.3": "conv2", "skip_connection": "conv_shortcut",
}  # fmt: skip
_VAE_RESNET = {name: name for name in ("norm1", "conv1", "norm2", "conv2")} | {"nin_shortcut": "conv_shortcut"}


class Twin(NamedTuple):
    """One tensor: its name and shape in a checkpoint, its name and shape in a folder."""

    ldm: str
    ldm_shape: Shape
    diffusers: str
    shape: Shape


@dataclass(frozen=True)
class Form:
    """The measures of a U-Net: widths and depths of transformers, level by level; SDXL projects by linear layers."""

    widths: tuple[int, ...]
    depths: tuple[int, ...]
    context: int
    linear: bool = False
    extra: int = 0
    vae: tuple[int, ...] = (32, 64, 96, 96)


SD_1 = Form((32, 64, 64, 96), (1, 1, 1, 0), 64)
SDXL = Form((32, 64, 96), (0, 1, 2), 128, linear=True, extra=160)
TINY_1 = Form((16, 32, 32, 48), (1, 1, 1, 0), 48, vae=(16, 32, 48, 48))
TINY_XL = Form((16, 32, 48), (0, 1, 2), 96, linear=True, extra=64, vae=(16, 32, 48, 48))
"""The same tensors again, for tests that read many of them."""


def checkpoint(seed: int, form: Form = SD_1) -> Tensors:
    """A whole checkpoint in float32, with the schedules and position ids that go with it."""
    shapes = {f"model.diffusion_model.{twin.ldm}": twin.ldm_shape for twin in unet(form)}
    shapes |= {f"first_stage_model.{twin.ldm}": twin.ldm_shape for twin in vae(form)}
    for prefix, text in _texts(form).items():
        shapes |= {f"{prefix}{name}": shape for name, shape in text.items()}
    betas = np.linspace(0.00085**0.5, 0.012**0.5, 1000, dtype=np.float32) ** 2
    ids: Array = np.arange(77, dtype=np.int64).reshape(1, 77)
    first = next(iter(_texts(form)))
    buffers: Tensors = {
        f"{first}text_model.embeddings.position_ids": ids,
        "betas": betas,
        "alphas_cumprod": np.cumprod(1 - betas),
    }
    return {**drawn(shapes, seed), **buffers}


def folder(tensors: Mapping[str, Array], form: Form = SD_1) -> dict[str, Tensors]:
    """The same weights as diffusers keeps them: sub-folder -> tensors."""
    parts = {
        "unet": _moved(tensors, "model.diffusion_model.", unet(form)),
        "vae": _moved(tensors, "first_stage_model.", vae(form)),
    }
    prefixes = list(_texts(form))
    parts["text_encoder"] = {
        name.removeprefix(prefixes[0]): array
        for name, array in tensors.items()
        if name.startswith(prefixes[0]) and not name.endswith("position_ids")
    }
    if form.linear:
        parts["text_encoder_2"] = from_open_clip(tensors, prefixes[1])
    return parts


def back(parts: Mapping[str, Tensors], form: Form = SD_1) -> Tensors:
    """The checkpoint of a folder. OpenCLIP's projections are joined again; schedules and ids are not written."""
    found: Tensors = {}
    for part, prefix, twins in (
        ("unet", "model.diffusion_model.", unet(form)),
        ("vae", "first_stage_model.", vae(form)),
    ):
        found |= {f"{prefix}{twin.ldm}": parts[part][twin.diffusers].reshape(twin.ldm_shape) for twin in twins}
    prefixes = list(_texts(form))
    found |= {f"{prefixes[0]}{name}": array for name, array in parts["text_encoder"].items()}
    if form.linear:
        found |= to_open_clip(parts["text_encoder_2"], prefixes[1])
    return found


def _moved(tensors: Mapping[str, Array], prefix: str, twins: list[Twin]) -> Tensors:
    return {
        twin.diffusers: tensors[prefix + twin.ldm].reshape(twin.shape)
        for twin in sorted(twins, key=lambda one: one.diffusers)
    }


def unet(form: Form) -> list[Twin]:
    """Every tensor of the U-Net, names without a prefix."""
    first, last, emb = form.widths[0], len(form.widths) - 1, form.widths[0] * 4
    found = [
        *_same_shape("time_embed.0", "time_embedding.linear_1", (emb, first)),
        *_same_shape("time_embed.2", "time_embedding.linear_2", (emb, emb)),
        *_same_shape("input_blocks.0.0", "conv_in", (first, 4, 3, 3)),
    ]
    if form.extra:
        found += _same_shape("label_emb.0.0", "add_embedding.linear_1", (emb, form.extra))
        found += _same_shape("label_emb.0.2", "add_embedding.linear_2", (emb, emb))
    skips, width = [first], first
    for level, (wide, depth) in enumerate(zip(form.widths, form.depths, strict=True)):
        for block in range(2):
            here, there = f"input_blocks.{3 * level + block + 1}", f"down_blocks.{level}"
            found += _resnet(f"{here}.0", f"{there}.resnets.{block}", (width, wide), emb)
            found += _transformer(f"{here}.1", f"{there}.attentions.{block}", wide, depth, form)
            width = wide
            skips.append(width)
        if level < last:
            name = f"down_blocks.{level}.downsamplers.0.conv"
            found += _same_shape(f"input_blocks.{3 * level + 3}.0.op", name, (width, width, 3, 3))
            skips.append(width)
    found += _middle(form, width, emb)
    found += _up(form, skips, width, emb)
    found += _same_shape("out.0", "conv_norm_out", (first,))
    found += _same_shape("out.2", "conv_out", (4, first, 3, 3))
    return found


def _middle(form: Form, width: int, emb: int) -> Iterator[Twin]:
    yield from _resnet("middle_block.0", "mid_block.resnets.0", (width, width), emb)
    yield from _transformer("middle_block.1", "mid_block.attentions.0", width, form.depths[-1] or 1, form)
    yield from _resnet("middle_block.2", "mid_block.resnets.1", (width, width), emb)


def _up(form: Form, skips: list[int], width: int, emb: int) -> Iterator[Twin]:
    last = len(form.widths) - 1
    for level, (wide, depth) in enumerate(zip(reversed(form.widths), reversed(form.depths), strict=True)):
        for block in range(3):
            here, there = f"output_blocks.{3 * level + block}", f"up_blocks.{level}"
            yield from _resnet(f"{here}.0", f"{there}.resnets.{block}", (width + skips.pop(), wide), emb)
            yield from _transformer(f"{here}.1", f"{there}.attentions.{block}", wide, depth, form)
            width = wide
        if level < last:
            name = f"output_blocks.{3 * level + 2}.{2 if depth else 1}.conv"
            yield from _same_shape(name, f"up_blocks.{level}.upsamplers.0.conv", (width, width, 3, 3))


def vae(form: Form = SD_1) -> list[Twin]:
    """Every tensor of the autoencoder, names without a prefix."""
    narrow, widest, last = form.vae[0], form.vae[-1], len(form.vae) - 1
    found = list(_same_shape("encoder.conv_in", "encoder.conv_in", (narrow, 3, 3, 3)))
    width = narrow
    for level, wide in enumerate(form.vae):
        for block in range(2):
            names = f"encoder.down.{level}.block.{block}", f"encoder.down_blocks.{level}.resnets.{block}"
            found += _resnet(*names, (width, wide), 0)
            width = wide
        if level < last:
            names = f"encoder.down.{level}.downsample.conv", f"encoder.down_blocks.{level}.downsamplers.0.conv"
            found += _same_shape(*names, (width, width, 3, 3))
    found += _vae_ends("encoder", form.vae, 8)
    found += _same_shape("quant_conv", "quant_conv", (8, 8, 1, 1))
    found += _same_shape("post_quant_conv", "post_quant_conv", (4, 4, 1, 1))
    found += _same_shape("decoder.conv_in", "decoder.conv_in", (widest, 4, 3, 3))
    width = widest
    for level, wide in enumerate(reversed(form.vae)):
        for block in range(3):
            names = f"decoder.up.{last - level}.block.{block}", f"decoder.up_blocks.{level}.resnets.{block}"
            found += _resnet(*names, (width, wide), 0)
            width = wide
        if level < last:
            names = f"decoder.up.{last - level}.upsample.conv", f"decoder.up_blocks.{level}.upsamplers.0.conv"
            found += _same_shape(*names, (width, width, 3, 3))
    found += _vae_ends("decoder", form.vae, 3)
    return found


def _vae_ends(side: str, widths: tuple[int, ...], channels: int) -> Iterator[Twin]:
    widest = widths[-1]
    for block in (1, 2):
        yield from _resnet(f"{side}.mid.block_{block}", f"{side}.mid_block.resnets.{block - 1}", (widest, widest), 0)
    here, there = f"{side}.mid.attn_1", f"{side}.mid_block.attentions.0"
    yield from _same_shape(f"{here}.norm", f"{there}.group_norm", (widest,))
    for ldm, name in (("q", "to_q"), ("k", "to_k"), ("v", "to_v"), ("proj_out", "to_out.0")):
        yield from _layer(f"{here}.{ldm}", (widest, widest, 1, 1), f"{there}.{name}", (widest, widest))
    width = widest if side == "encoder" else widths[0]
    yield from _same_shape(f"{side}.norm_out", f"{side}.conv_norm_out", (width,))
    yield from _same_shape(f"{side}.conv_out", f"{side}.conv_out", (channels, width, 3, 3))


def _resnet(ldm: str, diffusers: str, widths: tuple[int, int], emb: int) -> Iterator[Twin]:
    """From one width to another; without `emb` one of the autoencoder, which takes no time."""
    before, after = widths
    shapes: dict[str, Shape] = {
        "norm1": (before,),
        "conv1": (after, before, 3, 3),
        "norm2": (after,),
        "conv2": (after, after, 3, 3),
    }
    if emb:
        shapes["time_emb_proj"] = (after, emb)
    if before != after:
        shapes["conv_shortcut"] = (after, before, 1, 1)
    for here, there in (_RESNET if emb else _VAE_RESNET).items():
        if there in shapes:
            yield from _same_shape(f"{ldm}.{here}", f"{diffusers}.{there}", shapes[there])


def _transformer(ldm: str, diffusers: str, width: int, depth: int, form: Form) -> Iterator[Twin]:
    if not depth:
        return
    yield from _same_shape(f"{ldm}.norm", f"{diffusers}.norm", (width,))
    ends: Shape = (width, width) if form.linear else (width, width, 1, 1)
    yield from _same_shape(f"{ldm}.proj_in", f"{diffusers}.proj_in", ends)
    yield from _same_shape(f"{ldm}.proj_out", f"{diffusers}.proj_out", ends)
    for number in range(depth):
        for name, shape in _block(width, form.context).items():
            inner = f"transformer_blocks.{number}.{name}"
            yield Twin(f"{ldm}.{inner}", shape, f"{diffusers}.{inner}", shape)


def _block(width: int, context: int) -> dict[str, Shape]:
    shapes: dict[str, Shape] = {}
    for number, source in ((1, width), (2, context)):
        for part, columns in (("to_q", width), ("to_k", source), ("to_v", source)):
            shapes[f"attn{number}.{part}.weight"] = (width, columns)
        shapes |= {f"attn{number}.to_out.0.weight": (width, width), f"attn{number}.to_out.0.bias": (width,)}
    shapes |= {"ff.net.0.proj.weight": (width * 8, width), "ff.net.0.proj.bias": (width * 8,)}
    shapes |= {"ff.net.2.weight": (width, width * 4), "ff.net.2.bias": (width,)}
    return shapes | {f"norm{number}.{part}": (width,) for number in (1, 2, 3) for part in ("weight", "bias")}


def _same_shape(ldm: str, diffusers: str, shape: Shape) -> Iterator[Twin]:
    yield from _layer(ldm, shape, diffusers, shape)


def _layer(ldm: str, ldm_shape: Shape, diffusers: str, shape: Shape) -> Iterator[Twin]:
    """A weight and its bias."""
    yield Twin(f"{ldm}.weight", ldm_shape, f"{diffusers}.weight", shape)
    yield Twin(f"{ldm}.bias", shape[:1], f"{diffusers}.bias", shape[:1])


def _texts(form: Form) -> dict[str, dict[str, Shape]]:
    """The text encoders of a checkpoint: prefix -> names and shapes."""
    if not form.linear:
        return {"cond_stage_model.transformer.": clip(form.context)}
    second = form.context * 5 // 8
    return {
        "conditioner.embedders.0.transformer.": clip(form.context - second),
        "conditioner.embedders.1.model.": open_clip(second),
    }


def clip(width: int, layers: int = 2, tokens: int = 400) -> dict[str, Shape]:
    """CLIP's text model as transformers names it, and SD 1's and SDXL's checkpoints with it."""
    found: dict[str, Shape] = {
        "text_model.embeddings.token_embedding.weight": (tokens, width),
        "text_model.embeddings.position_embedding.weight": (77, width),
        "text_model.final_layer_norm.weight": (width,),
        "text_model.final_layer_norm.bias": (width,),
    }
    shapes: dict[str, Shape] = {f"self_attn.{part}_proj": (width, width) for part in ("q", "k", "v", "out")}
    shapes |= {
        "layer_norm1": (width,),
        "layer_norm2": (width,),
        "mlp.fc1": (width * 4, width),
        "mlp.fc2": (width, width * 4),
    }
    for number in range(layers):
        for name, shape in shapes.items():
            layer = f"text_model.encoder.layers.{number}.{name}"
            found |= {f"{layer}.weight": shape, f"{layer}.bias": shape[:1]}
    return found


_OPEN_CLIP = {
    "ln_1": "layer_norm1",
    "ln_2": "layer_norm2",
    "mlp.c_fc": "mlp.fc1",
    "mlp.c_proj": "mlp.fc2",
    "attn.out_proj": "self_attn.out_proj",
}
_OPEN_CLIP_ENDS = {
    "token_embedding.weight": "text_model.embeddings.token_embedding.weight",
    "positional_embedding": "text_model.embeddings.position_embedding.weight",
    "ln_final.weight": "text_model.final_layer_norm.weight",
    "ln_final.bias": "text_model.final_layer_norm.bias",
}


def open_clip(width: int, layers: int = 2, tokens: int = 400) -> dict[str, Shape]:
    """OpenCLIP's text model: one matrix for queries, keys and values; the projection is (in, out)."""
    found: dict[str, Shape] = {
        "positional_embedding": (77, width),
        "token_embedding.weight": (tokens, width),
        "text_projection": (width, width),
        "logit_scale": (),
        "ln_final.weight": (width,),
        "ln_final.bias": (width,),
    }
    for number in range(layers):
        layer = f"transformer.resblocks.{number}"
        found |= {f"{layer}.attn.in_proj_weight": (width * 3, width), f"{layer}.attn.in_proj_bias": (width * 3,)}
        shapes = {"attn.out_proj": (width, width), "ln_1": (width,), "ln_2": (width,), "mlp.c_fc": (width * 4, width)}
        for name, shape in {**shapes, "mlp.c_proj": (width, width * 4)}.items():
            found |= {f"{layer}.{name}.weight": shape, f"{layer}.{name}.bias": shape[:1]}
    return found


def from_open_clip(tensors: Mapping[str, Array], prefix: str) -> Tensors:
    """OpenCLIP's text model under transformers' names: projections split, the last one turned, no logit scale."""
    found: Tensors = {}
    for name, array in (
        (name.removeprefix(prefix), array) for name, array in tensors.items() if name.startswith(prefix)
    ):
        if name in _OPEN_CLIP_ENDS:
            found[_OPEN_CLIP_ENDS[name]] = array
        elif name == "text_projection":
            found["text_projection.weight"] = np.ascontiguousarray(array.T)
        elif name.startswith("transformer.resblocks."):
            number, _, part = name.removeprefix("transformer.resblocks.").partition(".")
            found |= _split(f"text_model.encoder.layers.{number}", part, array)
    return found


def _split(layer: str, part: str, array: Array) -> Tensors:
    stem, _, kind = part.rpartition(".")
    if stem in _OPEN_CLIP:
        return {f"{layer}.{_OPEN_CLIP[stem]}.{kind}": array}
    kind = part.removeprefix("attn.in_proj_")
    thirds = np.split(array, 3)
    return {f"{layer}.self_attn.{name}_proj.{kind}": third for name, third in zip("qkv", thirds, strict=True)}


def to_open_clip(part: Mapping[str, Array], prefix: str) -> Tensors:
    """The way back."""
    found: Tensors = {f"{prefix}{ldm}": part[name] for ldm, name in _OPEN_CLIP_ENDS.items()}
    found[f"{prefix}text_projection"] = np.ascontiguousarray(part["text_projection.weight"].T)
    layers = {name.split(".")[3] for name in part if name.startswith("text_model.encoder.layers.")}
    for number in sorted(layers):
        here, there = f"{prefix}transformer.resblocks.{number}", f"text_model.encoder.layers.{number}"
        for kind in ("weight", "bias"):
            joined = [part[f"{there}.self_attn.{name}_proj.{kind}"] for name in "qkv"]
            found[f"{here}.attn.in_proj_{kind}"] = np.concatenate(joined)
            found |= {f"{here}.{ldm}.{kind}": part[f"{there}.{name}.{kind}"] for ldm, name in _OPEN_CLIP.items()}
    return found
