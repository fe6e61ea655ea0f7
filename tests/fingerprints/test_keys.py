"""Keys that components share."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from blake3 import blake3

from catalog.fingerprints.base import Fingerprint, KeyKind, Rung
from catalog.fingerprints.keys import ANCHORS, anchors, component_keys, index, weight
from tests.builders import BRAIN
from tests.fingerprints.built import built, key_of, lanes_of, normal, only

if TYPE_CHECKING:
    from collections.abc import Iterable

    from catalog.fingerprints.base import Key


def kinds_of(keys: Iterable[Key]) -> set[KeyKind]:
    return {key.kind for key in keys}


def test_a_component_key_is_the_digest_of_the_sums_of_its_lanes() -> None:
    left, right = normal((32, 32), 1), normal((40, 40), 2)
    found = built({"a": left, "b": right, "tied": left, "norm": normal((64,), 3)})
    words = (lanes_of(only(left)) + lanes_of(only(right)))[Rung.F16].astype("<u8").tobytes()
    values = (32 * 32 + 40 * 40).to_bytes(8, "little")
    expected = blake3(b"isotope/component/v1/f16\0" + values + words).digest(length=16)
    assert key_of(found, KeyKind.F16) == expected


def test_names_order_and_repetitions_change_no_component_key() -> None:
    left, right = normal((32, 32), 1), normal((40, 40), 2)
    assert component_keys(built({"a": left, "b": right})) == component_keys(
        built({"x": right, "y": left.T, "z": left, "bias": np.zeros(900, np.float32)})
    )


def test_what_is_small_flat_or_nearly_constant_is_no_evidence() -> None:
    few = np.tile(np.arange(16, dtype=np.float32), (32, 1))
    for array in (normal((15, 17), 1), normal((512,), 1), few, np.ones((64, 64), np.float32)):
        assert not component_keys(built({"a": array}))
    assert component_keys(built({"a": normal((16, 16), 1)}))
    assert component_keys(built({"a": normal((1, 16, 16, 1), 1)}))
    assert KeyKind.ANCHOR_AUX_F16 in kinds_of(anchors(built({"a": normal((64,), 1)})))
    assert not anchors(built({"a": normal((63,), 1)}))
    assert not anchors(built({"a": few.reshape(-1)}))


def test_evidence_is_a_matter_of_the_rung() -> None:
    """Values of one bf16 code each are many in f16; a file in fp8 keeps fewer still."""
    close = kinds_of(component_keys(built({"a": 1 + normal((64, 64), 1, scale=3e-3)})))
    assert KeyKind.F16 in close
    assert not close & {KeyKind.BF16, KeyKind.E4M3}


def test_a_component_without_evidence_has_no_keys() -> None:
    found = built({"a": np.ones((64, 64), np.float32)})
    assert component_keys(found) == anchors(found) == ()
    assert index(found).exact == (False, False)


def test_quantised_tensors_weigh_but_are_no_key() -> None:
    found = built({"q": np.arange(1024, dtype=np.int8).reshape(32, 32), "a": normal((32, 32), 1)})
    assert weight(found) == (2, 2048)
    assert (index(found).core_tensors, index(found).core_values) == (2, 2048)


def test_anchors_are_the_least_of_each_kind() -> None:
    many = {f"{at:02}": normal((16, 20), at) for at in range(30)} | {f"n{at}": normal((80,), at) for at in range(20)}
    found = anchors(built(many))
    counts = {kind: sum(key.kind is kind for key in found) for kind in KeyKind}
    kinds = [kind for kind in KeyKind if "ANCHOR" in kind.name]
    assert [counts[kind] for kind in kinds] == [ANCHORS] * 4
    assert counts[KeyKind.EXTREMES] == ANCHORS


def test_a_norm_kept_in_f32_beside_quantised_matrices_anchors_its_parent() -> None:
    norm = normal((128,), 1) + 1
    parent = built({"n": norm, "w": normal((64, 64), 2)})
    quantised = built({"blk.n": norm.astype(np.float16).astype(np.float32), "w": np.ones((64, 64), np.int8)})
    shared = set(anchors(parent)) & set(anchors(quantised))
    assert KeyKind.ANCHOR_AUX_F16 in {key.kind for key in shared}


def test_extremes_let_f16_and_bf16_meet_without_their_parent() -> None:
    parent = {f"{at:02}": normal((40, 50), at) for at in range(40)}
    half, brain = (built({name: one.astype(kind) for name, one in parent.items()}) for kind in (np.float16, BRAIN))
    shared = {key for key in anchors(half) if key.kind is KeyKind.EXTREMES} & set(anchors(brain))
    assert shared
    other = built({name: (one + np.float32(0.01)).astype(BRAIN) for name, one in parent.items()})
    assert not {key for key in anchors(half) if key.kind is KeyKind.EXTREMES} & set(anchors(other))


def test_a_tensor_of_unknown_counts_is_judged_by_f16_and_bf16() -> None:
    tensor = only(normal((32, 32), 1))._replace(codes=())
    assert component_keys(Fingerprint("", (tensor,)))
