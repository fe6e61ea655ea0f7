"""Naming a decision in a sentence: what, by whom, when."""

from __future__ import annotations

from typing import TYPE_CHECKING

from catalog.vocabulary import DecisionKind

if TYPE_CHECKING:
    from catalog.models import Decision


def named(decision: Decision) -> str:
    """As the end of a sentence: `“sdxl base” was merged by ada on 2026-03-01 at 10:20 UTC`."""
    names = [f"“{model.name}”" for model in decision.models_touched.order_by("number")[:2]]
    who = f" by {decision.actor.get_username()}" if decision.actor is not None else ""
    moment = decision.decided_at.strftime("%Y-%m-%d at %H:%M UTC")
    verb = "were" if len(names) > 1 else "was"
    return f"{' and '.join(names) or 'it'} {verb} {DecisionKind.label_of(decision.kind)}{who} on {moment}"
