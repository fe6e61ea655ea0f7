"""What was recognised of a variant, each answer with what speaks for it and what else it could be."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from typing import TYPE_CHECKING

from catalog.vocabulary import Base, Kind, Precision, Trait
from catalog.vocabulary.sizes import human_count

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from catalog.models import ModelRecord, Variant

_ALSO = {"base model": "base", "architecture": "base", "trait": "traits", "dtypes": "precision"}
"""Other words that a reason may be about."""
_LABELS: Mapping[str, Callable[[str], str]] = {
    "kind": Kind.label_of, "base": Base.label_of, "traits": Trait.label_of, "precision": Precision.label_of,
}  # fmt: skip
_COUNTED = "values: "
"""How a reason begins that only counts the types, as the bar beside it does."""
_HEADINGS = {"kind": "Kind", "base": "Base model", "traits": "Traits", "precision": "Precision",
             "quantisation": "Quantisation", "parameters": "Parameters"}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Other:
    """Another answer that something speaks for."""

    label: str
    reason: str


@dataclass(frozen=True, slots=True)
class Fact:
    """One answer. `answer` is empty where nothing is known; `set_by_person` is what somebody said instead."""

    about: str
    heading: str
    answer: str
    reasons: tuple[str, ...] = ()
    others: tuple[Other, ...] = ()
    set_by_person: str = ""


def facts(row: Variant, model: ModelRecord) -> tuple[Fact, ...]:
    """What a variant is, in the order in which people ask."""
    reasons, others = _reasons(row.reasons), _others(row.candidates)
    if row.dtypes:
        reasons["precision"] = tuple(text for text in reasons["precision"] if not text.startswith(_COUNTED))
    answers = {
        "kind": "" if row.kind == Kind.UNKNOWN else Kind.label_of(row.kind),
        "base": "" if row.base == Base.UNKNOWN else Base.label_of(row.base),
        "traits": ", ".join(Trait.label_of(trait) for trait in row.traits),
        "precision": "" if row.precision == Precision.UNKNOWN else Precision.label_of(row.precision),
        "quantisation": row.quantisation,
        "parameters": human_count(row.parameters) if row.parameters else "",
    }
    asked = [
        about for about in answers if answers[about] or reasons[about] or others[about] or about in ("kind", "base")
    ]
    known = [
        Fact(about, _HEADINGS[about], answers[about], reasons[about], others[about], _overruled(about, row, model))
        for about in asked
    ]
    beside = [about for about in reasons if about not in answers]
    return (*known, *(Fact(about, about.replace("_", " ").capitalize(), "", reasons[about]) for about in beside))


def _overruled(about: str, row: Variant, model: ModelRecord) -> str:
    """What a person set for the model where the file says something else."""
    if about not in ("kind", "base") or about not in model.edited or getattr(model, about) == getattr(row, about):
        return ""
    return _LABELS[about](getattr(model, about))


def _reasons(pairs: Iterable[object]) -> defaultdict[str, tuple[str, ...]]:
    """By what they are about. Rows of other releases may hold anything."""
    found: defaultdict[str, tuple[str, ...]] = defaultdict(tuple)
    for pair in pairs:
        if isinstance(pair, list | tuple) and len(pair) == 2:
            about = _ALSO.get(str(pair[0]), str(pair[0]))
            about = "traits" if about in Trait.values() else about
            found[about] = (*found[about], str(pair[1]))
    return found


def _others(triples: Iterable[object]) -> defaultdict[str, tuple[Other, ...]]:
    found: defaultdict[str, tuple[Other, ...]] = defaultdict(tuple)
    for triple in triples:
        if isinstance(triple, list | tuple) and len(triple) == 3:
            about, value, reason = (str(part) for part in triple)
            about = _ALSO.get(about, about)
            label = _LABELS.get(about, str)(value)
            found[about] = (*found[about], Other(label, reason))
    return found
