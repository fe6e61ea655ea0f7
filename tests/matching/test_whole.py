"""From what components are to one another to what the variants are: every row of the table."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from catalog.matching.base import ComponentVerdict, Evidence, Subject
from catalog.matching.whole import compare, concluded, parts
from catalog.vocabulary import Certainty, Direction, Doubt, Relation, SameModel, TensorVerdict
from tests.matching.subjects import network, subject

if TYPE_CHECKING:
    from collections.abc import Mapping

FILE = ("model.diffusion_model", "cond_stage_model", "first_stage_model")
FOLDER = ("unet", "text_encoder", "vae")
LAYERS = {name: 9 - 3 * at for at, name in enumerate(FILE)} | {name: 9 - 3 * at for at, name in enumerate(FOLDER)}


def variant(*names: str) -> Subject:
    """The first of three parts has most values."""
    return subject({name: network(LAYERS.get(name, 3), seed=at) for at, name in enumerate(names)}, whole=False)


def verdict(left: str, right: str, relation: Relation, **told: object) -> ComponentVerdict:
    given: dict[str, object] = {"certainty": Certainty.KEYS, "values": (1000, 1000), "proven": 0.0, "by_key": 1.0}
    return ComponentVerdict(left, right, relation, **given | told)  # type: ignore[arg-type] # fields by name


def conclude(left: Subject, right: Subject, *verdicts: ComponentVerdict) -> Evidence:
    return concluded(left, right, verdicts)


def all_same(relation: Relation = Relation.SAME_WEIGHTS, **told: object) -> list[ComponentVerdict]:
    return [verdict(one, other, relation, **told) for one, other in zip(FILE, FOLDER, strict=True)]


SAMPLED: Mapping[str, object] = {
    "certainty": Certainty.SAMPLES,
    "compared": 3700,
    "detection_limit": 1.3e-4,
    "full": True,
}


@pytest.mark.parametrize("relation", [Relation.SAME_WEIGHTS, Relation.OTHER_PRECISION])
def test_equal_keys_make_one_model(relation: Relation) -> None:
    found = conclude(variant(*FILE), variant(*FOLDER), *all_same(relation, full=True))
    assert (found.relation, found.certainty, found.same_model) == (relation, Certainty.KEYS, SameModel.YES)
    assert found.full
    assert found.by_key == 1.0


@pytest.mark.parametrize("relation", [Relation.OTHER_PRECISION, Relation.QUANTISED])
def test_all_values_make_one_model_and_leave_nothing_open(relation: Relation) -> None:
    verdicts = all_same(relation, certainty=Certainty.ALL_VALUES, direction=Direction.RIGHT_FROM_LEFT)
    found = conclude(variant(*FILE), variant(*FOLDER), *verdicts)
    assert (found.relation, found.certainty, found.same_model) == (relation, Certainty.ALL_VALUES, SameModel.YES)
    assert found.direction is Direction.RIGHT_FROM_LEFT
    assert not found.full


def test_enough_samples_make_one_model_with_their_limit() -> None:
    found = conclude(variant(*FILE), variant(*FOLDER), *all_same(Relation.QUANTISED, **SAMPLED))
    assert (found.relation, found.certainty, found.same_model) == (
        Relation.QUANTISED, Certainty.SAMPLES, SameModel.YES
    )  # fmt: skip
    assert found.detection_limit == 1.3e-4
    assert found.full


@pytest.mark.parametrize(
    ("told", "doubt"),
    [
        ({"compared": 999}, Doubt.TOO_SMALL),
        ({"detection_limit": 2.1e-4}, Doubt.BELOW_NOISE),
        ({"detection_limit": None}, Doubt.BELOW_NOISE),
        ({"certainty": Certainty.SUSPECTED}, Doubt.BELOW_NOISE),
    ],
)
def test_few_or_coarse_samples_leave_it_open_until_all_values_are_compared(
    told: dict[str, object], doubt: Doubt
) -> None:
    verdicts = all_same(Relation.QUANTISED, **SAMPLED)
    verdicts[2] = verdict("first_stage_model", "vae", Relation.QUANTISED, **{**SAMPLED, **told})
    found = conclude(variant(*FILE), variant(*FOLDER), *verdicts)
    assert (found.relation, found.same_model, found.doubt) == (Relation.QUANTISED, SameModel.UNKNOWN, doubt)
    assert found.full


def test_certainty_is_that_of_the_weakest_component_and_the_limit_the_largest() -> None:
    verdicts = [
        verdict(FILE[0], FOLDER[0], Relation.QUANTISED, **SAMPLED),
        verdict(FILE[1], FOLDER[1], Relation.OTHER_PRECISION, **{**SAMPLED, "detection_limit": 1.9e-4}),
        verdict(FILE[2], FOLDER[2], Relation.SAME_WEIGHTS, certainty=Certainty.PROVEN, proven=1.0),
    ]
    found = conclude(variant(*FILE), variant(*FOLDER), *verdicts)
    assert (found.relation, found.certainty) == (Relation.QUANTISED, Certainty.SAMPLES)
    assert found.detection_limit == 1.9e-4
    assert found.proven == pytest.approx(1 / 3)


def test_by_key_is_the_share_of_what_digests_do_not_prove() -> None:
    verdicts = [
        verdict(FILE[0], FOLDER[0], Relation.SAME_WEIGHTS, proven=1.0, by_key=1.0),
        verdict(FILE[1], FOLDER[1], Relation.SAME_WEIGHTS, proven=0.0, by_key=0.5),
        verdict(FILE[2], FOLDER[2], Relation.SAME_WEIGHTS, proven=0.0, by_key=1.0),
    ]
    found = conclude(variant(*FILE), variant(*FOLDER), *verdicts)
    assert found.by_key == pytest.approx(0.75)


def test_components_that_point_in_different_directions_tell_none() -> None:
    verdicts = all_same(Relation.OTHER_PRECISION)
    verdicts[0] = verdict(FILE[0], FOLDER[0], Relation.OTHER_PRECISION, direction=Direction.LEFT_FROM_RIGHT)
    verdicts[1] = verdict(FILE[1], FOLDER[1], Relation.OTHER_PRECISION, direction=Direction.RIGHT_FROM_LEFT)
    assert conclude(variant(*FILE), variant(*FOLDER), *verdicts).direction is Direction.NONE


@pytest.mark.parametrize("relation", [Relation.DERIVED, Relation.REARRANGED])
def test_another_primary_is_another_model_whatever_else_is_shared(relation: Relation) -> None:
    verdicts = all_same()
    verdicts[0] = verdict(FILE[0], FOLDER[0], relation, certainty=Certainty.SAMPLES, full=True)
    found = conclude(variant(*FILE), variant(*FOLDER), *verdicts)
    assert (found.relation, found.same_model) == (relation, SameModel.NO)
    assert not found.full


def test_unrelated_primaries_with_one_vae_share_a_part() -> None:
    verdicts = [
        verdict(FILE[0], FOLDER[0], Relation.UNRELATED),
        verdict(FILE[2], FOLDER[2], Relation.SAME_WEIGHTS),
    ]
    found = conclude(variant(*FILE), variant(*FOLDER), *verdicts)
    assert (found.relation, found.same_model) == (Relation.SHARES_PARTS, SameModel.PARTIAL)


@pytest.mark.parametrize("pair", [Relation.UNRELATED, Relation.DERIVED, Relation.REARRANGED, None])
def test_a_swapped_vae_shares_parts(pair: Relation | None) -> None:
    verdicts = all_same()[:2]
    if pair is not None:
        verdicts.append(verdict(FILE[2], FOLDER[2], pair, certainty=Certainty.SAMPLES))
    found = conclude(variant(*FILE), variant(*FOLDER), *verdicts)
    assert (found.relation, found.same_model) == (Relation.SHARES_PARTS, SameModel.PARTIAL)


def test_a_component_that_cannot_be_told_leaves_the_whole_open() -> None:
    verdicts = all_same()
    verdicts[1] = verdict(
        FILE[1], FOLDER[1], Relation.CANNOT_TELL, certainty=Certainty.SUSPECTED, doubt=Doubt.DOUBLE_ROUNDING, full=True
    )
    found = conclude(variant(*FILE), variant(*FOLDER), *verdicts)
    assert (found.relation, found.same_model, found.doubt) == (
        Relation.CANNOT_TELL, SameModel.UNKNOWN, Doubt.DOUBLE_ROUNDING
    )  # fmt: skip
    assert found.full


def test_a_dropped_text_encoder_makes_the_rest_a_part() -> None:
    verdicts = [verdict(FILE[0], FOLDER[0], Relation.SAME_WEIGHTS), verdict(FILE[2], FOLDER[2], Relation.SAME_WEIGHTS)]
    whole, rest = variant(*FILE), subject({"unet": network(9, seed=0), "vae": network(3, seed=2)}, whole=False)
    found = conclude(whole, rest, *verdicts)
    assert (found.relation, found.same_model) == (Relation.CONTAINS, SameModel.PARTIAL)
    lost = next(one for one in found.components if one.left == "cond_stage_model")
    assert {row.verdict for row in lost.rows} == {TensorVerdict.ONLY_LEFT}
    other = [verdict(one.right, one.left, one.relation) for one in verdicts]
    found = conclude(rest, whole, *other)
    assert (found.relation, found.same_model) == (Relation.PART_OF, SameModel.PARTIAL)


def test_a_vae_is_part_of_the_checkpoint_that_holds_it() -> None:
    vae = subject({"": network(3, seed=2)}, whole=False)
    found = conclude(vae, variant(*FILE), verdict("", "first_stage_model", Relation.SAME_WEIGHTS))
    assert (found.relation, found.same_model) == (Relation.PART_OF, SameModel.PARTIAL)
    found = conclude(variant(*FILE), vae, verdict("first_stage_model", "", Relation.SAME_WEIGHTS))
    assert (found.relation, found.same_model) == (Relation.CONTAINS, SameModel.PARTIAL)


@pytest.mark.parametrize("relation", [Relation.CONTAINS, Relation.PART_OF, Relation.SHARES_PARTS])
def test_single_components_that_hold_one_another_in_part(relation: Relation) -> None:
    one = subject({"": network()}, whole=False)
    found = conclude(one, one, verdict("", "", relation))
    assert (found.relation, found.same_model) == (relation, SameModel.PARTIAL)


@pytest.mark.parametrize(
    ("relation", "same"),
    [
        (Relation.DERIVED, SameModel.NO),
        (Relation.REARRANGED, SameModel.NO),
        (Relation.SHARES_PARTS, SameModel.PARTIAL),
        (Relation.CANNOT_TELL, SameModel.UNKNOWN),
    ],
)
def test_a_vae_that_is_not_quite_the_checkpoint_s_own_says_what_it_is(relation: Relation, same: SameModel) -> None:
    vae = subject({"": network(3, seed=2)}, whole=False)
    found = conclude(vae, variant(*FILE), verdict("", "first_stage_model", relation, certainty=Certainty.SAMPLES))
    assert (found.relation, found.same_model) == (relation, same)


def test_strangers_are_unrelated() -> None:
    found = conclude(variant(*FILE), variant(*FOLDER))
    assert (found.relation, found.same_model) == (Relation.UNRELATED, SameModel.NO)
    assert {row.verdict for row in found.rows} == {TensorVerdict.ONLY_LEFT, TensorVerdict.ONLY_RIGHT}


def test_names_that_do_not_show_the_places_are_told() -> None:
    verdicts = all_same()
    verdicts[0] = verdict(FILE[0], FOLDER[0], Relation.SAME_WEIGHTS, places=False, doubt=Doubt.PLACES)
    found = conclude(variant(*FILE), variant(*FOLDER), *verdicts)
    assert (found.same_model, found.places, found.doubt) == (SameModel.YES, False, Doubt.PLACES)


@pytest.mark.parametrize(
    ("other", "doubt"),
    [(Subject(""), Doubt.NOT_HASHED), (Subject("", content=b"1" * 32), Doubt.NO_VALUES)],
)
def test_without_fingerprints_nothing_can_be_told(other: Subject, doubt: Doubt) -> None:
    found = conclude(variant(*FILE), other)
    assert (found.relation, found.certainty, found.same_model, found.doubt) == (
        Relation.CANNOT_TELL, Certainty.SUSPECTED, SameModel.UNKNOWN, doubt
    )  # fmt: skip
    assert not found.full


def test_fingerprints_of_two_versions_compare_by_digests_alone() -> None:
    newer = [replace(part, version=2) for part in variant(*FILE).components]
    other = replace(variant(*FILE), components=tuple(newer))
    found = compare(variant(*FILE), other)
    assert (found.relation, found.certainty) == (Relation.SAME_TENSORS, Certainty.PROVEN)
    changed = replace(other, components=(*other.components[1:], replace(newer[0], tensors=newer[0].tensors[1:])))
    found = compare(variant(*FILE), changed)
    assert (found.relation, found.same_model, found.doubt) == (
        Relation.CANNOT_TELL, SameModel.UNKNOWN, Doubt.NOT_HASHED
    )  # fmt: skip


def test_what_is_no_component_is_left_out_and_the_largest_comes_first() -> None:
    small = {"betas": network(1)["layers.0.norm.weight"]}
    whole = subject(
        {
            "": small,
            "model.diffusion_model": network(9),
            "first_stage_model": network(3),
            "model_ema": network(20),
            "safety_checker": network(30),
        }
    )
    assert [part.name for part in parts(whole)] == ["model.diffusion_model", "first_stage_model"]


def test_a_model_without_any_core_tensor_keeps_its_parts() -> None:
    assert [part.name for part in parts(subject({"": {"weight": network(1)["layers.0.norm.weight"]}}))] == [""]
