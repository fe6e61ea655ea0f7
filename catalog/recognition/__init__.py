"""What a model is, told from its tensors' names and shapes and its metadata; each answer with its reason.

The rules are data, a file for each family. `FAMILIES` is the order in which they are asked: the first that speaks wins,
so the narrow ones stand before the broad.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from catalog.recognition import (
    checkpoints,
    controls,
    encoders,
    flux,
    gguf,
    llm,
    lora,
    stable_diffusion,
    upscaler,
    vae,
)
from catalog.recognition.base import Reason, Recognised
from catalog.recognition.facts import Facts
from catalog.recognition.naming import name
from catalog.recognition.places import kind_of_folder
from catalog.recognition.precision import stored
from catalog.recognition.rules import Family, evidence
from catalog.recognition.settings import settings
from catalog.vocabulary import Base, Kind

if TYPE_CHECKING:
    from catalog.formats.base import Probe

__all__ = ["FAMILIES", "Reason", "Recognised", "recognise"]

FAMILIES: tuple[Family, ...] = (
    lora.FAMILY,
    controls.FAMILY,
    gguf.FAMILY,
    checkpoints.FAMILY,
    flux.FAMILY,
    stable_diffusion.FAMILY,
    vae.FAMILY,
    encoders.FAMILY,
    llm.FAMILY,
    upscaler.FAMILY,
)


def recognise(probe: Probe, *, path: bytes = b"", hint: Kind | None = None) -> Recognised:
    """What the probed model is. "Unknown" where nothing speaks.

    `path`, relative to its library, and `hint`, from whoever knows the place, are asked for the kind only when the
    tensors say nothing.
    """
    facts = Facts(probe)
    reasons: list[Reason] = []
    kind = _kind(facts, reasons) or _kind_of_place(path, hint, reasons)
    base = _base(facts, kind, reasons)
    how = stored(facts)
    if how.reason:
        reasons.append(Reason("precision", how.reason))
    return Recognised(
        kind=kind,
        base=base,
        precision=how.precision,
        bits=how.bits,
        quantisation=how.quantisation,
        parameters=how.parameters,
        name=name(facts),
        settings=settings(facts, kind),
        reasons=tuple(reasons),
    )


def _kind(facts: Facts, reasons: list[Reason]) -> Kind | None:
    for family in FAMILIES:
        for rule in family.kinds:
            words = evidence(rule.markers, facts)
            if words:
                reasons.append(Reason("kind", words))
                return rule.kind
    return None


def _kind_of_place(path: bytes, hint: Kind | None, reasons: list[Reason]) -> Kind:
    if hint is not None:
        reasons.append(Reason("kind", "the place where it lies"))
        return hint
    told = kind_of_folder(path)
    if told is None:
        return Kind.UNKNOWN
    reasons.append(Reason("kind", f"lies in a folder called {told[1]}"))
    return told[0]


def _base(facts: Facts, kind: Kind, reasons: list[Reason]) -> Base:
    for family in FAMILIES:
        for rule in family.bases:
            words = evidence(rule.markers, facts) if kind in rule.kinds else ""
            if words:
                reasons.append(Reason("base", words))
                return rule.base
    return Base.UNKNOWN
