"""Small tensors beside the components, and tensors whose values cannot be read: what is the same agrees in them too."""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING

import numpy as np
import pytest

from catalog.matching.components import compare as compare_components
from catalog.matching.whole import compare
from catalog.vocabulary import Doubt, Relation, SameModel, TensorVerdict
from tests.builders import Packed, networks, safetensors
from tests.builders.prints import fingerprint
from tests.matching.judging import assert_not_same, held, judge

if TYPE_CHECKING:
    from tests.builders import Array, Tensors

RANDOM = np.random.default_rng(5)
VECTOR = RANDOM.normal(0, 1, 500).astype(np.float32)


@lru_cache(maxsize=1)
def network() -> Tensors:
    return networks.bert(1, hidden=64, inner=128, layers=3, tokens=128).tensors


def file(dtype: type, **beside: Array) -> dict[str, bytes]:
    """One component under a known prefix, and what lies beside it."""
    tensors = {f"model.diffusion_model.{name}": array for name, array in network().items()} | beside
    return {"model.safetensors": safetensors({name: array.astype(dtype) for name, array in tensors.items()})}


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (np.ones(()), np.full((), 2)),
        (VECTOR[:40], VECTOR[1:41]),
        (VECTOR[:100], VECTOR[1:101]),
        (VECTOR[:100].reshape(10, 10), VECTOR[1:101].reshape(10, 10)),
    ],
    ids=["a scalar", "a short vector", "a vector", "a small matrix"],
)
@pytest.mark.parametrize("dtype", [np.float32, np.float16])
def test_what_differs_beside_the_components_is_another_model(one: Array, other: Array, dtype: type) -> None:
    with held(file(np.float32, extra=one)) as left, held(file(dtype, extra=other)) as right:
        judged = judge(left, right)
    assert judged.quick.same_model is SameModel.NO
    assert_not_same(judged)
    assert [row.left for row in judged.quick.rows if row.verdict is TensorVerdict.DIFFERENT] == ["extra"]


def test_what_differs_where_no_sample_lies_leaves_the_whole_open() -> None:
    changed = VECTOR.copy()
    changed[1] *= 2
    with held(file(np.float32, extra=VECTOR)) as left, held(file(np.float16, extra=changed)) as right:
        found = compare(left.subject, right.subject)
    assert (found.same_model, found.doubt) == (SameModel.UNKNOWN, Doubt.OFF_SAMPLE)


def test_what_is_swapped_beside_the_components_is_rearranged() -> None:
    beside = {f"extra.{at}": VECTOR[at * 100 : at * 100 + 100] for at in range(4)}
    swapped = beside | {"extra.0": beside["extra.1"], "extra.1": beside["extra.0"]}
    with held(file(np.float32, **beside)) as left, held(file(np.float32, **swapped)) as right:
        found = compare(left.subject, right.subject)
    assert (found.relation, found.same_model) == (Relation.REARRANGED, SameModel.NO)


def test_what_agrees_or_lies_on_one_side_only_changes_nothing() -> None:
    with (
        held(file(np.float32, extra=VECTOR)) as left,
        held(file(np.float16, extra=VECTOR)) as same,
        held(file(np.float16)) as without,
    ):
        for right in (same, without):
            assert compare(left.subject, right.subject).same_model is SameModel.YES


NUMBERS = np.arange(100, dtype=np.int32)


def packed(seed: int) -> Packed:
    return Packed("F4", (16, 16), np.random.default_rng(seed).bytes(128))


@pytest.mark.parametrize(
    ("one", "other", "relation"),
    [
        (NUMBERS, NUMBERS[::-1], Relation.DERIVED),
        (NUMBERS * 0, NUMBERS, Relation.DERIVED),
        (packed(1), packed(2), Relation.CANNOT_TELL),
    ],
    ids=["whole numbers", "zeros that others are too", "packed ones"],
)
def test_namesakes_that_cannot_be_read_are_not_taken_for_the_same(
    one: Array | Packed, other: Array | Packed, relation: Relation
) -> None:
    halves = {name: array.astype(np.float16) for name, array in network().items()}
    twin = {"a": NUMBERS * 0}  # of what is all zeros another one is left over
    left, right = fingerprint({**network(), **twin, "z": one}), fingerprint({**halves, **twin, "z": other})
    verdict = compare_components(left, right)[0]
    assert verdict.relation is relation
    assert [
        row.left for row in verdict.rows if row.verdict in {TensorVerdict.DIFFERENT, TensorVerdict.NOT_COMPARED}
    ] == ["z"]
    assert compare_components(left, fingerprint({**halves, **twin, "z": one}))[0].relation is Relation.OTHER_PRECISION
