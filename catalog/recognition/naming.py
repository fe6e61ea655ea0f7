"""The name that a file gives itself."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from catalog.recognition.facts import Facts

MAX_NAME = 200
_KEYS = ("modelspec.title", "general.name")


def name(facts: Facts) -> str:
    """`modelspec.title` or `general.name` on one line, "" where there is none."""
    for key in _KEYS:
        stated = facts.header.get(key)
        if isinstance(stated, str) and stated.strip():
            return " ".join(stated.split())[:MAX_NAME]
    return ""
