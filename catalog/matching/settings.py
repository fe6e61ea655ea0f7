"""What is not weights, compared and named."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from catalog.matching.base import Difference, Evidence, Subject


def stated(evidence: Evidence, left: Subject, right: Subject) -> Evidence:
    """The evidence with the settings that differ, and with what they make of the relation."""
    return replace(evidence, settings=differences(left, right))


def differences(left: Subject, right: Subject) -> tuple[Difference, ...]:
    """Each setting that both state, and state differently."""
    return ()
