"""What two components are to one another: every conversion is found, no near miss is."""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from catalog.fingerprints.base import Fingerprint
from catalog.matching.components import compare
from catalog.vocabulary import Certainty, Direction, Doubt, Mapped, Relation, TensorVerdict
from tests.builders import BRAIN, HALF, misses, networks
from tests.builders import conversions_layout as layout
from tests.builders import conversions_precision as precision
from tests.builders.prints import fingerprint
from tests.builders.quantisers import quantise, tuned

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from catalog.matching.base import ComponentVerdict, Row
    from tests.builders import Array, Packed, Tensors

    Change = Callable[[Mapping[str, Array]], Mapping[str, Array | Packed]]

SAME = (Relation.SAME_WEIGHTS, Relation.OTHER_PRECISION, Relation.QUANTISED)


@lru_cache(maxsize=4)
def network(seed: int = 1) -> Tensors:
    return networks.bert(seed, hidden=64, inner=128, layers=3, tokens=128).tensors


@lru_cache(maxsize=1)
def base() -> Fingerprint:
    return fingerprint(network())


def judged(change: Change) -> ComponentVerdict:
    """The network beside what `change` makes of it."""
    return compare(base(), fingerprint(change(network())))[0]


def rows(verdict: ComponentVerdict, word: TensorVerdict) -> list[Row]:
    return [row for row in verdict.rows if row.verdict is word]


def packed(kind: str) -> Change:
    """Matrices whose rows are long enough in a type of GGUF, as its converters do it."""
    block = 256 if kind.endswith(("_K", "_XS")) else 32

    def change(tensors: Mapping[str, Array]) -> Mapping[str, Array | Packed]:
        return {
            name: quantise(array, kind) if array.ndim == 2 and array.shape[1] % block == 0 else array
            for name, array in tensors.items()
        }

    return change


CONVERSIONS: dict[str, tuple[Change, Relation, Certainty]] = {
    "renamed": (layout.renamed, Relation.SAME_WEIGHTS, Certainty.PROVEN),
    "reordered": (layout.reordered, Relation.SAME_WEIGHTS, Certainty.PROVEN),
    "transposed": (layout.transposed, Relation.SAME_WEIGHTS, Certainty.KEYS),
    "fused by rows": (layout.fused, Relation.SAME_WEIGHTS, Certainty.KEYS),
    "fused by columns": (
        lambda tensors: layout.fused(tensors, columns=True), Relation.SAME_WEIGHTS, Certainty.KEYS,
    ),
    "fused, cut, turned, renamed": (layout.relaid, Relation.SAME_WEIGHTS, Certainty.KEYS),
    "tied stored twice": (layout.untied, Relation.SAME_WEIGHTS, Certainty.PROVEN),
    "without its pooler": (layout.without_pooler, Relation.SAME_WEIGHTS, Certainty.KEYS),
    "f16": (precision.chain(HALF), Relation.OTHER_PRECISION, Certainty.PROVEN),
    "bf16": (precision.chain(BRAIN), Relation.OTHER_PRECISION, Certainty.PROVEN),
    "bf16, then f16": (precision.chain(BRAIN, HALF), Relation.OTHER_PRECISION, Certainty.KEYS),
    "f16, then bf16": (precision.chain(HALF, BRAIN), Relation.OTHER_PRECISION, Certainty.KEYS),
    "subnormals flushed": (precision.flushed, Relation.OTHER_PRECISION, Certainty.KEYS),
    "bf16 by cutting off": (precision.truncated, Relation.OTHER_PRECISION, Certainty.SAMPLES),
    "fp8 with scales": (precision.scaled_by_tensor, Relation.OTHER_PRECISION, Certainty.SAMPLES),
    "fp8 with scales of rows": (precision.scaled_by_row, Relation.OTHER_PRECISION, Certainty.SAMPLES),
    "Q8_0": (packed("Q8_0"), Relation.QUANTISED, Certainty.SAMPLES),
    "Q4_1": (packed("Q4_1"), Relation.QUANTISED, Certainty.SAMPLES),
}  # fmt: skip

MISSES: dict[str, Change] = {
    **{f"trained by {size}": misses.trained(size) for size in (1e-4, 1e-3, 1e-2, 1e-1)},
    "one tensor trained": misses.trained_tensor(1e-3),
    "one layer trained": misses.trained_layer(1e-2),
    "norms trained": misses.trained_norms(1e-2),
    "steps of bf16": misses.stepped_bf16(),
    "a LoRA merged into a tenth": misses.lora_merged(0.1, 1e-2),
    "one row changed": misses.row_changed(),
    "one value changed": misses.value_changed(),
    "two tensors swapped": misses.tensors_swapped,
    "two layers swapped": misses.layers_swapped,
    "half of a stranger": misses.merged(networks.bert(2, hidden=64, inner=128, layers=3, tokens=128).tensors, 0.5),
    "a stranger": lambda tensors: {**tensors, **network(2)},
}


@pytest.mark.parametrize("kind", CONVERSIONS)
def test_every_conversion_is_found(kind: str) -> None:
    change, relation, certainty = CONVERSIONS[kind]
    found = judged(change)
    assert (found.relation, found.certainty, found.doubt) == (relation, certainty, None)
    assert not found.outside


@pytest.mark.parametrize("kind", CONVERSIONS)
def test_the_sides_can_be_exchanged(kind: str) -> None:
    one = fingerprint(CONVERSIONS[kind][0](network()))
    here, there = compare(base(), one)[0], compare(one, base())[0]
    turned = {
        Direction.RIGHT_FROM_LEFT: Direction.LEFT_FROM_RIGHT,
        Direction.LEFT_FROM_RIGHT: Direction.RIGHT_FROM_LEFT,
    }
    assert (here.relation, here.certainty, here.compared) == (there.relation, there.certainty, there.compared)
    assert turned.get(here.direction, here.direction) is there.direction


@pytest.mark.parametrize("form", [precision.chain(), precision.chain(HALF), precision.chain(BRAIN), layout.fused])
@pytest.mark.parametrize("kind", MISSES)
def test_no_near_miss_is_the_same(kind: str, form: Change) -> None:
    assert judged(lambda tensors: form(MISSES[kind](tensors))).relation not in SAME  # type: ignore[arg-type] # arrays only


@settings(max_examples=5, deadline=None)
@given(
    st.integers(0, 1000),
    st.floats(1e-4, 1e-1),
    st.sampled_from([precision.chain(), precision.chain(HALF), precision.chain(BRAIN)]),
)
def test_no_training_is_too_light_to_be_seen(seed: int, size: float, form: Callable[[Tensors], Tensors]) -> None:
    tensors = networks.convnet(seed, width=16, blocks=2).tensors
    trained = misses.trained_tensor(size, seed)(tensors)
    assert compare(fingerprint(tensors), fingerprint(form(trained)))[0].relation not in SAME


@settings(max_examples=5, deadline=None)
@given(
    st.integers(0, 1000),
    st.sampled_from([layout.relaid, layout.transposed, layout.hwio, layout.linear, layout.scrambled]),
    st.sampled_from([precision.chain(), precision.chain(HALF), precision.chain(BRAIN), precision.chain(BRAIN, HALF)]),
)
def test_no_layout_and_rounding_hides_the_same_weights(
    seed: int, relaid: Callable[[Tensors], Tensors], form: Callable[[Tensors], Tensors]
) -> None:
    tensors = networks.llama(seed, layers=3, tokens=128).tensors
    found = compare(fingerprint(tensors), fingerprint(form(relaid(tensors))))[0]
    assert found.relation in SAME
    assert found.by_key == pytest.approx(1.0)


def test_a_change_off_the_samples_is_suspected_and_not_told() -> None:
    found = judged(misses.row_changed())
    assert (found.relation, found.certainty, found.doubt) == (
        Relation.CANNOT_TELL,
        Certainty.SUSPECTED,
        Doubt.OFF_SAMPLE,
    )
    assert found.full


def test_two_roundings_of_one_parent_are_siblings() -> None:
    half, brain = (fingerprint(precision.chain(dtype)(network())) for dtype in (HALF, BRAIN))
    found = compare(half, brain)[0]
    assert (found.relation, found.certainty, found.direction, found.rung) == (
        Relation.OTHER_PRECISION,
        Certainty.SAMPLES,
        Direction.NONE,
        "siblings",
    )


def test_it_is_told_from_which_precision_a_quantiser_started() -> None:
    assert judged(packed("Q8_0")).rung == "value"
    assert judged(lambda tensors: packed("Q8_0")(precision.chain(HALF)(tensors))).rung == "f16"


def test_what_only_one_side_has_is_listed_and_not_held_against_it() -> None:
    found = judged(layout.without_pooler)
    assert "pooler.dense.weight" in {row.left for row in rows(found, TensorVerdict.ONLY_LEFT)}
    assert found.share_right == 1.0


def test_a_changed_tensor_is_never_taken_for_a_missing_one() -> None:
    tensors = dict(network())
    name = "pooler.dense.weight"
    tensors[name] = np.random.default_rng(3).standard_normal(tensors[name].shape).astype(np.float32)
    found = compare(base(), fingerprint(tensors))[0]
    assert found.relation is Relation.DERIVED
    assert [row.left for row in rows(found, TensorVerdict.DIFFERENT)] == [name]


def test_half_a_model_is_part_of_the_whole() -> None:
    part = {name: array for name, array in network().items() if "layer.0" in name or "layer.1" in name}
    assert compare(base(), fingerprint(part))[0].relation is Relation.CONTAINS
    assert compare(fingerprint(part), base())[0].relation is Relation.PART_OF


def test_fixed_tables_make_no_match() -> None:
    table = {"stft.real": np.random.default_rng(4).standard_normal((129, 256), np.float32)}
    found = compare(fingerprint({**network(), **table}), fingerprint({**network(2), **table}))[0]
    assert found.relation is Relation.UNRELATED


def test_a_small_tensor_of_another_value_is_another_model() -> None:
    four, eight = ({**network(), "head.alpha": np.array([value], np.float32)} for value in (4, 8))
    assert compare(fingerprint(four), fingerprint(eight))[0].relation not in SAME
    assert compare(fingerprint(four), fingerprint(four))[0].relation is Relation.SAME_WEIGHTS


def test_equal_constants_are_never_swapped() -> None:
    tensors = {**network(), **{f"layer.{n}.zeros.bias": np.zeros(64, np.float32) for n in range(4)}}
    found = compare(fingerprint(tensors), fingerprint(layout.renamed(tensors)))[0]
    assert (found.relation, found.places) == (Relation.SAME_WEIGHTS, True)


def test_names_that_tell_nothing_leave_the_places_open() -> None:
    found = judged(layout.scrambled)
    assert (found.relation, found.places, found.doubt) == (Relation.SAME_WEIGHTS, False, Doubt.PLACES)


def test_norms_stored_minus_one_are_found() -> None:
    stored = {name: added(array, -1) if "LayerNorm.weight" in name else array for name, array in network().items()}
    coarse = precision.chain(BRAIN)(stored)
    acting = {name: added(array, int("LayerNorm.weight" in name)) for name, array in coarse.items()}
    found = compare(fingerprint(coarse), fingerprint(acting))[0]
    assert found.relation in SAME
    assert any(row.mapped is Mapped.SHIFTED for row in found.rows)


def added(array: Array, number: int) -> Array:
    return np.asarray(array, np.float32) + np.float32(number)


def test_an_importance_matrix_leaves_the_answer_to_all_values() -> None:
    importance = np.random.default_rng(5).random(64, np.float32) + np.float32(0.1)
    found = judged(
        lambda tensors: {
            name: tuned(array, "Q4_0", importance) if array.ndim == 2 and array.shape[1] == 64 else array
            for name, array in tensors.items()
        }
    )
    assert found.relation in (Relation.CANNOT_TELL, Relation.QUANTISED)
    assert found.full


def test_scales_count_though_the_codes_are_equal() -> None:
    scaled = precision.scaled_by_tensor(network())
    other = {name: added(array, 1) if "scale" in name else array for name, array in scaled.items()}
    assert compare(fingerprint(scaled), fingerprint(scaled))[0].relation is Relation.SAME_WEIGHTS
    assert compare(fingerprint(scaled), fingerprint(other))[0].relation not in SAME


def test_little_is_said_of_little() -> None:
    tiny = {"bias": np.arange(3, dtype=np.float32)}
    assert compare(fingerprint(tiny), fingerprint(tiny))[0].doubt is Doubt.TOO_SMALL
    nothing = fingerprint({})
    assert compare(nothing, base())[0].relation is Relation.UNRELATED
    assert compare(nothing, nothing)[0].relation is Relation.CANNOT_TELL


def test_of_too_many_tensors_of_one_size_nothing_is_told() -> None:
    (norm,) = fingerprint({"norm": np.linspace(0, 1, 64, dtype=np.float32)}).tensors
    (other,) = fingerprint({"norm": np.linspace(0, 2, 64, dtype=np.float32)}).tensors
    left, right = (
        Fingerprint(
            "", tuple(one._replace(name=f"{prefix}{n}", td=prefix.encode() + n.to_bytes(2)) for n in range(2100))
        )
        for one, prefix in ((norm, "a"), (other, "b"))
    )
    found = compare(left, right)[0]
    assert (found.relation, found.doubt) == (Relation.CANNOT_TELL, Doubt.TOO_MANY)


def test_every_tensor_of_both_sides_has_a_row() -> None:
    for change, _, _ in CONVERSIONS.values():
        other = fingerprint(change(network()))
        found = compare(base(), other)[0]
        assert {row.left for row in found.rows} - {""} == {tensor.name for tensor in base().tensors}
        assert {row.right for row in found.rows} - {""} == {tensor.name for tensor in other.tensors}


def test_the_detection_limit_is_the_finer_the_finer_the_type() -> None:
    limits = [judged(packed(kind)).detection_limit for kind in ("Q8_0", "Q4_1")]
    assert limits == sorted(limit for limit in limits if limit is not None)
    assert judged(layout.renamed).detection_limit is None


@pytest.mark.parametrize("factor", [1.01, -1.0, 0.0, np.nan])
def test_equal_codes_in_another_scale_are_another_model(factor: float) -> None:
    scaled = precision.scaled_by_tensor(network())
    name = next(name for name in scaled if name.endswith("scale_weight"))
    other = {**scaled, name: np.multiply(scaled[name], np.float32(factor))}
    assert compare(fingerprint(scaled), fingerprint(other))[0].relation not in SAME
