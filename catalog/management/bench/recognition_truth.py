"""Judged pairs of weights: a folder with a `truth.json` that says which of its files are one model.

`artefacts`: `path` (a file or a folder below), `format`, `precision`. `pairs`: `a`, `b`, `relation` and `same_model`
(true, false, or "partial" for a component); `kind` names the conversion or the near miss, where the relation is not
name enough.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, NamedTuple

from catalog.errors import NotFound
from catalog.vocabulary import Relation, SameModel

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

FILE = "truth.json"

_R = Relation
RELATIONS: Mapping[str, frozenset[Relation]] = {
    "identical-bytes": frozenset({_R.IDENTICAL}),
    "same-tensors": frozenset({_R.SAME_TENSORS, _R.SAME_WEIGHTS}),
    "same-weights-renamed": frozenset({_R.SAME_TENSORS, _R.SAME_WEIGHTS}),
    "same-weights-precision": frozenset({_R.OTHER_PRECISION, _R.SAME_WEIGHTS}),
    "same-weights-quantised": frozenset({_R.QUANTISED, _R.OTHER_PRECISION}),
    "folded/optimised-graph": frozenset({_R.SAME_WEIGHTS, _R.OTHER_PRECISION, _R.QUANTISED}),
    "finetune-of": frozenset({_R.DERIVED, _R.SHARES_PARTS}),
    "rearranged": frozenset({_R.REARRANGED}),
    "different": frozenset({_R.UNRELATED, _R.SHARES_PARTS, _R.DERIVED, _R.CANNOT_TELL}),
    "subset-of": frozenset({_R.CONTAINS, _R.PART_OF}),
    "contains": frozenset({_R.CONTAINS, _R.PART_OF}),
    "shares-parts": frozenset({_R.SHARES_PARTS, _R.CONTAINS, _R.PART_OF}),
}
"""Word of the truth -> the words that say the same. Of a subset either side may be named first."""

_SAME = {"True": SameModel.YES, "False": SameModel.NO, "partial": SameModel.PARTIAL}


class Judged(NamedTuple):
    """One pair: relative paths, what they are to one another, and by which name the pair is counted."""

    left: str
    right: str
    relation: str
    same: SameModel
    kind: str


class Truth(NamedTuple):
    """The pairs of a folder whose both sides are there, and how many are not."""

    folder: Path
    pairs: tuple[Judged, ...]
    missing: tuple[str, ...]
    left_out: int

    @property
    def paths(self) -> tuple[str, ...]:
        """Of every artefact that a pair needs, each once, in the order in which they are needed."""
        return tuple(dict.fromkeys(path for pair in self.pairs for path in (pair.left, pair.right)))


def read(folder: Path) -> Truth:
    """The truth of a folder. Raises `NotFound` where there is none that can be read."""
    try:
        found = json.loads((folder / FILE).read_bytes())
        forms = {str(one["path"]): f"{one['format']} {one['precision']}" for one in found["artefacts"]}
        pairs = [_judged(one, forms) for one in found["pairs"]]
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise NotFound(f"There are no judged pairs in {folder}: {FILE} {_reason(error)}.") from error
    there = {path for path in forms if (folder / path).exists()}
    kept = tuple(pair for pair in pairs if {pair.left, pair.right} <= there)
    return Truth(folder, kept, tuple(sorted(forms.keys() - there)), len(pairs) - len(kept))


def _judged(pair: Mapping[str, object], forms: Mapping[str, str]) -> Judged:
    left, right, relation = str(pair["a"]), str(pair["b"]), str(pair["relation"])
    same = _SAME[str(pair["same_model"])]
    kind = str(pair.get("kind") or f"{relation}: {forms.get(left, '?')} / {forms.get(right, '?')}")
    return Judged(left, right, relation, same, kind)


def _reason(error: Exception) -> str:
    if isinstance(error, OSError):
        return "cannot be read"
    return "is no JSON" if isinstance(error, ValueError) else f"lacks or misstates {error}"
