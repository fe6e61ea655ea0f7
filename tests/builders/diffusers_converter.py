"""A program for a Python with PyTorch and diffusers: a single-file checkpoint becomes a folder by diffusers' own code.

`python diffusers_converter.py CHECKPOINT FOLDER [half]`. Its functions are those behind `from_single_file`, without
the models around them, whose configurations it would fetch.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from types import SimpleNamespace

UNET = {"layers_per_block": 2, "class_embed_type": None, "addition_embed_type": None, "num_class_embeds": None}
SECOND = "conditioner.embedders.1.model."


def main(checkpoint: Path, folder: Path, *, half: bool) -> None:
    """Write the folder."""
    import torch
    from diffusers.loaders import single_file_utils as diffusers
    from safetensors.torch import load_file, save_file

    tensors = load_file(checkpoint)
    large = any(name.startswith(SECOND) for name in tensors)
    unet = {**UNET, "addition_embed_type": "text_time"} if large else UNET
    vae = {"down_block_types": ["DownEncoderBlock2D"] * 4, "up_block_types": ["UpDecoderBlock2D"] * 4}
    first = "conditioner.embedders.0.transformer." if large else "cond_stage_model.transformer."
    parts = {
        "unet/diffusion_pytorch_model": diffusers.convert_ldm_unet_checkpoint(dict(tensors), unet),
        "vae/diffusion_pytorch_model": diffusers.convert_ldm_vae_checkpoint(dict(tensors), vae),
        "text_encoder/model": diffusers.convert_ldm_clip_checkpoint(dict(tensors), remove_prefix=first),
    }
    if large:
        model = SimpleNamespace(config=SimpleNamespace(hidden_size=None))
        parts["text_encoder_2/model"] = diffusers.convert_open_clip_checkpoint(model, dict(tensors), SECOND)
    for name, found in parts.items():
        path = folder / f"{name}.safetensors"
        path.parent.mkdir(parents=True, exist_ok=True)
        cast = {key: (one.half() if half and one.dtype == torch.float32 else one) for key, one in found.items()}
        save_file({key: one.contiguous() for key, one in cast.items()}, path, {"format": "pt"})
        config = {"_class_name": "UNet2DConditionModel" if name.startswith("unet") else "AutoencoderKL"}
        (path.parent / "config.json").write_text(json.dumps({} if name.startswith("text") else config))
    kind = "StableDiffusionXLPipeline" if large else "StableDiffusionPipeline"
    (folder / "model_index.json").write_text(json.dumps({"_class_name": kind}))


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]), half="half" in sys.argv[3:])
