"""What a model is, told from its tensors' names and shapes and its metadata; each answer with its reason.

The rules are data, a file for each family. All are asked, the strongest first: tensors that nothing else has, then
configurations, then what a header states, then what several families share, then the place. Of equally strong rules
the first of `FAMILIES` answers, so the narrow ones stand before the broad.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from catalog.recognition import (
    adapters,
    audio,
    checkpoints,
    controls,
    diffusers,
    encoders,
    flux,
    gguf,
    image_models,
    llm,
    lora,
    modelspec,
    places,
    stable_diffusion,
    transformers,
    upscaler,
    vae,
    video_models,
    vision,
)
from catalog.recognition.asking import HOLDS, MOST, RESEMBLES, Answer, answers, others, ranked, reasons, traits
from catalog.recognition.base import Candidate, Reason, Recognised, Sign
from catalog.recognition.facts import Facts
from catalog.recognition.index import Index
from catalog.recognition.naming import name
from catalog.recognition.precision import stored
from catalog.recognition.settings import settings
from catalog.vocabulary import Base, Kind, Trait

if TYPE_CHECKING:
    from catalog.formats.base import Probe
    from catalog.recognition.rules import Family

__all__ = ["FAMILIES", "Candidate", "Reason", "Recognised", "recognise"]

FAMILIES: tuple[Family, ...] = (
    checkpoints.FAMILY,
    controls.FAMILY,
    adapters.FAMILY,
    lora.FAMILY,
    gguf.FAMILY,
    image_models.FAMILY,
    video_models.FAMILY,
    flux.FAMILY,
    stable_diffusion.FAMILY,
    vae.FAMILY,
    vision.FAMILY,
    audio.FAMILY,
    encoders.FAMILY,
    llm.FAMILY,
    upscaler.FAMILY,
    diffusers.FAMILY,
    transformers.FAMILY,
    modelspec.FAMILY,
    places.FAMILY,
)
_KINDS = ranked(rule for family in FAMILIES for rule in family.kinds)
_BASES = {kind: ranked(rule for family in FAMILIES for rule in family.bases if kind in rule.kinds) for kind in Kind}
_TRAITS = Index(rule for family in FAMILIES for rule in family.traits)


def recognise(probe: Probe, *, path: bytes = b"", hint: Kind | None = None) -> Recognised:
    """What the probed model is. "Unknown" where nothing speaks.

    `path`, relative to its library, and `hint`, from whoever knows the place, decide only where the file says nothing;
    what they say besides is a candidate. Traits that only the file's name tells are candidates, too.
    """
    facts = Facts(probe, path)
    kinds = _hinted(answers(_KINDS, facts), hint)
    kind = Kind(kinds[0].value) if kinds else Kind.UNKNOWN
    bases = answers(_BASES[kind], facts)
    base = Base(bases[0].value) if bases else Base.UNKNOWN
    told = traits(_TRAITS, facts, kind, base)
    sure = [one for one in told if one.sign is not Sign.PLACE]
    how = stored(facts)
    candidates = (
        *others("kind", kinds, HOLDS.get(kind, ())),
        *others("base", bases, RESEMBLES.get(base, ())),
        *(Candidate("trait", one.value.value, one.text) for one in told if one not in sure),
    )
    return Recognised(
        kind=kind,
        base=base,
        precision=how.precision,
        bits=how.bits,
        quantisation=how.quantisation,
        parameters=how.parameters,
        name=name(facts),
        settings=settings(facts, kind),
        reasons=(
            *reasons("kind", kinds[:1]),
            *reasons("base", bases[:1]),
            *(Reason("trait", f"{one.value.label}: {one.text}") for one in sure),
            *(Reason(about, text) for about, text in how.reasons),
        ),
        traits=tuple(Trait(one.value) for one in sure),
        candidates=candidates[:MOST],
        dtypes=how.dtypes,
    )


def _hinted(told: list[Answer], hint: Kind | None) -> list[Answer]:
    """The place that a caller knows is worth as much as a folder's name, and more than that."""
    if hint is None:
        return told
    place = Answer(hint, Sign.PLACE, "the place where it lies")
    strong = [one for one in told if one.sign is not Sign.PLACE]
    return [*strong, *([] if any(one.value is hint for one in strong) else [place])]
