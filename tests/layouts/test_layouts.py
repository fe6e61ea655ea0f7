"""A tool's folder is known by its names; a stray name gives a folder no owner."""

from __future__ import annotations

import pytest

from catalog.layouts import LAYOUTS, guess

KEY = b"0b3a8d2c-92c5-4ea3-8a07-7f1f7b1a2c3d"
DIGEST = b"sha256-" + b"a" * 64


@pytest.mark.parametrize(
    ("folder", "paths", "expected"),
    [
        (b"/home/ada/.cache/huggingface/hub", [b"models--bert--base/snapshots/1a/model.safetensors"], "huggingface"),
        (b"/home/ada/.cache/huggingface", [b"hub/models--bert--base/snapshots/1a/model.safetensors"], "huggingface"),
        (b"/home/ada/.ollama/models", [b"blobs/" + DIGEST], "ollama"),
        (b"/home/ada/.ollama", [b"models/blobs/" + DIGEST], "ollama"),
        (b"/invokeai/models", [KEY + b"/model.safetensors", b"sd-1/lora/x.safetensors"], "invokeai"),
        (b"/home/ada/.lmstudio/models", [b"bartowski/Llama-GGUF/llama-Q4_K_M.gguf"], "lmstudio"),
        (b"/sd/stable-diffusion-webui", [b"models/Stable-diffusion/a.safetensors", b"embeddings/b.pt"], "a1111"),
        (b"/sd/stable-diffusion-webui/models", [b"Lora/a.safetensors"], "a1111"),
        (b"/ComfyUI", [b"models/checkpoints/a.safetensors"], "comfyui"),
        (b"/ComfyUI/models", [b"loras/deep/a.safetensors", b"other/b.gguf"], "comfyui"),
        (b"/StabilityMatrix/Data", [b"Models/StableDiffusion/a.safetensors"], "stabilitymatrix"),
        (b"/SwarmUI", [b"Models/Stable-Diffusion/a.safetensors"], "swarmui"),
        (b"/automatic", [b"models/UNET/a.safetensors"], "sdnext"),
        (b"/downloads", [b"a.safetensors"], None),
        (b"/downloads", [b"x/y/z.gguf"], None),
        (b"/downloads", [b"models--bert--base/snapshots/1a/model.safetensors", b"a.gguf"], None),
        (b"/downloads", [b"blobs/" + DIGEST, b"a.gguf"], None),
        (b"/downloads", [], None),
    ],
)
def test_a_folder_is_known_by_the_names_in_it(folder: bytes, paths: list[bytes], expected: str | None) -> None:
    found = guess(folder, paths)
    assert (found.name if found else None) == expected


def test_managed_folders_are_those_whose_tool_keeps_track_of_every_file() -> None:
    assert {layout.name for layout in LAYOUTS if layout.managed} == {"huggingface", "ollama", "invokeai"}
    assert len({layout.name for layout in LAYOUTS}) == len(LAYOUTS)
