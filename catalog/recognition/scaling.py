"""The scaling factor of an autoencoder's configuration, as a marker."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from catalog.recognition.base import Sign

if TYPE_CHECKING:
    from catalog.recognition.facts import Facts


@dataclass(frozen=True, slots=True)
class Scaled:
    """`config.json` states this `scaling_factor`."""

    factor: float
    sign: ClassVar[Sign] = Sign.CONFIG

    def found(self, facts: Facts) -> str:
        stated = facts.says("config.json:scaling_factor")
        return f"config.json states scaling_factor {stated}" if stated == self.factor else ""
