"""What the place says of a model, where the file itself says nothing: names of folders, words in the file's name.

The folders are those of A1111, ComfyUI, SwarmUI, Fooocus, InvokeAI and StabilityMatrix.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from catalog.recognition.base import Sign
from catalog.recognition.markers import Named
from catalog.recognition.rules import BaseRule, Family, KindRule, TraitRule
from catalog.vocabulary import Base, Kind, Trait

if TYPE_CHECKING:
    from collections.abc import Mapping

    from catalog.recognition.facts import Facts

_FOLDERS: Mapping[Kind, str] = {
    Kind.CHECKPOINT: "stable-diffusion stablediffusion checkpoints main",
    Kind.DIFFUSION_MODEL: "unet diffusion_models diffusionmodels diffusion-models",
    Kind.LORA: "lora loras lycoris",
    Kind.CONTROL_LORA: "control_lora",
    Kind.VAE: "vae",
    Kind.VAE_APPROX: "vae_approx vae-approx approxvae",
    Kind.TEXT_ENCODER: "clip text_encoder text_encoders textencoders text-encoder clip_embed t5_encoder",
    Kind.CLIP_VISION: "clip_vision clipvision",
    Kind.SIGLIP: "siglip",
    Kind.EMBEDDING: "embeddings embedding textual-inversion",
    Kind.HYPERNETWORK: "hypernetworks hypernetwork",
    Kind.CONTROLNET: "controlnet",
    Kind.T2I_ADAPTER: "t2i_adapter t2iadapter t2i-adapter",
    Kind.IP_ADAPTER: "ipadapter ip_adapter ipadapters15 ipadaptersxl diffusersipadapters diffusersipadaptersxl",
    Kind.STYLE_MODEL: "style_models flux_redux",
    Kind.GLIGEN: "gligen",
    Kind.PHOTOMAKER: "photomaker",
    Kind.MOTION_MODULE: "animatediff_models animatediff_motion_lora motion_module",
    Kind.UPSCALER: "esrgan realesrgan swinir bsrgan scunet ldsr dat upscale_models spandrel_image_to_image",
    Kind.FACE_RESTORER: "gfpgan codeformer facerestore_models",
    Kind.DETECTOR: "adetailer afterdetailer ultralytics sams facedetection background_removal",
    Kind.CLASSIFIER: "deepbooru",
    Kind.PROMPT_EXPANSION: "prompt_expansion",
    Kind.AUDIO: "audio_encoders",
}
_KINDS: Mapping[bytes, Kind] = {name.encode(): kind for kind, names in _FOLDERS.items() for name in names.split()}

_IMAGE = frozenset(
    {
        Kind.CHECKPOINT,
        Kind.DIFFUSION_MODEL,
        Kind.LORA,
        Kind.CONTROL_LORA,
        Kind.VAE,
        Kind.VAE_APPROX,
        Kind.CONTROLNET,
        Kind.T2I_ADAPTER,
        Kind.IP_ADAPTER,
        Kind.EMBEDDING,
        Kind.HYPERNETWORK,
        Kind.MOTION_MODULE,
    }
)
_BASES: tuple[tuple[Base, str], ...] = (
    (Base.SD_1, "sd-1 sd15 sd1.5 sd-1.5 sd-v1.5 sd14 sd1.4 v1-5 sd-15 sd1"),
    (Base.SD_2, "sd-2 sd21 sd2.1 sd-2.1 sd20 v2-1 sd2"),
    (Base.SDXL, "sdxl sd-xl pony illustrious noobai sdxl1.0"),
    (Base.SD_3, "sd-3 sd3 sd3.5 sd-3.5 sd35"),
    (Base.FLUX_2, "flux2 flux.2 flux-2"),
    (Base.FLUX, "flux flux1 flux.1 flux-1 flux1d"),
    (Base.CHROMA, "chroma chroma1"),
    (Base.QWEN_IMAGE, "qwen-image qwenimage"),
    (Base.Z_IMAGE, "z-image zimage"),
    (Base.WAN, "wan wan2.1 wan2.2 wan21 wan22"),
    (Base.HUNYUAN_VIDEO, "hunyuan-video hunyuanvideo"),
    (Base.LTX_VIDEO, "ltxv ltx ltx-video ltx2"),
    (Base.KOLORS, "kolors"),
    (Base.STABLE_CASCADE, "cascade stable-cascade"),
)
_TRAITS: tuple[tuple[Trait, str, frozenset[Base]], ...] = (
    (Trait.TURBO, "turbo", frozenset()),
    (Trait.LIGHTNING, "lightning", frozenset()),
    (Trait.HYPER, "hyper", frozenset()),
    (Trait.LCM, "lcm", frozenset()),
    (Trait.INPAINT, "inpaint inpainting", frozenset()),
    (Trait.KONTEXT, "kontext", frozenset({Base.FLUX})),
    (Trait.EDIT, "edit image-edit", frozenset({Base.QWEN_IMAGE})),
    (Trait.HIGH_NOISE, "high-noise highnoise high", frozenset({Base.WAN})),
    (Trait.LOW_NOISE, "low-noise lownoise low", frozenset({Base.WAN})),
    (Trait.WAN_2_2, "wan2.2 wan22", frozenset({Base.WAN})),
    (Trait.IMAGE_TO_VIDEO, "i2v", frozenset({Base.WAN, Base.HUNYUAN_VIDEO})),
    (Trait.TEXT_TO_VIDEO, "t2v", frozenset({Base.WAN, Base.HUNYUAN_VIDEO})),
)
_TRAINED = frozenset({Kind.CHECKPOINT, Kind.DIFFUSION_MODEL, Kind.LORA})


def kind_of_folder(path: bytes) -> tuple[Kind, str] | None:
    """The kind that the last telling folder of a relative path stands for, and that folder's name."""
    for part in reversed(path.split(b"/")[:-1]):
        kind = _KINDS.get(part.lower())
        if kind is not None:
            return kind, part.decode(errors="replace")
    return None


@dataclass(frozen=True, slots=True)
class Folder:
    """The last telling folder stands for this kind."""

    kind: Kind
    sign: ClassVar[Sign] = Sign.PLACE

    def found(self, facts: Facts) -> str:
        told = kind_of_folder(facts.path)
        return f"lies in a folder called {told[1]}" if told is not None and told[0] is self.kind else ""


FAMILY = Family(
    kinds=tuple(KindRule(kind, (Folder(kind),)) for kind in _FOLDERS),
    bases=tuple(BaseRule(base, _IMAGE, (Named(tuple(words.split())),)) for base, words in _BASES),
    traits=tuple(TraitRule(trait, (Named(tuple(words.split())),), _TRAINED, bases) for trait, words, bases in _TRAITS),
)
