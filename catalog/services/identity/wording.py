"""Naming a decision in a sentence: what, by whom, when."""

from __future__ import annotations

from datetime import UTC
from typing import TYPE_CHECKING

from catalog.vocabulary import DecisionKind

if TYPE_CHECKING:
    from collections.abc import Mapping

    from catalog.models import Decision


_VERBS: Mapping[str, str] = {
    DecisionKind.JOIN: "joined by itself",
    DecisionKind.MERGE: "merged",
    DecisionKind.SPLIT: "split",
    DecisionKind.NOT_SAME: "decided to be not the same",
    DecisionKind.UNDO: "put back as before",
}


def named(decision: Decision) -> str:
    """A sentence without its full stop: `“sdxl base” and “sdxl” were merged by ada on 2026-03-01 at 10:20 UTC`."""
    names = [f"“{model.name}”" for model in decision.models_touched.order_by("number")[:3]]
    if len(names) > 2:
        names = [names[0], "others"]
    verb = _VERBS.get(decision.kind, DecisionKind.label_of(decision.kind))
    if len(names) > 1:
        verb = verb.replace("itself", "themselves")
    who = f" by {decision.actor.get_username()}" if decision.actor is not None else ""
    moment = decision.decided_at.astimezone(UTC).strftime("%Y-%m-%d at %H:%M UTC")
    return f"{' and '.join(names) or 'They'} {'were' if len(names) != 1 else 'was'} {verb}{who} on {moment}"
