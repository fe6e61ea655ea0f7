"""Two real files compared by every value: what samples cannot see is seen, and what is the same stays the same."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
import pytest

from catalog.errors import Cancelled
from catalog.management.subjects import opened
from catalog.matching.full import compare_in_full
from catalog.matching.whole import compare
from catalog.vocabulary import Certainty, Direction, Doubt, Relation, SameModel, TensorVerdict
from tests.builders import conversions, misses
from tests.builders import conversions_quantised as quantised
from tests.builders.networks import Network, bert, llama
from tests.builders.quantisers import quantise, tuned

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

    from catalog.matching.base import Evidence
    from tests.builders import Array, Packed, Tensors

NETWORK = bert(1)


def in_full(left: Path, right: Path) -> Evidence:
    with opened(str(left)) as (one, ours), opened(str(right)) as (other, theirs):
        return compare_in_full(one, other, ours, theirs)


@pytest.fixture
def base(tmp_path: Path) -> Path:
    return conversions.write(tmp_path, "base", conversions.single(NETWORK.tensors))


def converted(folder: Path, kind: str, tensors: Mapping[str, Array] = NETWORK.tensors) -> Path:
    made = conversions.conversions(changed(tensors), quantise)[kind].make()
    return conversions.write(folder, "other", made)


def changed(tensors: Mapping[str, Array]) -> Network:
    return replace(NETWORK, tensors=dict(tensors))


@pytest.mark.parametrize("kind", ["f16", "bf16", "E4M3", "E5M2", "f16, norms in f32", "bf16, then f16", "turned"])
def test_every_value_of_a_cast_lies_where_rounding_allows(base: Path, tmp_path: Path, kind: str) -> None:
    found = in_full(base, converted(tmp_path, kind))

    relation = Relation.SAME_WEIGHTS if kind == "turned" else Relation.OTHER_PRECISION
    assert (found.relation, found.certainty, found.same_model) == (relation, Certainty.ALL_VALUES, SameModel.YES)
    assert (found.values_outside, found.full) == (0, False)
    assert found.direction == (Direction.NONE if kind == "turned" else Direction.RIGHT_FROM_LEFT)
    assert all(row.compared == row.of for row in found.rows if row.left and row.right)


def test_what_the_samples_cannot_tell_of_bits_that_were_dropped_all_values_tell(base: Path, tmp_path: Path) -> None:
    found = in_full(base, converted(tmp_path, "bf16 by dropping bits"))

    assert (found.relation, found.certainty) == (Relation.OTHER_PRECISION, Certainty.ALL_VALUES)
    assert [one.rung for one in found.components] == ["truncated"]


@pytest.mark.parametrize("kind", ["GGUF Q8_0", "GGUF Q4_0", "GGUF Q4_K", "GGUF Q2_K", "int8 by row"])
def test_every_value_of_a_quantised_copy_lies_within_its_step(base: Path, tmp_path: Path, kind: str) -> None:
    found = in_full(converted(tmp_path, kind), base)

    assert (found.relation, found.certainty) == (Relation.QUANTISED, Certainty.ALL_VALUES)
    assert (found.values_outside, found.direction) == (0, Direction.LEFT_FROM_RIGHT)
    assert any(row.verdict == TensorVerdict.QUANTISED and 0 < (row.typical or 0) < 1 for row in found.rows)


@pytest.mark.parametrize(("kind", "rung"), [("GGUF Q8_0", "value"), ("GGUF Q8_0 from f16", "f16")])
def test_it_is_told_from_which_precision_the_quantiser_started(
    base: Path, tmp_path: Path, kind: str, rung: str
) -> None:
    found = in_full(base, converted(tmp_path, kind))

    assert [one.rung for one in found.components] == [rung]


LLAMA = llama(1)


@pytest.mark.parametrize("kind", ["Q4_0", "Q5_0"])
def test_what_an_importance_matrix_tuned_is_explained_block_by_block(tmp_path: Path, kind: str) -> None:
    base = conversions.write(tmp_path, "base", conversions.single(LLAMA.tensors))

    found = in_full(base, of_importance(tmp_path, kind, LLAMA.tensors))

    assert (found.relation, found.certainty, found.values_outside) == (Relation.QUANTISED, Certainty.ALL_VALUES, 0)


def test_and_a_fine_tune_tuned_so_is_not(tmp_path: Path) -> None:
    base = conversions.write(tmp_path, "base", conversions.single(LLAMA.tensors))

    found = in_full(base, of_importance(tmp_path, "Q4_0", misses.trained(1e-2)(LLAMA.tensors)))

    assert found.same_model == SameModel.NO


def of_importance(folder: Path, kind: str, tensors: Mapping[str, Array]) -> Path:
    def pack(array: Array, kind: str) -> Packed:
        importance = np.random.default_rng(9).uniform(0.1, 10, array.shape[-1:]).astype(np.float32)
        return tuned(array, kind, importance)

    made = quantised.gguf_of(replace(LLAMA, tensors=dict(tensors)), kind, pack)
    return conversions.write(folder, "tuned", {"model.gguf": made})


@pytest.mark.parametrize("kind", ["safetensors, another header", "f16", "GGUF Q8_0", "GGUF Q4_K", "int8 by row"])
@pytest.mark.parametrize("miss", [misses.row_changed(), misses.value_changed()], ids=["row", "value"])
def test_a_change_that_no_sample_meets_is_found_and_its_tensor_named(
    base: Path, tmp_path: Path, kind: str, miss: Callable[[Mapping[str, Array]], Tensors]
) -> None:
    moved = miss(NETWORK.tensors)
    (name,) = (name for name, array in moved.items() if not np.array_equal(array, NETWORK.tensors[name]))

    found = in_full(base, converted(tmp_path, kind, moved))

    assert (found.relation, found.certainty, found.same_model) == (
        Relation.DERIVED,
        Certainty.ALL_VALUES,
        SameModel.NO,
    )
    assert [row.left for row in found.rows if row.verdict == TensorVerdict.DIFFERENT] == [name]


@pytest.mark.parametrize(
    ("kind", "size"),
    [("safetensors, another header", 3e-5), ("f16", 1e-4), ("bf16", 1e-4), ("GGUF Q8_0", 1e-3), ("GGUF Q4_K", 1e-3)],
)
def test_a_light_fine_tune_is_never_the_same(base: Path, tmp_path: Path, kind: str, size: float) -> None:
    found = in_full(base, converted(tmp_path, kind, misses.trained(size)(NETWORK.tensors)))

    assert found.same_model == SameModel.NO


def test_one_value_by_one_step_makes_another_model_of_equal_files(base: Path, tmp_path: Path) -> None:
    half = {name: array.astype(np.float16) for name, array in NETWORK.tensors.items()}
    name = misses.matrices(NETWORK.tensors)[1]
    moved = half[name].copy()
    moved.reshape(-1).view(np.uint16)[7] += 1

    found = in_full(
        converted(tmp_path / "one", "f16", half), converted(tmp_path / "other", "f16", half | {name: moved})
    )

    assert (found.relation, found.same_model, found.values_outside) == (Relation.DERIVED, SameModel.NO, 1)


def _small(network: Mapping[str, Array]) -> tuple[dict[str, np.ndarray], str]:
    half = {name: array.astype(np.float16) for name, array in network.items()}
    name = misses.matrices(network)[1]
    half[name] = half[name].copy()
    half[name].reshape(-1)[:4] = [3e-5, -2e-5, 1e-5, 6e-6]
    return half, name


def test_a_small_value_is_not_lost_behind_a_zero_where_others_are_kept(base: Path, tmp_path: Path) -> None:
    half, name = _small(NETWORK.tensors)
    other = half[name].copy()
    other.reshape(-1)[0] = 0

    found = in_full(converted(tmp_path / "one", "f16", half), converted(tmp_path / "two", "f16", half | {name: other}))

    assert found.same_model != SameModel.YES


def test_flushing_every_small_value_is_a_way_to_round(base: Path, tmp_path: Path) -> None:
    half, _ = _small(NETWORK.tensors)
    flushed = {key: np.where(np.abs(array) < 2.0**-14, np.float16(0), array) for key, array in half.items()}

    found = in_full(converted(tmp_path / "one", "f16", half), converted(tmp_path / "two", "f16", flushed))

    assert found.same_model == SameModel.YES


def test_equal_keys_in_another_order_are_no_proof_of_the_same_model(base: Path, tmp_path: Path) -> None:
    name = misses.matrices(NETWORK.tensors)[1]
    shuffled = np.random.default_rng(2).permutation(NETWORK.tensors[name].reshape(-1))
    other = {**NETWORK.tensors, name: shuffled.reshape(NETWORK.tensors[name].shape)}

    found = in_full(base, converted(tmp_path, "f16", other))

    assert found.same_model != SameModel.YES


def test_a_small_tensor_counts_too(base: Path, tmp_path: Path) -> None:
    name = next(name for name, array in NETWORK.tensors.items() if array.ndim == 1 and array.size == 96)
    moved = NETWORK.tensors[name].copy()
    moved[77] += 0.5

    found = in_full(base, converted(tmp_path, "safetensors, another header", {**NETWORK.tensors, name: moved}))

    assert found.same_model == SameModel.NO


def test_progress_ends_with_all_values_and_a_wish_to_stop_is_heard(base: Path, tmp_path: Path) -> None:
    told: list[tuple[int, int]] = []
    with opened(str(base)) as (one, ours), opened(str(converted(tmp_path, "E4M3"))) as (other, theirs):
        compare_in_full(one, other, ours, theirs, progress=lambda done, of: told.append((done, of)))
        with pytest.raises(Cancelled):
            compare_in_full(one, other, ours, theirs, cancelled=lambda: True)

    assert told == sorted(told)
    assert told[-1][0] == told[-1][1]


def test_it_settles_what_the_samples_left_open(base: Path, tmp_path: Path) -> None:
    moved = converted(tmp_path, "f16", misses.value_changed()(NETWORK.tensors))
    with opened(str(base)) as (one, _), opened(str(moved)) as (other, _):
        sampled = compare(one, other)

    assert (sampled.relation, sampled.doubt, sampled.full) == (Relation.CANNOT_TELL, Doubt.OFF_SAMPLE, True)


def test_two_quantised_copies_of_a_small_model_do_not_show_a_light_change(base: Path, tmp_path: Path) -> None:
    one, other = converted(tmp_path / "one", "GGUF Q8_0"), converted(tmp_path / "other", "int8 by row")

    found = in_full(one, other)

    assert (found.relation, found.certainty, found.values_outside) == (Relation.QUANTISED, Certainty.ALL_VALUES, 0)
    assert (found.same_model, found.doubt) == (SameModel.UNKNOWN, Doubt.BELOW_NOISE)
    assert found.detection_limit is not None
    assert found.detection_limit > 1e-4


@pytest.mark.parametrize(("ours", "theirs"), [("E4M3", "f16"), ("GGUF Q8_0", "f16"), ("bf16", "GGUF Q8_0")])
def test_one_tensor_a_little_changed_is_no_rounding(base: Path, tmp_path: Path, ours: str, theirs: str) -> None:
    changed = misses.trained_tensor(1e-4)(NETWORK.tensors)

    found = in_full(converted(tmp_path / "one", ours), converted(tmp_path / "other", theirs, changed))

    assert found.same_model != SameModel.YES


def test_a_column_stretched_is_not_taken_for_a_tuned_scale(base: Path, tmp_path: Path) -> None:
    name = misses.matrices(NETWORK.tensors)[1]
    moved = NETWORK.tensors[name].astype(np.float32)
    moved[:, 5] = moved[:, 5] * np.float32(1.03)

    found = in_full(
        conversions.write(tmp_path / "one", "other", conversions.single({**NETWORK.tensors, name: moved})),
        converted(tmp_path / "two", "GGUF Q4_0"),
    )

    assert (found.relation, found.same_model) == (Relation.DERIVED, SameModel.NO)
