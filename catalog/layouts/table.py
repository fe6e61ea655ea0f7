"""The folders of the tools that people keep models with. The first that fits counts."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

_KEY = rb"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}"
_INVOKE_BASES = rb"(?:any|sd-1|sd-2|sd-3|sdxl|sdxl-refiner|flux|cogview4)"


@dataclass(frozen=True, slots=True)
class Layout:
    """A tool's way to keep models. `below` is matched from the beginning of a model's path in the library.

    `folder`, where given, must match the end of the library's own path. The tool of a `managed` layout keeps track of
    its files by itself: they are looked at and never moved.
    """

    name: str
    label: str
    below: re.Pattern[bytes]
    folder: re.Pattern[bytes] = re.compile(rb"")
    managed: bool = False

    def fits(self, folder: bytes, paths: Sequence[bytes]) -> bool:
        """Some path fits, and of a managed layout each does."""
        if not self.folder.search(folder):
            return False
        quantifier = all if self.managed else any
        return quantifier(self.below.match(path) for path in paths)


def _managed(name: str, label: str, below: bytes) -> Layout:
    return Layout(name, label, re.compile(below, re.DOTALL), managed=True)


def _plain(name: str, label: str, below: bytes, folder: bytes = b"") -> Layout:
    return Layout(name, label, re.compile(below, re.DOTALL), re.compile(folder))


LAYOUTS = (
    # huggingface_hub, file_download.py: <cache>/models--<org>--<name>/{blobs,refs,snapshots}
    _managed("huggingface", "Hugging Face cache", rb"(?:huggingface/)?(?:hub/)?models--[^/]+/(?:snapshots|blobs)/"),
    # ollama, server/modelpath.go: <models>/blobs/sha256-<digest>
    _managed("ollama", "Ollama", rb"(?:models/)?blobs/sha256-[0-9a-f]{64}"),
    # InvokeAI 6: models/<key>/<file>; until 5: models/<base>/<type>/<name>
    _managed("invokeai", "InvokeAI", rb"(?:models/)?(?:" + _KEY + rb"/|" + _INVOKE_BASES + rb"/[a-z0-9_]+/)"),
    _plain("lmstudio", "LM Studio", rb"[^/]+/[^/]+/[^/]+\.gguf", rb"/(?:\.lmstudio|lm-studio)/models$"),
    _plain("stabilitymatrix", "Stability Matrix", rb"(?:Models/)?(?:StableDiffusion|DiffusionModels|TextEncoders)/"),
    _plain("swarmui", "SwarmUI", rb"(?:Models/)(?:Stable-Diffusion|diffusion_models|Lora)/"),
    _plain("sdnext", "SD.Next", rb"(?:models/)?(?:UNET|Diffusers)/"),
    _plain("a1111", "A1111 or Forge", rb"(?:models/)?(?:Stable-diffusion|ESRGAN|Lora)/"),
    _plain(
        "comfyui",
        "ComfyUI",
        rb"(?:models/)?(?:checkpoints|diffusion_models|text_encoders|clip_vision|loras|upscale_models|style_models)/",
    ),
)
