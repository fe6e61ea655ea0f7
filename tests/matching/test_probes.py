"""Probes: the same places of every member of a family, however its tensors lie."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest

from catalog.fingerprints.base import Fingerprint, Samples, TensorPrint
from catalog.fingerprints.positions import places
from catalog.matching import probes
from catalog.matching.base import Pair
from catalog.vocabulary import Mapped

if TYPE_CHECKING:
    import numpy.typing as npt

    Array = npt.NDArray[np.float64]

RANDOM = np.random.default_rng(10)
WEIGHTS = {f"layers.{at}.weight": RANDOM.normal(size=(48, 36)) for at in range(4)}


def printed(name: str, values: Array, spread: float = 1e-5) -> TensorPrint:
    """Samples of a matrix whose values are known within `spread`."""
    taken = values.reshape(-1)[places(values.shape)]
    samples = Samples(taken, taken - spread, taken + spread)
    return TensorPrint(name, "F32", values.shape, b"", rms=float(np.sqrt(np.mean(values**2))), samples=samples)


def of(tensors: dict[str, Array], spread: float = 1e-5) -> Fingerprint:
    return Fingerprint("", tuple(printed(name, values, spread) for name, values in tensors.items()))


def pairs(first: Fingerprint, other: Fingerprint, **ways: object) -> list[Pair]:
    return [Pair(left, right, **ways) for left, right in zip(first.tensors, other.tensors, strict=True)]  # type: ignore[arg-type]  # as the test says


def known(probe: bytes) -> int:
    """Places of which something is known."""
    low, high = np.frombuffer(probe, "<i2").reshape(2, -1)
    return int(((low > -(2**15)) | (high < 2**15 - 1)).sum())


FIRST = of(WEIGHTS)


def test_a_probe_has_its_length_and_hundreds_of_places() -> None:
    probe = probes.of_first(FIRST)

    assert len(probe) == probes.LENGTH
    assert 350 <= known(probe) <= probes.PLACES


def test_a_renamed_copy_has_the_same_probe() -> None:
    other = of({f"blocks.{at}.w": values for at, values in enumerate(WEIGHTS.values())})

    assert probes.of_member(FIRST, pairs(FIRST, other)) == probes.of_first(FIRST)


def test_a_turned_copy_has_the_same_probe() -> None:
    other = of({name: values.T.copy() for name, values in WEIGHTS.items()})

    assert probes.of_member(FIRST, pairs(FIRST, other, transposed=True)) == probes.of_first(FIRST)


@pytest.mark.parametrize("axis", [0, 1])
def test_a_fused_copy_meets_at_many_places(axis: int) -> None:
    parts = [np.ascontiguousarray(part) for part in np.split(WEIGHTS["layers.0.weight"], 3, axis=axis)]
    first = of({f"part.{at}": part for at, part in enumerate(parts)})
    fused = printed("fused", WEIGHTS["layers.0.weight"])
    mapped, length = (Mapped.ROWS, 16) if axis == 0 else (Mapped.COLUMNS, 12)
    member = probes.of_member(
        first, [Pair(left, fused, mapped, offset=at * length) for at, left in enumerate(first.tensors)]
    )
    back = probes.of_member(
        of({"fused": WEIGHTS["layers.0.weight"]}),
        [Pair(fused, part, mapped, offset=at * length) for at, part in enumerate(first.tensors)],
    )

    assert known(member) >= 20
    assert known(back) >= 20
    assert probes.beside(probes.of_first(first), member).outside[0] == 0.0
    assert probes.beside(probes.of_first(of({"fused": WEIGHTS["layers.0.weight"]})), back).outside[0] == 0.0


def test_what_lies_in_no_known_order_says_nothing() -> None:
    member = probes.of_member(FIRST, pairs(FIRST, FIRST, mapped=Mapped.ANY_ORDER))

    assert known(member) == 0
    near = probes.beside(probes.of_first(FIRST), member)
    assert (near.outside[0], near.distance[0]) == (1.0, np.inf)


def test_a_quantised_copy_lies_nowhere_outside_and_a_trained_one_does() -> None:
    step = 0.05
    rounded = {name: np.round(values / step) * step for name, values in WEIGHTS.items()}
    trained = {name: values + RANDOM.normal(size=values.shape) * 0.02 for name, values in WEIGHTS.items()}
    quantised = of(rounded, step / 2)
    block = probes.of_first(FIRST) + probes.of_member(FIRST, pairs(FIRST, of(trained)))

    near = probes.beside(probes.of_member(FIRST, pairs(FIRST, quantised)), block)

    assert near.outside[0] == 0.0
    assert near.outside[1] > 0.1
    assert near.distance[0] < near.distance[1] + step


def test_the_build_outlives_names_layouts_and_what_occurs_once() -> None:
    one = of(WEIGHTS).tensors
    turned = of({f"x{at}": values.T.copy() for at, values in enumerate(WEIGHTS.values())}).tensors
    pooler = printed("pooler", RANDOM.normal(size=(20, 20)))

    assert probes.build(one) == probes.build([*turned, pooler])
    assert probes.build(one) != probes.build(of({str(at): np.ones((20, 20)) for at in range(3)}).tensors)
    assert probes.build(one[:2]) == 0


def test_values_that_are_not_known_are_left_out() -> None:
    tensor = printed("a", WEIGHTS["layers.0.weight"])
    blind = tensor._replace(samples=Samples(np.full(100, np.nan), np.full(100, -np.inf), np.full(100, np.inf)))

    assert known(probes.of_first(Fingerprint("", (tensor,)))) == 100
    assert known(probes.of_first(Fingerprint("", (blind,)))) == 0


def test_a_thousand_tensors_give_a_place_each_of_some() -> None:
    many = of({f"{at}": RANDOM.normal(size=(16, 16)) for at in range(1000)})

    assert known(probes.of_first(many)) == probes.PLACES
