"""What recognition suggests of a probe, each answer with its reasons."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import IntEnum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

    from catalog.formats.base import Json
    from catalog.vocabulary import Base, Kind, Trait


class Sign(IntEnum):
    """What an answer rests on, the strongest first.

    `TENSORS` are names and shapes that nothing else has; `LIKENESS` are those that several families share, which say
    something only where nobody states it.
    """

    TENSORS = 0
    CONFIG = 1
    METADATA = 2
    LIKENESS = 3
    PLACE = 4


@dataclass(frozen=True, slots=True)
class Reason:
    """Why an answer was given: `about` is the field, `text` names the tensor, shape or metadata that says so."""

    about: str
    text: str


@dataclass(frozen=True, slots=True)
class Candidate:
    """An answer that also has something for it: `about` is `kind`, `base` or `trait`, `value` its word."""

    about: str
    value: str
    text: str


@dataclass(frozen=True, slots=True)
class Recognised:
    """What a model is, from tensor names, shapes and metadata alone.

    `precision` is a word of `Precision`, or the file type of a GGUF (`Q4_K_M`); `bits` its width for people (32, 16,
    8, 4; 0 when unknown). `parameters` counts the values of the weights as they were before any packing. `settings`
    holds what changes the meaning of equal weights (alpha, prediction_type, rope scaling). `traits` tell it from
    others of its base. `candidates` are the other answers that something speaks for, the likelier first. `dtypes`
    counts the values of the weight tensors by their dtype; packed ones by what was packed (`I4`, `NF4`).
    """

    kind: Kind
    base: Base
    precision: str
    bits: int
    quantisation: str
    parameters: int
    name: str
    settings: Mapping[str, Json]
    reasons: tuple[Reason, ...]
    traits: tuple[Trait, ...] = ()
    candidates: tuple[Candidate, ...] = ()
    dtypes: Mapping[str, int] = field(default_factory=dict)
