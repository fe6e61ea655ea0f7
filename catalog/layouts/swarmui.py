"""SwarmUI: `Models/Stable-Diffusion`, `Models/Lora`, ...; a model's name is its path below the kind's folder.

Source: https://github.com/mcmonkeyprojects/SwarmUI, src/Core/Settings.cs (`PathsData`), docs/Model Support.md.
"""

from __future__ import annotations

from catalog.layouts.base import Layout, Rooms, without_suffix, words

ROOMS = Rooms(
    models=b"Models",
    telling=words("Stable-Diffusion diffusion_models Lora"),
    further=words(
        """VAE Embeddings audio_encoders clip clip_vision controlnet ipadapter model_patches style_models tensorrt unet
        upscale_models vae_approx yolov8"""
    ),
    marks=words("SwarmUI.sln SwarmUI.csproj dlbackend launch-linux.sh"),
    beside=words("dlbackend"),
)


def title(path: bytes, sha256: str | None, kind: str) -> str:
    """`sub/foo.safetensors`; of a LoRA and an embedding the words that call it in a prompt."""
    folder, rest = ROOMS.split(path)
    if folder == "Lora":
        return f"<lora:{without_suffix(rest)}>"
    return f"<embed:{without_suffix(rest)}>" if folder == "Embeddings" else rest


LAYOUT = Layout("swarmui", "SwarmUI", "Sw", ROOMS.claim, title)
