"""Fused tensors and their parts, by sums of keys and by samples that coincide."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest

from catalog.matching.pairing import Pairing, pair
from catalog.matching.pairing_sides import Side
from catalog.vocabulary import Mapped
from tests.builders.prints import fingerprint

if TYPE_CHECKING:
    from collections.abc import Mapping

    import numpy.typing as npt

    from tests.builders import Array

RANDOM = np.random.default_rng(8)


def drawn(*shape: int) -> npt.NDArray[np.float32]:
    return RANDOM.standard_normal(shape, np.float32)


def parts_of(
    left: Mapping[str, Array], right: Mapping[str, Array]
) -> tuple[Pairing, dict[str, tuple[int, int, Mapped]]]:
    """Beside tensors that both have: number, offset and axis of each part."""
    rest = {f"rest.{n}": drawn(40, 40) for n in range(4)}
    found = pair(Side(fingerprint({**rest, **left})), Side(fingerprint({**rest, **right})))
    links = [link for link in found.links if link.parts]
    sides = (found.left, found.right)
    small = [min((0, 1), key=lambda side: sides[side].sizes[(link.left, link.right)[side]]) for link in links]
    return found, {
        sides[side].tensors[(link.left, link.right)[side]].name: (link.part, link.offset, link.mapped)
        for side, link in zip(small, links, strict=True)
    }


@pytest.mark.parametrize("noise", [0.0, 1e-3])
@pytest.mark.parametrize("mirrored", [False, True])
def test_rows_of_q_k_and_v_are_found_in_their_order(noise: float, mirrored: bool) -> None:
    split = {f"block.0.{name}": drawn(rows, 40) for name, rows in (("q", 44), ("k", 44), ("v", 44))}
    whole = np.concatenate(list(split.values())) + np.float32(noise) * drawn(132, 40)
    fused = {"block.0.qkv": whole}
    _, found = parts_of(fused, split) if mirrored else parts_of(split, fused)
    assert found == {
        "block.0.q": (1, 0, Mapped.ROWS),
        "block.0.k": (2, 44, Mapped.ROWS),
        "block.0.v": (3, 88, Mapped.ROWS),
    }


def test_grouped_queries_are_found_by_samples() -> None:
    split = {"q": drawn(176, 40), "k": drawn(44, 40), "v": drawn(44, 40)}
    fused = {"x": np.concatenate(list(split.values())) + np.float32(1e-3) * drawn(264, 40)}
    found = parts_of(split, fused)[1]
    assert found == {"q": (1, 0, Mapped.ROWS), "k": (2, 176, Mapped.ROWS), "v": (3, 220, Mapped.ROWS)}


def test_columns_are_found_too_and_turned_parts() -> None:
    split = {"block.1.up": drawn(40, 60), "block.1.gate": drawn(40, 60)}
    columns = {"block.1.both": np.concatenate(list(split.values()), axis=1)}
    assert parts_of(split, columns)[1] == {
        "block.1.up": (1, 0, Mapped.COLUMNS),
        "block.1.gate": (2, 60, Mapped.COLUMNS),
    }
    found, parts = parts_of(split, {"block.1.both": np.ascontiguousarray(columns["block.1.both"].T)})
    assert {number for number, _, _ in parts.values()} == {1, 2}
    assert all(link.transposed for link in found.links if link.parts)


def test_the_parts_of_a_bias_follow_those_of_its_weight() -> None:
    split = {f"block.0.{name}.weight": drawn(44, 40) for name in "qkv"}
    split |= {"block.0.q.bias": drawn(44), "block.0.k.bias": np.zeros(44, np.float32), "block.0.v.bias": drawn(44)}
    fused = {
        f"block.0.qkv.{kind}": np.concatenate([split[f"block.0.{name}.{kind}"] for name in "qkv"])
        for kind in ("weight", "bias")
    }
    found = parts_of(split, fused)[1]
    assert [found[f"block.0.{name}.bias"][0] for name in "qkv"] == [1, 2, 3]


def test_zeros_beside_a_bias_make_no_longer_bias() -> None:
    bias = drawn(32)
    left = {"block.0.a.bias": bias, "block.0.b.bias": np.zeros(32, np.float32)}
    assert not parts_of(left, {"block.0.c.bias": np.concatenate([bias, np.zeros(32, np.float32)])})[1]


def test_strangers_are_not_searched_for_parts() -> None:
    split = {f"block.0.{name}": drawn(44, 40) for name in "qkv"}
    assert not parts_of(split, {"block.0.qkv": drawn(132, 40)})[1]
