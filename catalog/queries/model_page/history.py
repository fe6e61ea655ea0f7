"""What happened to a model, newest first: decisions with who and why, the birth of its variants, its former names."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from catalog.models import Decision, FormerName, ModelRecord
from catalog.vocabulary import Certainty, DecisionKind, Relation

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from datetime import datetime
    from uuid import UUID

    from catalog.models import Variant

_UNDOABLE = {DecisionKind.JOIN.value, DecisionKind.MERGE.value, DecisionKind.SPLIT.value, DecisionKind.NOT_SAME.value}
_MOST = 100


@dataclass(frozen=True, slots=True)
class Event:
    """One line of the history. `undo` is the decision that can be taken back.

    `evidence`: the two variants whose comparison decided, for what was joined by itself.
    """

    at: datetime
    who: str
    what: str
    undo: int | None = None
    evidence: tuple[str, str] | None = None


@dataclass(frozen=True, slots=True)
class Named:
    """A path under which a variant was seen."""

    library: str
    path: str
    variant_id: UUID
    first_seen: datetime
    last_seen: datetime


def events(model: ModelRecord, variants: Iterable[Variant], names: Sequence[Named]) -> list[Event]:
    """Decisions and births, newest first. `names` are all names of these variants."""
    first = {name.variant_id: name for name in sorted(names, key=lambda name: name.first_seen, reverse=True)}
    decided = Decision.objects.filter(models_touched=model).select_related("actor", "undone_by", "undoes")
    decided = decided.prefetch_related("models_touched").order_by("-pk")
    found = [_event(row, model) for row in decided[:_MOST]]
    found += [Event(row.born_at, "", _birth(row, first.get(row.pk))) for row in variants]
    return sorted(found, key=lambda event: event.at, reverse=True)[:_MOST]


def former_names(variant_ids: Iterable[UUID]) -> list[Named]:
    """Every path under which these variants were seen, the latest first."""
    rows = (
        FormerName.objects.filter(variant__in=list(variant_ids)).select_related("library").order_by("-last_seen", "-pk")
    )
    return [
        Named(row.library.name, row.path_text, row.variant_id, row.first_seen, row.last_seen) for row in rows[:_MOST]
    ]


def _what(row: Decision, model: ModelRecord) -> str:
    """Such as `Joined by itself with “flux” (c81d40f2): same tensors, proven by hash`."""
    words = DecisionKind.label_of(row.kind).capitalize()
    if row.undoes is not None:
        words = f"{words}: {DecisionKind.label_of(row.undoes.kind)}"
    others = [f"“{other}” ({other.short_id})" for other in row.models_touched.all() if other.pk != model.pk]
    sides = f" with {', '.join(others)}" if others else ""
    why = row.reason or _why(row)
    return f"{words}{sides}: {why}" if why else f"{words}{sides}"


def _why(row: Decision) -> str:
    """What a decision that nobody took had for evidence."""
    if row.kind != DecisionKind.JOIN:
        return ""
    relation = Relation.label_of(row.before.get("relation", row.rule))
    return f"{relation}, {Certainty.label_of(row.before.get('certainty', Certainty.PROVEN.value))}"


def _evidence(row: Decision) -> tuple[str, str] | None:
    pair = str(row.before.get("variants", "")).split() if row.kind == DecisionKind.JOIN else []
    return (pair[0], pair[1]) if len(pair) == 2 else None


def _birth(row: Variant, name: Named | None) -> str:
    return f"First seen in {name.library}, {name.path}" if name else f"First seen: variant {row.short_id}"


def _event(row: Decision, model: ModelRecord) -> Event:
    undone = hasattr(row, "undone_by")
    what = _what(row, model)
    return Event(
        at=row.decided_at,
        who=row.actor.get_username() if row.actor else "",
        what=f"{what} (undone)" if undone else what,
        undo=row.pk if row.kind in _UNDOABLE and not undone else None,
        evidence=_evidence(row),
    )
