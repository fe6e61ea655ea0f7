"""The shape of every closed list of words: a `StrEnum` whose members also carry a label for people."""

from __future__ import annotations

from enum import StrEnum
from typing import Self


class Word(StrEnum):
    """A machine word with a label: `Format.GGUF == "gguf"`, `Format.GGUF.label == "GGUF"`."""

    label: str

    def __new__(cls, value: str, label: str = "") -> Self:
        member = str.__new__(cls, value)
        member._value_ = value
        member.label = label
        return member

    @classmethod
    def label_of(cls, value: str) -> str:
        """The label of a stored word; a word of a newer release is shown as it stands."""
        member = cls._value2member_map_.get(value)
        return member.label if isinstance(member, cls) else value

    @classmethod
    def values(cls) -> list[str]:
        """The machine words as plain strings, for constraints and migrations."""
        return [member.value for member in cls]
