"""Evidence as comparisons make it, for tests."""

from __future__ import annotations

from typing import TYPE_CHECKING

from hypothesis import strategies as st

from catalog.matching.base import ComponentVerdict, Difference, Evidence, Row
from catalog.vocabulary import Certainty, Direction, Doubt, Mapped, Relation, SameModel, TensorVerdict

if TYPE_CHECKING:
    from catalog.formats.base import Json

_names = st.text(st.characters(exclude_categories=["Cs"]), max_size=12)
_shapes = st.lists(st.integers(0, 1 << 40), max_size=4).map(tuple)
_counts = st.integers(0, 1 << 62)
_numbers = st.floats(0, allow_nan=False)
_json: st.SearchStrategy[Json] = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | _names,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(_names, inner, max_size=3),
    max_leaves=4,
)

rows = st.builds(
    Row,
    component=_names,
    left=_names,
    right=_names,
    left_dtype=_names,
    right_dtype=_names,
    left_shape=_shapes,
    right_shape=_shapes,
    verdict=st.sampled_from(TensorVerdict),
    mapped=st.sampled_from(Mapped),
    part=_counts,
    parts=_counts,
    compared=_counts,
    of=_counts,
    outside=_counts,
    largest=st.none() | _numbers,
    typical=st.none() | _numbers,
)
differences = st.builds(Difference, _names, _json, _json, _names, st.booleans())
components = st.builds(
    ComponentVerdict,
    left=_names,
    right=_names,
    relation=st.sampled_from(Relation),
    certainty=st.sampled_from(Certainty),
    values=st.tuples(_counts, _counts),
    share_left=_numbers,
    share_right=_numbers,
    proven=_numbers,
    by_key=_numbers,
    compared=_counts,
    outside=_counts,
    detection_limit=st.none() | _numbers,
    distance=st.none() | _numbers,
    direction=st.sampled_from(Direction),
    rung=_names,
    doubt=st.none() | st.sampled_from(Doubt),
    rows=st.lists(rows, max_size=4).map(tuple),
)
evidence = st.builds(
    Evidence,
    relation=st.sampled_from(Relation),
    certainty=st.sampled_from(Certainty),
    same_model=st.sampled_from(SameModel),
    direction=st.sampled_from(Direction),
    detection_limit=st.none() | _numbers,
    values_compared=_counts,
    values_outside=_counts,
    settings=st.lists(differences, max_size=3).map(tuple),
    places=st.booleans(),
    proven=_numbers,
    by_key=_numbers,
    full=st.booleans(),
    doubt=st.none() | st.sampled_from(Doubt),
    components=st.lists(components, max_size=3).map(tuple),
    version=st.just("match:v1"),
)
"""Any evidence at all, whether or not it makes sense."""


def large(tensors: int) -> Evidence:
    """A quantised copy of a model of so many tensors, with names as they are in language models."""
    table = tuple(
        Row(
            "",
            f"model.layers.{at // 9}.self_attn.part_{at % 9}_proj.weight",
            f"blk.{at // 9}.attn_{at % 9}.weight",
            "F16",
            "Q4_K",
            (4096, 4096 + at),
            (4096, 4096 + at),
            TensorVerdict.QUANTISED,
            compared=100,
            of=4096 * (4096 + at),
            largest=8.25 + at / 7,
            typical=1.5 + at / 13,
        )
        for at in range(tensors)
    )
    verdict = ComponentVerdict("", "", Relation.QUANTISED, Certainty.SAMPLES, rows=table)
    return Evidence(Relation.QUANTISED, Certainty.SAMPLES, SameModel.YES, components=(verdict,))
