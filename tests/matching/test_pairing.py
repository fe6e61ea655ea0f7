"""Which tensor is which: by digests, by keys, by samples; small ones by their values; ties by names."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from catalog.matching.components import compare
from catalog.matching.pairing import Pairing, pair
from catalog.matching.pairing_assigning import assignment
from catalog.matching.pairing_precision import cut_bf16, to_bf16, to_f16
from catalog.matching.pairing_sides import Side, Sort, plain_names
from catalog.vocabulary import Direction, Mapped, Relation
from tests.builders import BRAIN, HALF, Array
from tests.builders.prints import fingerprint

if TYPE_CHECKING:
    from collections.abc import Mapping

    import numpy.typing as npt

RANDOM = np.random.default_rng(7)


def drawn(*shape: int) -> npt.NDArray[np.float32]:
    return RANDOM.standard_normal(shape, np.float32)


def paired(left: Mapping[str, Array], right: Mapping[str, Array]) -> Pairing:
    return pair(Side(fingerprint(left)), Side(fingerprint(right)))


def names(found: Pairing) -> dict[str, str]:
    """Of core tensors."""
    return {found.left.tensors[link.left].name: found.right.tensors[link.right].name for link in found.links}


def test_tensors_are_sorted_by_what_they_are_good_for() -> None:
    side = Side(
        fingerprint(
            {
                "weight": drawn(32, 32),
                "norm": drawn(64),
                "scalar": drawn(1),
                "zeros": np.zeros((32, 32), np.float32),
                "position_ids": np.arange(512, dtype=np.int64).reshape(2, 256),
                "qweight": np.arange(512, dtype=np.int32).reshape(2, 256),
            }
        )
    )
    assert {one.name: sort for one, sort in zip(side.tensors, side.sorts, strict=True)} == {
        "weight": Sort.CORE,
        "norm": Sort.LESSER,
        "scalar": Sort.LESSER,
        "zeros": Sort.LESSER,
        "position_ids": Sort.NONE,
        "qweight": Sort.OPAQUE,
    }


def test_a_rounding_is_told_from_its_source() -> None:
    weight = drawn(40, 30)
    for dtype in (HALF, BRAIN):
        (link,) = paired({"a": weight}, {"b": weight.astype(dtype)}).links
        assert link.match is not None
        assert (link.match.made, link.match.proven) == (Direction.RIGHT_FROM_LEFT, True)


def test_values_of_a_coarser_type_stored_in_a_wider_one_are_equal() -> None:
    half = drawn(40, 30).astype(HALF)
    (link,) = paired({"a": half}, {"b": half.astype(np.float32)}).links
    assert link.match is not None
    assert (link.match.made, link.match.rung) == (Direction.NONE, "f16")


def test_names_break_ties_between_equal_tensors() -> None:
    weight = drawn(40, 30)
    found = paired({"a": weight, "b": weight}, {"b": weight, "a": weight})
    assert names(found) == {"a": "a", "b": "b"}


def test_a_tensor_stored_twice_is_no_second_tensor() -> None:
    weight = drawn(40, 30)
    found = paired({"a": weight, "head": weight}, {"a": weight})
    assert not found.lone_left
    assert [match.left for match in found.tied] == [1]


def test_versions_are_found_by_their_samples_whatever_they_are_called() -> None:
    weights = {f"w{n}": drawn(48, 64) for n in range(6)}
    moved = {f"x{9 - n}": weight + 0.05 * drawn(48, 64) for n, weight in enumerate(weights.values())}
    found = paired(weights, moved)
    assert names(found) == {f"w{n}": f"x{9 - n}" for n in range(6)}


def test_a_transposed_version_is_seen_as_transposed() -> None:
    weight = drawn(48, 48)
    (link,) = paired({"w": weight}, {"w": np.ascontiguousarray((weight + 0.05 * drawn(48, 48)).T)}).links
    assert (link.mapped, link.transposed) == (Mapped.TRANSPOSED, True)


def test_positive_tensors_are_not_alike_for_being_positive() -> None:
    assert not paired({"w": np.abs(drawn(48, 48)) + 1}, {"w": np.abs(drawn(48, 48)) + 1}).links


def test_a_kernel_in_another_layout_is_equal_in_some_order() -> None:
    kernel = drawn(16, 12, 3, 3)
    (link,) = paired({"w": kernel}, {"w": np.ascontiguousarray(kernel.transpose(2, 3, 1, 0))}).links
    assert link.mapped is Mapped.ANY_ORDER


def test_equal_values_in_another_order_under_the_same_name_are_noticed() -> None:
    weight = drawn(48, 48)
    assert paired({"w": weight}, {"w": np.ascontiguousarray(weight[::-1])}).disordered


def test_a_changed_norm_is_no_missing_norm() -> None:
    norm = drawn(64)
    assert len(paired({"w": drawn(32, 32), "n": norm}, {"n": norm + np.float32(0.01)}).changed) == 1
    assert not paired({"n": norm}, {"n": norm.astype(HALF)}).changed


def test_a_changed_small_tensor_is_noticed_under_any_name() -> None:
    assert len(paired({"a": drawn(32)}, {"b": drawn(32)}).changed) == 1


def test_scalars_of_exporters_stand_for_nothing() -> None:
    found = paired({"alpha": np.full(1, 3, np.float32)}, {"Constant_22": np.full((), 5, np.float32)})
    assert not found.changed
    assert (found.lone_left, found.lone_right) == ([0], [0])


def test_a_small_tensor_may_be_turned() -> None:
    small = drawn(2, 24)
    found = paired({"a": small}, {"b": np.ascontiguousarray(small.T) + np.float32(0)})
    assert not found.changed
    assert len(found.equal) + len(found.likes) == 1


def test_names_are_plain_without_what_all_share() -> None:
    assert plain_names(["model.a.weight", "model.b.weight"], "") == ["a.weight", "b.weight"]
    assert plain_names(["unet/x.w", "unet/y.w"], "unet") == ["x.w", "y.w"]
    assert plain_names(["w_quantized", "v"], "") == ["w", "v"]


@given(st.lists(st.tuples(st.integers(0, 5), st.integers(0, 5)), max_size=20))
def test_nobody_goes_without_who_could_have_had_one(candidates: list[tuple[int, int]]) -> None:
    found = assignment(candidates)
    assert len(set(found.values())) == len(found)
    assert all(pair in candidates for pair in found.items())
    assert len(found) == _most(candidates, set())


def _most(candidates: list[tuple[int, int]], taken: set[int], at: int = 0) -> int:
    """The size of the largest assignment, by trying all."""
    if at > 5:
        return 0
    best = _most(candidates, taken, at + 1)
    for right in {other for one, other in candidates if one == at and other not in taken}:
        best = max(best, 1 + _most(candidates, taken | {right}, at + 1))
    return best


@given(st.lists(st.floats(width=32, allow_nan=False, allow_infinity=False), min_size=1, max_size=20))
def test_roundings_are_those_of_the_types(values: list[float]) -> None:
    exact = np.array(values)
    with np.errstate(over="ignore"):
        assert np.array_equal(to_f16(exact), exact.astype(np.float32).astype(HALF).astype(np.float64))
    assert np.array_equal(to_bf16(exact), exact.astype(np.float32).astype(BRAIN).astype(np.float64))
    assert (np.abs(cut_bf16(exact)) <= np.abs(exact)).all()


def test_what_two_f16_files_hold_below_the_normal_values_counts() -> None:
    """A rounding may flush it; between two files of one type it is a change."""
    base = {f"{at}.weight": drawn(40, 40).astype(HALF) for at in range(5)}
    base |= {"fine": (drawn(40, 40) * np.float32(1e-4)).astype(HALF), "bias": np.linspace(-1, 1, 40).astype(HALF)}
    base["bias"][5] = 3e-6
    for name, value in (("fine", 3e-5), ("bias", 0)):
        changed = base[name].copy()
        changed.reshape(-1)[5] = value
        found = compare(fingerprint(base), fingerprint({**base, name: changed}))[0]
        assert found.relation in {Relation.CANNOT_TELL, Relation.DERIVED}


def test_a_rounding_may_flush_what_is_below_the_normal_values() -> None:
    base = {f"{at}.weight": drawn(40, 40) for at in range(5)} | {"bias": np.array([1, 2.0000002, 3e-6], np.float32)}
    flushed = {name: np.where(np.abs(array) < 2**-14, 0, array).astype(HALF) for name, array in base.items()}
    assert compare(fingerprint(base), fingerprint(flushed))[0].relation is Relation.OTHER_PRECISION
