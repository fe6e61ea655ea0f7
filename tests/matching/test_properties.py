"""Of random networks every conversion is found, and every near miss is not: down to one tensor, and to 1e-4."""

from __future__ import annotations

from contextlib import ExitStack
from functools import lru_cache
from typing import TYPE_CHECKING

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from catalog.vocabulary import Relation, SameModel
from tests.builders import BRAIN, HALF, misses, networks
from tests.builders.conversions import Conversion, conversions, single
from tests.builders.conversions_precision import chain, with_small
from tests.builders.quantisers import quantise
from tests.matching.judging import Held, assert_not_same, assert_same, held, judge

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from tests.builders import Tensors
    from tests.builders.networks import Network

SMALL: dict[str, Callable[[int], Network]] = {
    "llama": lambda seed: networks.llama(seed, layers=2, tokens=256),
    "bert": lambda seed: networks.bert(seed, layers=3),
    "convnet": networks.convnet,
}
KINDS = [(name, kind) for name, make in SMALL.items() for kind in conversions(make(0), quantise)]
MISSES = [*misses.TRAINED, "two layers swapped", "another seed", "half of another"]
FORMS = {"f32": chain(), "f16": chain(HALF), "bf16": chain(BRAIN)}


@lru_cache(maxsize=6)
def network(name: str, seed: int = 3) -> Network:
    return SMALL[name](seed)


@lru_cache(maxsize=6)
def every(name: str, seed: int = 3) -> dict[str, Conversion]:
    return conversions(network(name, seed), quantise)


def words(one: Conversion) -> tuple[Relation, ...]:
    """What may be said of it: what a reader leaves out leaves equal tensors, and fp8 with scales is both."""
    also = {Relation.SAME_WEIGHTS: Relation.SAME_TENSORS, Relation.QUANTISED: Relation.OTHER_PRECISION}
    return (one.relation, also.get(one.relation, one.relation))


@pytest.fixture(scope="module")
def bases() -> Iterator[dict[str, Held]]:
    """Each network in float32."""
    with ExitStack() as stack:
        yield {name: stack.enter_context(held(single(network(name).tensors))) for name in SMALL}


@pytest.mark.parametrize(("name", "kind"), KINDS)
def test_a_conversion_is_found(bases: dict[str, Held], name: str, kind: str) -> None:
    one = every(name)[kind]
    with held(one.make()) as converted:
        assert_same(judge(bases[name], converted), *words(one))


@settings(max_examples=12, deadline=None, suppress_health_check=list(HealthCheck))
@given(st.sampled_from(KINDS), st.integers(10, 1 << 30))
def test_a_conversion_of_any_network_is_found(named: tuple[str, str], seed: int) -> None:
    name, kind = named
    before, one = network(name, seed), every(name, seed)[kind]
    with held(single(before.tensors)) as base, held(one.make()) as converted:
        assert_same(judge(converted, base), *words(one))


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("kind", MISSES)
@pytest.mark.parametrize("name", SMALL)
def test_a_near_miss_is_not_the_same(bases: dict[str, Held], name: str, kind: str, form: str) -> None:
    with held(single(FORMS[form](missed(name, kind)))) as other:
        judged = judge(bases[name], other)
    assert_not_same(judged)
    if "swapped" in kind:
        assert judged.final.relation is Relation.REARRANGED


@pytest.mark.parametrize("form", ["f16", "bf16"])
@pytest.mark.parametrize("kind", ["fine-tune 1e-4", "one tensor changed 1e-4", "one value changed", "one row changed"])
def test_what_both_round_to_one_precision_is_told_apart(kind: str, form: str) -> None:
    with (
        held(single(FORMS[form](network("bert").tensors))) as base,
        held(single(FORMS[form](missed("bert", kind)))) as other,
    ):
        assert_not_same(judge(base, other))


@pytest.mark.parametrize("kind", ["f16 without subnormals", "ONNX f16 converter", "f16, then bf16", "E4M3 from f16"])
def test_values_below_what_f16_holds_do_not_hide_a_conversion(kind: str) -> None:
    small = networks.Network("small", with_small(network("bert").tensors))
    one = conversions(small)[kind]
    with held(single(small.tensors)) as base, held(one.make()) as converted:
        assert_same(judge(base, converted), *words(one))


def test_nan_and_infinity_are_values_like_others() -> None:
    """Whatever bits a NaN is made of."""
    strange: dict[str, Tensors] = {}
    for name, bits in {"left": 0x7FC00000, "right": 0xFFC12345}.items():
        tensors = dict(network("bert").tensors)
        changed = tensors["pooler.dense.weight"].astype(np.float32)
        changed[3, 5], changed[4, 4] = np.uint32(bits).view(np.float32), np.inf
        strange[name] = {**tensors, "pooler.dense.weight": changed}
    with held(single(strange["left"])) as left, held(single(strange["right"])) as right:
        assert_same(judge(left, right), Relation.SAME_WEIGHTS)
    with held(single(strange["left"])) as left, held(single(network("bert").tensors)) as plain:
        assert judge(left, plain).final.same_model is not SameModel.YES


@pytest.mark.parametrize("kind", ["Q8_0", "Q6_K", "Q4_K", "Q2_K", "IQ4_XS"])
@pytest.mark.parametrize("size", [1e-2, 1e-3, 1e-4])
def test_a_quantised_fine_tune_is_told_from_its_base_or_left_open(
    bases: dict[str, Held], kind: str, size: float
) -> None:
    tuned = networks.Network("llama", misses.trained(size)(network("llama").tensors), 4, 2, network("llama").header)
    with held(conversions(tuned, quantise)[f"GGUF {kind}"].make()) as other:
        judged = judge(bases["llama"], other)
    if kind != "IQ4_XS" or size > 1e-4:  # whose intervals are the widest
        assert_not_same(judged)


def missed(name: str, kind: str) -> Tensors:
    tensors, other = network(name).tensors, network(name, 4).tensors
    if kind == "another seed":
        return other
    if kind == "half of another":
        return misses.merged(other, 0.5)(tensors)
    change = misses.layers_swapped if kind == "two layers swapped" else misses.TRAINED[kind]
    return change(tensors)
