"""The strip of a comparison: nothing is lost, nothing hangs over the edge."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from catalog.admin.strip import strip
from catalog.matching.base import ComponentVerdict, Row
from catalog.vocabulary import Certainty, Relation, TensorVerdict


def _row(verdict: TensorVerdict, values: int) -> Row:
    return Row("", "a", "b", "F32", "F16", (values,), (values,), verdict, of=values)


def _part(name: str, rows: list[Row]) -> ComponentVerdict:
    return ComponentVerdict(name, name, Relation.DERIVED, Certainty.SAMPLES, rows=tuple(rows))


ROWS = st.lists(st.builds(_row, st.sampled_from(TensorVerdict), st.integers(0, 10**9)), min_size=1, max_size=30)


@given(st.lists(ROWS, min_size=1, max_size=6))
def test_every_tensor_is_in_one_run_and_all_of_it_fits(parts: list[list[Row]]) -> None:
    drawn = strip([_part(f"part{number}", rows) for number, rows in enumerate(parts)])
    assert sum(run.tensors for run in drawn.runs) == sum(map(len, parts))
    assert [block.name for block in drawn.blocks] == [f"part{number}" for number in range(len(parts))]
    ends = [float(run.x) + float(run.width) for run in drawn.runs]
    assert max(ends) <= 100.02
    assert all(float(run.width) >= 0 for run in drawn.runs)
    begins = [float(run.x) for run in drawn.runs]
    assert begins == sorted(begins)


def test_neighbours_of_one_verdict_are_one_run_as_wide_as_their_values() -> None:
    rows = [_row(TensorVerdict.EQUAL, 100), _row(TensorVerdict.EQUAL, 200), _row(TensorVerdict.DIFFERENT, 100)]
    drawn = strip([_part("unet", rows)])
    assert [(run.verdict, run.tensors, run.width, run.short) for run in drawn.runs] == [
        (TensorVerdict.EQUAL, 2, "74.94", "eq"),
        (TensorVerdict.DIFFERENT, 1, "25.06", "di"),
    ]


def test_a_small_part_has_no_name_below_it() -> None:
    drawn = strip([_part("unet", [_row(TensorVerdict.EQUAL, 1000)]), _part("vae", [_row(TensorVerdict.EQUAL, 10)])])
    assert [block.labelled for block in drawn.blocks] == [True, False]


def test_components_without_a_table_are_left_out() -> None:
    assert strip([_part("unet", [])]).blocks == ()
