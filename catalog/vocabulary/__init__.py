"""The words that code, command line, API and admin share: each list once, with its labels."""

from __future__ import annotations

from catalog.vocabulary.files import Base, FileRole, Format, Kind, NameSource, Outcome, Precision, Trait
from catalog.vocabulary.findings import FindingCode
from catalog.vocabulary.hashes import AUTOV2_DIGITS, MODELSPEC, Algorithm
from catalog.vocabulary.notes import NoteKind
from catalog.vocabulary.relations import (
    Basis,
    Certainty,
    DecisionKind,
    Direction,
    Doubt,
    GroupSort,
    Mapped,
    Obstacle,
    Relation,
    SameModel,
    TensorVerdict,
)
from catalog.vocabulary.skips import SkipReason
from catalog.vocabulary.states import ClaimSource, JobKind, JobState, LocationState, Stage, Verified
from catalog.vocabulary.words import Word

__all__ = [
    "AUTOV2_DIGITS",
    "MODELSPEC",
    "Algorithm",
    "Base",
    "Basis",
    "Certainty",
    "ClaimSource",
    "DecisionKind",
    "Direction",
    "Doubt",
    "FileRole",
    "FindingCode",
    "Format",
    "GroupSort",
    "JobKind",
    "JobState",
    "Kind",
    "LocationState",
    "Mapped",
    "NameSource",
    "NoteKind",
    "Obstacle",
    "Outcome",
    "Precision",
    "Relation",
    "SameModel",
    "SkipReason",
    "Stage",
    "TensorVerdict",
    "Trait",
    "Verified",
    "Word",
]
