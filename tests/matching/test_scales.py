"""LoRAs of equal matrices: the same only at the same strength, however each program says it."""

from __future__ import annotations

import json
import math
from typing import TYPE_CHECKING

import numpy as np
import pytest

from catalog.matching.base import Difference
from catalog.matching.proving import prove
from catalog.matching.scales import strengths
from catalog.vocabulary import Certainty, Relation, SameModel
from tests.matching.subjects import BRAIN, subject, values

if TYPE_CHECKING:
    from collections.abc import Mapping

    from catalog.formats.base import Json
    from catalog.matching.base import Evidence, Subject
    from tests.matching.subjects import Array

RANK = 8
MODULES = [f"down_blocks.{block}.attn1.{kind}" for block in range(3) for kind in ("to_q", "to_k")]


def kohya(alpha: float | Mapping[str, float] | None, dtype: object = np.float32) -> dict[str, Array]:
    found: dict[str, Array] = {}
    for at, module in enumerate(MODULES):
        stem = f"lora_unet_{module.replace('.', '_')}"
        found[f"{stem}.lora_down.weight"] = values(RANK, 40, seed=at)
        found[f"{stem}.lora_up.weight"] = values(30, RANK, seed=100 + at)
        one = alpha if alpha is None or isinstance(alpha, int | float) else alpha[module]
        if one is not None:
            found[f"{stem}.alpha"] = np.array(one, dtype)  # type: ignore[call-overload] # any dtype
    return found


def named(prefix: str) -> dict[str, Array]:
    found: dict[str, Array] = {}
    for at, module in enumerate(MODULES):
        found[f"{prefix}{module}.lora_A.weight"] = values(RANK, 40, seed=at)
        found[f"{prefix}{module}.lora_B.weight"] = values(30, RANK, seed=100 + at)
    return found


def lora(tensors: Mapping[str, Array], metadata: Mapping[str, Json] | None = None) -> Subject:
    return subject({"": tensors}, metadata=metadata)


def peft(**config: Json) -> Subject:
    return lora(named("base_model.model."), {"adapter_config.json": {"r": RANK, **config}})


def proven(left: Subject, right: Subject) -> Evidence:
    found = prove(left, right)
    assert found is not None
    assert found.certainty is Certainty.PROVEN
    return found


def assert_same(left: Subject, right: Subject) -> None:
    for found in (proven(left, right), proven(right, left)):
        assert found.same_model is SameModel.YES
        assert not found.settings


def assert_other_strength(left: Subject, right: Subject, one: Json, other: Json) -> None:
    found = proven(left, right)
    assert (found.relation, found.same_model) == (Relation.DERIVED, SameModel.NO)
    assert found.settings == (Difference("strength", one, other),)
    found = proven(right, left)
    assert (found.relation, found.same_model) == (Relation.DERIVED, SameModel.NO)
    assert found.settings == (Difference("strength", other, one),)


def test_equal_matrices_with_another_alpha_are_not_the_same() -> None:
    assert_other_strength(lora(kohya(8.0)), lora(kohya(4.0)), 1.0, 0.5)


def test_one_other_alpha_among_many_is_enough() -> None:
    alphas = dict.fromkeys(MODULES, 8.0) | {MODULES[3]: 1.0}
    assert_other_strength(lora(kohya(8.0)), lora(kohya(alphas)), 1.0, 0.125)


def test_alphas_exchanged_between_two_modules_are_found() -> None:
    one = {module: 2.0 + at for at, module in enumerate(MODULES)}
    other = {module: 2.0 + at for at, module in zip((1, 0, 2, 3, 4, 5), MODULES, strict=True)}
    found = proven(lora(kohya(one)), lora(kohya(other)))
    assert found.same_model is SameModel.NO
    assert found.settings[0].name == "strength"


def test_a_missing_alpha_is_the_rank() -> None:
    assert_same(lora(kohya(8.0)), lora(kohya(None)))
    assert_other_strength(lora(kohya(16.0)), lora(kohya(None)), 2.0, 1.0)


@pytest.mark.parametrize("dtype", [np.float16, BRAIN, np.int64])
def test_the_same_alpha_in_another_type_is_the_same(dtype: object) -> None:
    assert_same(lora(kohya(8.0)), lora(kohya(8, dtype)))


@pytest.mark.parametrize("dtype", [np.float16, BRAIN])
def test_an_alpha_that_was_rounded_is_the_same(dtype: object) -> None:
    assert_same(lora(kohya(0.3)), lora(kohya(0.3, dtype)))
    assert_other_strength(lora(kohya(4.0)), lora(kohya(4.2, dtype)), 0.5, strengths_of(kohya(4.2, dtype)))


@pytest.mark.parametrize("dtype", [np.float32, np.float16, BRAIN, np.int64])
@pytest.mark.parametrize(("one", "other"), [(127, 128), (255, 256)])
def test_alphas_are_told_apart_as_finely_as_their_types_hold_them(dtype: object, one: int, other: int) -> None:
    for each in (np.float32, dtype):
        assert proven(lora(kohya(one, each)), lora(kohya(other, dtype))).same_model is SameModel.NO
        assert proven(lora(kohya(other, dtype)), lora(kohya(one, each))).same_model is SameModel.NO


@pytest.mark.parametrize("alpha", [math.nan, math.inf, 10**400])
def test_an_alpha_that_is_no_number_says_nothing(alpha: Json) -> None:
    assert {one.value for one in strengths(peft(lora_alpha=alpha)).values()} == {None}


def strengths_of(tensors: Mapping[str, Array]) -> float:
    (value,) = {one.value for one in strengths(lora(tensors)).values()}
    assert value is not None
    return round(value, 6)


def test_diffusers_without_alpha_is_kohya_with_alpha_equal_to_the_rank() -> None:
    assert_same(lora(kohya(8.0)), lora(named("unet.")))
    assert_other_strength(lora(kohya(4.0)), lora(named("unet.")), 0.5, 1.0)


def test_peft_states_its_alpha_beside_the_weights() -> None:
    assert_same(lora(kohya(16.0)), peft(lora_alpha=16))
    assert_other_strength(lora(kohya(8.0)), peft(lora_alpha=16), 1.0, 2.0)


def test_peft_may_divide_by_the_root_of_the_rank() -> None:
    assert_other_strength(peft(lora_alpha=8), peft(lora_alpha=8, use_rslora=True), 1.0, 2.828427)


def test_peft_may_give_single_modules_their_own_alpha() -> None:
    alphas = dict.fromkeys(MODULES, 8.0) | {MODULES[0]: 2.0}
    assert_same(lora(kohya(alphas)), peft(lora_alpha=8, alpha_pattern={MODULES[0]: 2}))
    assert_same(lora(kohya(alphas)), peft(lora_alpha=8, alpha_pattern={"0.attn1.to_q": 2}))


def test_peft_without_its_configuration_says_nothing_and_stops_nothing() -> None:
    found = proven(peft(lora_alpha=16), lora(named("base_model.model.")))
    assert (found.relation, found.same_model) == (Relation.SAME_TENSORS, SameModel.YES)
    assert found.settings == (Difference("strength", 2.0, None, stops=False),)


def test_peft_without_its_configuration_may_act_at_any_strength_under_other_names() -> None:
    found = proven(lora(kohya(4.0)), lora(named("base_model.model.")))
    assert (found.relation, found.same_model) == (Relation.SAME_WEIGHTS, SameModel.YES)
    assert found.settings == (Difference("strength", 0.5, None, stops=True),)
    found = proven(lora(kohya(8.0)), lora(named("base_model.model.")))
    assert found.settings == (Difference("strength", 1.0, None, stops=False),)


def test_diffusers_keeps_the_configuration_in_its_header() -> None:
    saved = {"lora_adapter_metadata": json.dumps({"unet.lora_alpha": 16, "unet.r": 8})}
    assert_same(lora(kohya(16.0)), lora(named("unet."), saved))
    assert_other_strength(lora(kohya(8.0)), lora(named("unet."), saved), 1.0, 2.0)


@pytest.mark.parametrize("text", ["{", "[]", '"a"', "[" * 10_000, '{"unet.lora_alpha": "much"}', "{}", '{"unet": 1}'])
def test_a_header_that_is_no_configuration_says_nothing(text: str) -> None:
    assert_same(lora(kohya(8.0)), lora(named("unet."), {"lora_adapter_metadata": text}))


def test_what_kohya_notes_in_the_header_does_not_count_without_alphas() -> None:
    assert_same(lora(kohya(None), {"ss_network_alpha": "4"}), lora(named("unet.")))


def test_a_folder_and_its_configuration_count_even_for_the_same_tensors() -> None:
    assert_other_strength(peft(lora_alpha=8), peft(lora_alpha=32), 1.0, 4.0)


def test_lokr_with_whole_factors_has_no_use_for_its_alpha() -> None:
    factors: dict[str, Array] = {"lora_unet_a.lokr_w1": values(8, 8), "lora_unet_a.lokr_w2": values(40, 40, seed=1)}
    one = lora({**factors, "lora_unet_a.alpha": np.array(1000, np.float32)})
    assert_same(one, lora({**factors, "lora_unet_a.alpha": np.array(1.0, np.float32)}))


def test_loha_and_low_lokr_have_strengths_too() -> None:
    loha: dict[str, Array] = {
        f"lora_unet_a.hada_w{at}_{side}": values(*((40, 4) if side == "a" else (4, 40)), seed=10 * at + ord(side))
        for at in (1, 2)
        for side in "ab"
    }
    lokr: dict[str, Array] = {
        "lora_unet_b.lokr_w1": values(8, 8),
        "lora_unet_b.lokr_w2_a": values(40, 4, seed=3),
        "lora_unet_b.lokr_w2_b": values(4, 40, seed=4),
    }
    for module, factors in (("lora_unet_a", loha), ("lora_unet_b", lokr)):
        one, other = ({**factors, f"{module}.alpha": np.array(alpha, np.float32)} for alpha in (4, 2))
        assert_same(lora(one), lora(factors))
        assert_other_strength(lora(one), lora(other), 1.0, 0.5)


def test_what_is_called_alpha_in_another_model_is_a_weight() -> None:
    snake: dict[str, Array] = {"conv.weight": values(40, 40), "act.alpha": np.array(0.5, np.float32)}
    other: dict[str, Array] = {**snake, "act.alpha": np.array(0.25, np.float32)}
    assert not strengths(lora(snake))
    assert prove(lora(snake), lora(other)) is None


def test_identical_bytes_need_no_strength() -> None:
    one = subject({"": kohya(8.0)}, content=b"c" * 32)
    found = prove(
        one, subject({"": kohya(8.0)}, content=b"c" * 32, metadata={"adapter_config.json": {"lora_alpha": 1}})
    )
    assert found is not None
    assert found.relation is Relation.IDENTICAL
