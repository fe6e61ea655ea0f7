"""Every rule is asked; the strongest that speaks answers, the others that speak are candidates."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Generic, NamedTuple, TypeVar

from catalog.recognition.base import Candidate, Reason, Sign
from catalog.recognition.index import Index
from catalog.recognition.rules import evidence
from catalog.vocabulary import Base, Kind

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping

    from catalog.recognition.facts import Facts
    from catalog.recognition.rules import BaseRule, KindRule, Marker, TraitRule
    from catalog.vocabulary import Trait

MOST = 8
"""Candidates that are kept."""

_ENCODERS = frozenset({Kind.TEXT_ENCODER, Kind.CLIP_VISION, Kind.SIGLIP, Kind.EMBEDDER})
_PICTURES = frozenset({Kind.DIFFUSION_MODEL, Kind.VAE, Kind.VAE_APPROX})

HOLDS: Mapping[Kind, frozenset[Kind]] = {
    Kind.CHECKPOINT: _PICTURES | _ENCODERS | {Kind.LLM, Kind.AUDIO, Kind.UPSCALER},
    Kind.DIFFUSION_MODEL: _ENCODERS | {Kind.LLM, Kind.AUDIO, Kind.CHECKPOINT},
    Kind.CONTROLNET: frozenset({Kind.DIFFUSION_MODEL, Kind.T2I_ADAPTER, Kind.MOTION_MODULE, Kind.LORA}),
    Kind.CONTROL_LORA: frozenset({Kind.LORA, Kind.CONTROLNET, Kind.DIFFUSION_MODEL}),
    Kind.T2I_ADAPTER: frozenset({Kind.CONTROLNET}),
    Kind.IP_ADAPTER: _ENCODERS | {Kind.LORA, Kind.DIFFUSION_MODEL},
    Kind.PHOTOMAKER: _ENCODERS | {Kind.LORA},
    Kind.LLM: _ENCODERS | {Kind.PROJECTOR},
    Kind.PROJECTOR: _ENCODERS | {Kind.LLM},
    Kind.EMBEDDER: frozenset({Kind.TEXT_ENCODER, Kind.LLM}),
    Kind.SIGLIP: frozenset({Kind.CLIP_VISION, Kind.TEXT_ENCODER}),
    Kind.DETECTOR: _ENCODERS | {Kind.PREPROCESSOR, Kind.CLASSIFIER},
    Kind.PREPROCESSOR: _ENCODERS | {Kind.CLASSIFIER},
    Kind.FACE_RESTORER: frozenset({Kind.VAE, Kind.UPSCALER}),
    Kind.AUDIO: _ENCODERS | {Kind.LLM, Kind.VAE},
    Kind.VAE: frozenset({Kind.AUDIO, Kind.VAE_APPROX}),
    Kind.GLIGEN: frozenset({Kind.DIFFUSION_MODEL}),
    Kind.PROMPT_EXPANSION: frozenset({Kind.LLM}),
    Kind.CLIP_VISION: frozenset({Kind.SIGLIP}),
}
"""What a model of a kind has in it by its build, or is put beside by people: no other answers."""

RESEMBLES: Mapping[Base, frozenset[Base]] = {
    Base.CHROMA: frozenset({Base.FLUX}),
    Base.FLUX_2: frozenset({Base.FLUX}),
    Base.KOLORS: frozenset({Base.SDXL}),
    Base.SVD: frozenset({Base.SD_1, Base.SD_2}),
    Base.HUNYUAN_VIDEO: frozenset({Base.FLUX, Base.HUNYUAN_IMAGE}),
    Base.HUNYUAN_IMAGE: frozenset({Base.FLUX, Base.HUNYUAN_VIDEO}),
    Base.ANIMA: frozenset({Base.COSMOS}),
    Base.Z_IMAGE: frozenset({Base.LUMINA_2}),
    Base.UMT5: frozenset({Base.T5}),
    Base.SIGLIP: frozenset({Base.CLIP}),
    Base.KANDINSKY_5: frozenset({Base.KANDINSKY}),
    Base.QWEN_IMAGE: frozenset({Base.FLUX, Base.SD_3}),
}
"""Bases that took over the names of others: those others are no other answers."""


@dataclass(frozen=True, slots=True)
class Answer:
    """A word that a rule of this strength speaks for, and the evidence."""

    value: Kind | Base | Trait
    sign: Sign
    text: str

    @property
    def sentence(self) -> str:
        """The evidence; a weak one says that it stands alone."""
        return f"{self.text}; nothing in the file says it" if self.sign is Sign.PLACE else self.text


R = TypeVar("R", "KindRule", "BaseRule")


class Ranked(NamedTuple, Generic[R]):
    """A rule with its strength, which takes a while to find."""

    sign: Sign
    rule: R

    @property
    def markers(self) -> tuple[Marker, ...]:
        """Those of the rule."""
        return self.rule.markers


def ranked(rules: Iterable[R]) -> Index[Ranked[R]]:
    """The rules with their strength, the strongest first, else as they stand."""
    return Index(sorted((Ranked(rule.strength, rule) for rule in rules), key=lambda one: one.sign))


def answers(rules: Index[Ranked[R]], facts: Facts) -> list[Answer]:
    """The first answer of every word that a rule speaks for; a likeness is heard only where nothing stronger speaks."""
    found: dict[str, Answer] = {}
    for sign, rule in rules.likely(facts):
        value = rule.answer
        if value in found or (sign is Sign.LIKENESS and found):
            continue
        words = evidence(rule.markers, facts)
        if words:
            found[value] = Answer(value, sign, words)
    return list(found.values())


def others(about: str, told: list[Answer], silent: Collection[str]) -> list[Candidate]:
    """All but the first, without those that its build explains."""
    return [Candidate(about, one.value.value, one.text) for one in told[1:] if one.value not in silent]


def traits(rules: Index[TraitRule], facts: Facts, kind: Kind, base: Base) -> list[Answer]:
    """Every trait that something speaks for, the strongest evidence of each."""
    found: dict[str, Answer] = {}
    for rule in rules.likely(facts):
        if not rule.concerns(kind, base):
            continue
        words = evidence(rule.markers, facts)
        known = found.get(rule.trait)
        if words and (known is None or rule.strength < known.sign):
            found[rule.trait] = Answer(rule.trait, rule.strength, words)
    return list(found.values())


def reasons(about: str, told: Iterable[Answer]) -> list[Reason]:
    """Why each was given."""
    return [Reason(about, one.sentence) for one in told]
