"""ComfyUI: `models/<category>/...`; a node's list shows the path below its category.

Source: https://github.com/comfyanonymous/ComfyUI, folder_paths.py (`folder_names_and_paths`, `map_legacy`).
"""

from __future__ import annotations

from catalog.layouts.base import Layout, Rooms, words

ROOMS = Rooms(
    models=b"models",
    telling=words("checkpoints diffusion_models text_encoders clip_vision loras upscale_models style_models"),
    further=words(
        """audio_encoders classifiers clip configs controlnet diffusers embeddings gligen hypernetworks
        latent_upscale_models model_patches photomaker t2i_adapter unet vae vae_approx"""
    ),
    marks=words("folder_paths.py comfyui_version.py custom_nodes"),
    beside=words("custom_nodes"),
)
LEGACY = {"unet": "diffusion_models", "clip": "text_encoders"}
"""Old names of categories -> the ones of today."""
_CATEGORY_OF = {**LEGACY, "t2i_adapter": "controlnet"}


def title(path: bytes, sha256: str | None, kind: str) -> str:
    """`checkpoints / sub/foo.safetensors`"""
    folder, rest = ROOMS.split(path)
    return f"{_CATEGORY_OF.get(folder, folder)} / {rest}" if rest else ""


LAYOUT = Layout("comfyui", "ComfyUI", "Cu", ROOMS.claim, title)
