"""Fooocus: the folders of ComfyUI and a few of its own; its lists show the path below the kind's folder.

Source: https://github.com/lllyasviel/Fooocus, modules/config.py (`path_checkpoints` and its neighbours).
"""

from __future__ import annotations

from catalog.layouts.base import Layout, Rooms, words

ROOMS = Rooms(
    models=b"models",
    telling=words("prompt_expansion"),
    further=words(
        "checkpoints clip_vision controlnet embeddings inpaint loras safety_checker sam upscale_models vae vae_approx"
    ),
    marks=words("fooocus_version.py entry_with_update.py"),
)


def title(path: bytes, sha256: str | None, kind: str) -> str:
    """`sub/foo.safetensors`"""
    return ROOMS.split(path)[1]


LAYOUT = Layout("fooocus", "Fooocus", "Fo", ROOMS.claim, title)
