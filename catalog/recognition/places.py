"""What a folder's name says of the models in it, where their tensors say nothing.

The names are those of A1111, ComfyUI, SwarmUI, Fooocus and StabilityMatrix.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from catalog.vocabulary import Kind

if TYPE_CHECKING:
    from collections.abc import Mapping

_FOLDERS: Mapping[Kind, str] = {
    Kind.CHECKPOINT: "stable-diffusion stablediffusion checkpoints main",
    Kind.DIFFUSION_MODEL: "unet diffusion_models diffusionmodels",
    Kind.LORA: "lora loras lycoris",
    Kind.VAE: "vae vae_approx vae-approx approxvae",
    Kind.TEXT_ENCODER: "clip text_encoder text_encoders textencoders",
    Kind.CLIP_VISION: "clip_vision clipvision",
    Kind.EMBEDDING: "embeddings embedding textual-inversion",
    Kind.CONTROLNET: "controlnet t2i_adapter t2iadapter",
    Kind.IP_ADAPTER: "ipadapter ip_adapter ipadapters15 ipadaptersxl diffusersipadapters diffusersipadaptersxl",
    Kind.UPSCALER: "esrgan realesrgan swinir bsrgan scunet ldsr upscale_models",
}
_KINDS: Mapping[bytes, Kind] = {name.encode(): kind for kind, names in _FOLDERS.items() for name in names.split()}


def kind_of_folder(path: bytes) -> tuple[Kind, str] | None:
    """The kind that the last telling folder of a relative path stands for, and that folder's name."""
    for part in reversed(path.split(b"/")[:-1]):
        kind = _KINDS.get(part.lower())
        if kind is not None:
            return kind, part.decode(errors="replace")
    return None
