"""What the header states of the model: `modelspec.architecture` (Stability's ModelSpec), titles, a trainer's words."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from catalog.recognition.base import Sign
from catalog.recognition.markers import No, Says, Tells
from catalog.recognition.rules import BaseRule, Family, KindRule, TraitRule
from catalog.vocabulary import Base, Kind, Trait

if TYPE_CHECKING:
    from collections.abc import Mapping

    from catalog.recognition.facts import Facts

_KEY = "modelspec.architecture"
_LONGEST = 80
_IMAGE = frozenset(Kind) - {Kind.LLM, Kind.EMBEDDER, Kind.TEXT_ENCODER, Kind.CLIP_VISION, Kind.SIGLIP, Kind.AUDIO}

_ENDINGS: Mapping[str, Kind] = {
    "/lora": Kind.LORA,
    "/textual-inversion": Kind.EMBEDDING,
    "/controlnet": Kind.CONTROLNET,
    "/control-lora": Kind.CONTROL_LORA,
    "/control_lora": Kind.CONTROL_LORA,
    "/vae": Kind.VAE,
    "/hypernetwork": Kind.HYPERNETWORK,
    "/t2i-adapter": Kind.T2I_ADAPTER,
}
"""What follows the base: the kind of file that was made for it."""

_BASES: tuple[tuple[Base, tuple[str, ...]], ...] = (
    (Base.SD_1, ("stable-diffusion-v1",)),
    (Base.SD_2, ("stable-diffusion-v2",)),
    (Base.SDXL_REFINER, ("stable-diffusion-xl-v1-refiner", "stable-diffusion-xl-refiner")),
    (Base.SDXL, ("stable-diffusion-xl", "sdxl")),
    (Base.SD_3, ("stable-diffusion-3", "stable-diffusion-v3", "sd3")),
    (Base.FLUX_2, ("flux-2", "flux.2", "flux2")),
    (Base.FLUX, ("flux-1", "flux.1", "flux1")),
    (Base.CHROMA, ("chroma",)),
    (Base.STABLE_CASCADE, ("stable-cascade",)),
    (Base.STABLE_AUDIO, ("stable-audio",)),
    (Base.SVD, ("stable-video-diffusion",)),
    (Base.LUMINA_2, ("lumina-2", "lumina2")),
    (Base.Z_IMAGE, ("z-image", "zimage")),
    (Base.QWEN_IMAGE, ("qwen-image", "qwen_image")),
    (Base.WAN, ("wan",)),
    (Base.HUNYUAN_IMAGE, ("hunyuan-image",)),
    (Base.HUNYUAN_VIDEO, ("hunyuan-video",)),
    (Base.HIDREAM, ("hidream",)),
)
_TITLES = ("modelspec.title", "modelspec.description", "general.name", "general.finetune")
_NETWORKS = frozenset({Kind.CHECKPOINT, Kind.DIFFUSION_MODEL, Kind.LORA})
_TITLED: tuple[tuple[Trait, tuple[str, ...], frozenset[Base]], ...] = (
    (Trait.TURBO, ("turbo",), frozenset()),
    (Trait.LIGHTNING, ("lightning",), frozenset()),
    (Trait.HYPER, ("hyper-sd", "hyper sd", "hypersd"), frozenset()),
    (Trait.LCM, ("lcm",), frozenset()),
    (Trait.INPAINT, ("inpaint",), frozenset()),
    (Trait.KONTEXT, ("kontext",), frozenset({Base.FLUX})),
    (Trait.EDIT, ("image-edit", "image edit"), frozenset({Base.QWEN_IMAGE})),
    (Trait.HIGH_NOISE, ("high noise", "high_noise", "high-noise"), frozenset({Base.WAN})),
    (Trait.LOW_NOISE, ("low noise", "low_noise", "low-noise"), frozenset({Base.WAN})),
)


@dataclass(frozen=True, slots=True)
class ArchitectureEnds:
    """`modelspec.architecture` ends with this word for a kind."""

    ending: str
    sign: ClassVar[Sign] = Sign.METADATA

    def found(self, facts: Facts) -> str:
        stated = facts.says(_KEY)
        told = isinstance(stated, str) and stated.lower().endswith(self.ending)
        return f"the header states {_KEY} {str(stated)[:_LONGEST]}" if told else ""


FAMILY = Family(
    kinds=tuple(KindRule(kind, (ArchitectureEnds(ending),)) for ending, kind in _ENDINGS.items()),
    bases=(
        *(
            BaseRule(
                base,
                _IMAGE,
                (Says(_KEY, words), *([No(Says(_KEY, _BASES[2][1]))] if base is Base.SDXL else [])),
            )
            for base, words in _BASES
        ),
    ),
    traits=tuple(TraitRule(trait, (Tells(_TITLES, words),), _NETWORKS, bases) for trait, words, bases in _TITLED),
)
