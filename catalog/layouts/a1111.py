"""AUTOMATIC1111's web UI, Forge and reForge: `models/Stable-diffusion`, `embeddings` beside it, and so on.

Source: https://github.com/AUTOMATIC1111/stable-diffusion-webui, modules/sd_models.py (`CheckpointInfo.title`),
modules/extra_networks.py (the notation `<lora:name:1>`), modules/modelloader.py.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from catalog.layouts.base import Layout, Rooms, shown, stem, words

if TYPE_CHECKING:
    from collections.abc import Callable

ROOMS = Rooms(
    models=b"models",
    telling=words("Stable-diffusion ESRGAN Lora LyCORIS"),
    further=words(
        """BSRGAN Codeformer ControlNet ControlNetPreprocessor DAT GFPGAN LDSR RealESRGAN ScuNET SwinIR VAE VAE-approx
        adetailer deepbooru diffusers hypernetworks insightface karlo svd text_encoder z123"""
    ),
    marks=words("webui-user.bat webui-user.sh"),
    beside=words("embeddings extensions"),
)
AUTOV2_DIGITS = 10  # of the SHA-256: CheckpointInfo.shorthash


def checkpoint(name: str, sha256: str | None) -> str:
    """`sub/foo.safetensors [6ce0161689]`; without the digits while they are not known."""
    return f"{name} [{sha256[:AUTOV2_DIGITS]}]" if sha256 else name


_SAID: dict[str, Callable[[str, str | None], str]] = {
    "Stable-diffusion": checkpoint,
    "Lora": lambda rest, _: f"<lora:{stem(rest)}:1>",
    "LyCORIS": lambda rest, _: f"<lora:{stem(rest)}:1>",
    "hypernetworks": lambda rest, _: f"<hypernet:{stem(rest)}:1>",
    "ESRGAN": lambda rest, _: stem(rest),
    "RealESRGAN": lambda rest, _: stem(rest),
}


def title(path: bytes, sha256: str | None, kind: str) -> str:
    """A checkpoint's title, the words that call a LoRA in a prompt, the word of an embedding, else the path."""
    if path.startswith(b"embeddings/"):
        return stem(shown(path))
    folder, rest = ROOMS.split(path)
    return _SAID[folder](rest, sha256) if folder in _SAID else rest


LAYOUT = Layout("a1111", "A1111 or Forge", "A1", ROOMS.claim, title, by_digest=True)
