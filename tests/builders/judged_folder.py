"""A folder of judged pairs as it is written: artefacts, then `truth.json`."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, NamedTuple

from tests.builders.conversions import OTHER_PRECISION, QUANTISED, SAME_TENSORS, SAME_WEIGHTS, write

if TYPE_CHECKING:
    from pathlib import Path

    from tests.builders.conversions import Files

WORDS = {
    SAME_TENSORS: "same-tensors",
    SAME_WEIGHTS: "same-weights-renamed",
    OTHER_PRECISION: "same-weights-precision",
    QUANTISED: "same-weights-quantised",
}
"""The product's words -> those of the truth."""


class Case(NamedTuple):
    """Two artefacts by their paths, and what is true of them."""

    name: str
    beside: str
    relation: str
    same: bool | str
    kind: str


class JudgedFolder:
    """What is written so far."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._artefacts: list[dict[str, str]] = []
        self._pairs: list[dict[str, object]] = []

    def put(self, name: str, files: Files) -> str:
        """Write one artefact; its relative path."""
        plain = name.replace(" %", " percent").replace(":", "").replace(" / ", " of ")
        path = write(self._folder, plain, files).relative_to(self._folder).as_posix()
        self._artefacts.append({"path": path, "format": next(iter(files)).rpartition(".")[2], "precision": ""})
        return path

    def judge(self, case: Case) -> None:
        """One pair."""
        sides = {"a": case.beside, "b": case.name}
        self._pairs.append({**sides, "relation": case.relation, "same_model": case.same, "kind": case.kind})

    def close(self) -> None:
        """Write the truth."""
        text = json.dumps({"artefacts": self._artefacts, "pairs": self._pairs}, indent=1)
        (self._folder / "truth.json").write_text(text, encoding="utf-8")
