"""What a fingerprint is the same for, and what it tells apart."""

from __future__ import annotations

from typing import Any

import ml_dtypes
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from catalog.fingerprints.base import KeyKind, Rung
from catalog.fingerprints.building import Builder
from catalog.fingerprints.keys import anchors, component_keys, index
from catalog.fingerprints.packing import pack, unpack
from catalog.formats.base import Stored, TensorInfo
from catalog.hashing.tensors import tensor_digest
from tests.builders import BRAIN, Array
from tests.builders.prints import fingerprint
from tests.fingerprints.built import built, built_with_twins, digests, key_of, laid, lanes_of, normal, only, read

E4M3, E5M2 = ml_dtypes.float8_e4m3fn, ml_dtypes.float8_e5m2


def _network(dtype: Any = np.float32) -> dict[str, Array]:
    """Matrices, a norm, a scalar, something constant, and experts."""
    arrays = {
        "a.weight": normal((300, 70), 1),
        "b.weight": normal((64, 3, 3, 3), 2),
        "experts": normal((3, 64, 80), 3),
        "norm.weight": normal((640,), 4) + 1,
        "scale": np.array(0.125, np.float32),
        "zeros": np.zeros((32, 32), np.float32),
    }
    return {name: array.astype(dtype) for name, array in arrays.items()}


@pytest.mark.parametrize("dtype", [np.float32, np.float16, BRAIN, np.float64, E4M3, E5M2])
@pytest.mark.parametrize("block", [1 << 20, 4097])
def test_every_tensor_is_as_the_definitions_say(dtype: Any, block: int) -> None:
    arrays = _network(dtype)
    found = {one.name: one for one in built(arrays, block=block).tensors}
    experts = {f"experts[{at}]": one for at, one in enumerate(arrays.pop("experts"))}
    for expected in fingerprint(arrays | experts).tensors:
        tensor = found.pop(expected.name)
        assert np.array_equal(lanes_of(tensor), lanes_of(expected))
        assert all(np.array_equal(*pair) for pair in zip(tensor.samples, expected.samples, strict=True))
        assert tensor.rms == pytest.approx(expected.rms, rel=2e-3)
        for field in ("td", "td_f16", "td_bf16", "exact_f16", "exact_bf16", "codes_f16", "codes_bf16", "m32", "shape"):
            assert getattr(tensor, field) == getattr(expected, field), (expected.name, field)
    assert not found


def test_blocks_may_be_cut_anywhere() -> None:
    arrays = _network()
    whole = built(arrays, block=1 << 24, lead=0)
    for lead, block in ((0, 4096), (1, 4096), (2, 999), (5, 65_537), (8, 131)):
        for one, other in zip(whole.tensors, built(arrays, block=block, lead=lead).tensors, strict=True):
            assert np.array_equal(lanes_of(one), lanes_of(other))
            assert one._replace(lanes=None, samples=other.samples) == other._replace(lanes=None)
            assert all(np.array_equal(*pair) for pair in zip(one.samples, other.samples, strict=True))


def test_f16_values_in_an_f32_file_have_the_exact_key_of_the_f16_file() -> None:
    half = _network(np.float16)
    wide = {name: array.astype(np.float32) for name, array in half.items()}
    assert key_of(built(half), KeyKind.E) == key_of(built(wide), KeyKind.E)
    assert index(built(wide)).exact == (True, False)


def test_bf16_values_in_an_f32_file_have_the_exact_key_of_the_bf16_file() -> None:
    brain = _network(BRAIN)
    wide = {name: array.astype(np.float32) for name, array in brain.items()}
    assert key_of(built(brain), KeyKind.E) == key_of(built(wide), KeyKind.E)


def test_f64_values_of_f32_have_the_exact_key_of_the_f32_file_and_others_have_not() -> None:
    wide = _network()
    doubles = {name: array.astype(np.float64) for name, array in wide.items()}
    assert key_of(built(doubles), KeyKind.E) == key_of(built(wide), KeyKind.E)
    doubles["a.weight"] = doubles["a.weight"] * (1 + 1e-12)
    finer = built(doubles)
    assert key_of(finer, KeyKind.E) != key_of(built(wide), KeyKind.E)
    assert key_of(finer, KeyKind.F16) == key_of(built(wide), KeyKind.F16)
    assert index(finer).exact == (False, False)


@pytest.mark.parametrize(
    ("kind", "steps"),
    [
        (KeyKind.F16, (np.float16,)),
        (KeyKind.BF16, (BRAIN,)),
        (KeyKind.FB, (BRAIN, np.float16)),
        (KeyKind.BF, (np.float16, BRAIN)),
        (KeyKind.E4M3, (E4M3,)),
        (KeyKind.E4M3_F16, (np.float16, E4M3)),
        (KeyKind.E4M3_BF16, (BRAIN, E4M3)),
        (KeyKind.E5M2, (E5M2,)),
        (KeyKind.E5M2_F16, (np.float16, E5M2)),
        (KeyKind.E5M2_BF16, (BRAIN, E5M2)),
    ],
)
def test_the_parent_has_the_exact_key_of_every_cast_of_it(kind: KeyKind, steps: tuple[Any, ...]) -> None:
    parent = _network()
    child: dict[str, Array] = dict(parent)
    for step in steps:
        child = {name: array.astype(step) for name, array in child.items()}
    own = KeyKind.BF16 if kind is KeyKind.BF else KeyKind.E  # f16 holds what came by way of it
    assert key_of(built(child), own) == key_of(built(parent), kind)


def test_flushed_subnormals_meet_their_parent_by_their_own_key() -> None:
    parent = {"w": normal((64, 64), 9, scale=1e-4)}
    half = parent["w"].astype(np.float16)
    half[np.abs(half) < 6.1e-5] = 0
    assert key_of(built({"w": half}), KeyKind.FZ) == key_of(built(parent), KeyKind.FZ)
    assert key_of(built({"w": half}), KeyKind.F16) != key_of(built(parent), KeyKind.F16)


def test_lanes_of_the_parts_add_up_to_those_of_the_fused_tensor() -> None:
    query, key, value = (normal((64, 96), seed) for seed in (1, 2, 3))
    parts = np.stack([lanes_of(only(part)) for part in (query, key, value)])
    assert np.array_equal(parts.sum(axis=0), lanes_of(only(np.concatenate([query, key, value]))))


def test_order_and_layout_change_no_lane() -> None:
    matrix = normal((48, 64), 7)
    shuffled = np.random.default_rng(1).permutation(matrix.reshape(-1)).reshape(32, 96)
    for other in (matrix.T, shuffled, matrix.reshape(48, 64, 1, 1)):
        assert np.array_equal(lanes_of(only(other)), lanes_of(only(matrix)))


def test_zeros_nans_and_infinities_are_each_one_value() -> None:
    plain = np.array([[0.0, 1.0, np.nan, np.inf, -np.inf]] * 2, np.float32)
    other = plain.copy()
    other[0, 0] = -0.0
    other.view(np.uint32)[:, 2] = (0x7FC01234, 0xFFFFFFFF)
    left, right = only(plain), only(other)
    assert np.array_equal(lanes_of(left), lanes_of(right))
    assert left.m32 == right.m32
    assert left.td != right.td
    assert left.exact_f16
    assert right.exact_bf16
    assert np.isfinite(left.rms)


def test_the_twins_of_an_f32_tensor_are_the_digests_of_its_casts() -> None:
    wide = {"w": normal((333, 555), 3), "s": normal((7,), 4), "none": np.zeros((0, 5), np.float32)}
    _, rounded, _ = built_with_twins(wide, block=77_777)
    for at, array in enumerate(wide.values()):
        half, brain = array.astype(np.float16), array.astype(BRAIN)
        if array.size:
            assert rounded.f16[at] == tensor_digest("F16", array.size, half.tobytes())
            assert rounded.bf16[at] == tensor_digest("BF16", array.size, brain.tobytes())


def test_a_stack_of_experts_has_a_twin_as_a_whole_and_each_expert_its_own_digests() -> None:
    stack = normal((3, 64, 80), 3)
    found, rounded, td = built_with_twins({"experts": stack}, block=10_000)
    assert rounded.f16 == (tensor_digest("F16", stack.size, stack.astype(np.float16).tobytes()),)
    assert [one.name for one in found.tensors] == ["experts[0]", "experts[1]", "experts[2]"]
    for expert, one in zip(stack, found.tensors, strict=True):
        assert one.td == tensor_digest("F32", expert.size, expert.tobytes())[:16]
        assert one.td_bf16 == tensor_digest("BF16", expert.size, expert.astype(BRAIN).tobytes())[:16]
    assert td[0][:16] not in {one.td for one in found.tensors}


def test_integers_are_their_own_twins_and_have_no_lanes() -> None:
    found, rounded, td = built_with_twins({"q": np.arange(5000, dtype=np.int32).reshape(50, 100)})
    assert rounded.f16 == rounded.bf16 == tuple(td)
    assert found.tensors[0].lanes is None


def test_tensors_that_share_bytes_have_the_same_values() -> None:
    data, infos = laid({"w": normal((64, 100), 1).astype(np.float16)})
    tied = [*infos, infos[0]._replace(name="tied"), infos[0]._replace(name="flat", shape=(6400,))]
    builder = Builder(tied, {}, {"": (0, 1, 2)})
    read(builder, data, block=4096)
    found = builder.fingerprints(digests(data, tied))[0].tensors
    assert [one.name for one in found] == ["flat", "tied", "w"]
    assert all(np.array_equal(lanes_of(one), lanes_of(found[0])) for one in found)


def test_tensors_heaped_up_on_the_same_bytes_cost_no_more_than_the_file() -> None:
    """Their digests and samples are known; the values of most are not counted."""
    data = bytearray(normal((200_000,), 1).tobytes())
    infos = [TensorInfo(f"{at:03}", "F16", (100_000,), 2 * at, 200_000) for at in range(300)]
    builder = Builder(infos, {}, {"": tuple(range(len(infos)))})
    read(builder, data, block=65_536)
    found = builder.fingerprints(digests(data, infos))[0].tensors
    assert 4 <= sum(one.lanes is not None for one in found) <= 16
    assert all(len(one.samples.values) for one in found)


def test_values_that_do_not_lie_plainly_are_taken_as_they_are_put_in_order() -> None:
    matrix = normal((60, 80), 1)
    info = TensorInfo("w", "F32", (80, 60), 0, matrix.nbytes, 0, Stored(strides=(1, 80)))
    builder = Builder([info], {}, {"": (0,)})
    lane = builder.lane(0, matrix.nbytes)
    assert (lane.start, lane.stop) == (0, 0)
    values = lane.stored(info._replace(name="of another name"))
    assert values is not None
    logical = np.ascontiguousarray(matrix.T).tobytes()
    for at in range(0, len(logical), 1001):
        values.update(memoryview(bytearray(logical[at : at + 1001])))
    values.close()
    found = builder.fingerprints([bytes(32)])[0].tensors[0]
    expected = only(matrix.T)
    assert np.array_equal(lanes_of(found), lanes_of(expected))
    assert np.array_equal(found.samples.values, expected.samples.values)
    assert found.td_f16 == expected.td_f16


@st.composite
def _indices(draw: st.DrawFn) -> list[TensorInfo]:
    """Tensors anywhere in a file of 2,000 bytes, whose bytes need not fit their shapes."""
    dtypes = [
        "F64",
        "F32",
        "F16",
        "BF16",
        "F8_E4M3",
        "F8_E5M2",
        "F8_E4M3FNUZ",
        "I64",
        "BOOL",
        "Q4_K",
        "Q8_0",
        "F4",
        "?",
    ]
    found = []
    for number in range(draw(st.integers(0, 8))):
        start = draw(st.integers(0, 2000))
        stop = draw(st.integers(start, 2000))
        shape = tuple(draw(st.lists(st.integers(0, 70), max_size=4)))
        name = draw(st.sampled_from(["w", "w.scale_weight", "w_scale", "w.weight", "ema.w", "blk.0.attn_q.weight"]))
        found.append(TensorInfo(f"{name}{number or ''}", draw(st.sampled_from(dtypes)), shape, start, stop - start))
    return found


@given(_indices(), st.integers(1, 700))
@settings(max_examples=150, deadline=None)
def test_an_index_that_fits_nothing_does_no_harm(infos: list[TensorInfo], block: int) -> None:
    data = bytearray(np.random.default_rng(len(infos)).integers(0, 256, 2000, dtype=np.uint8).tobytes())
    builder = Builder(infos, {"general.architecture": "llama"}, {"": tuple(range(len(infos)))})
    read(builder, data, block=block)
    found = builder.fingerprints([bytes(32)] * len(infos))[0]
    builder.rounded([bytes(32)] * len(infos))
    component_keys(found)
    anchors(found)
    assert len(unpack(pack(found)).tensors) == len(found.tensors)


def test_copies_and_optimiser_state_are_no_part_of_a_fingerprint_unless_nothing_else_is() -> None:
    weights = normal((32, 32), 1)
    arrays = {"ema.w": weights, "w": weights + 1, "optimizer.0.exp_avg": weights, "layer.exp_avg_sq": weights}
    assert [one.name for one in built(arrays).tensors] == ["w"]
    assert [one.name for one in built({"ema.w": weights}).tensors] == ["ema.w"]
    assert [one.name for one in built({"optimizer.0.exp_avg": weights}).tensors] == ["optimizer.0.exp_avg"]


def test_each_part_has_a_fingerprint_of_its_own() -> None:
    data, infos = laid({"vae.w": normal((32, 32), 1), "x.w": normal((32, 32), 2)})
    builder = Builder(infos, {}, {"": (1,), "vae": (0,)})
    read(builder, data, block=500)
    found = builder.fingerprints(digests(data, infos))
    assert [(one.name, [tensor.name for tensor in one.tensors]) for one in found] == [("", ["x.w"]), ("vae", ["vae.w"])]


def test_a_small_tensor_of_any_number_keeps_its_values() -> None:
    found = built({"alpha": np.array(8), "beta": np.array([0.1])})
    assert [one.samples.values.tolist() for one in found.tensors] == [[8.0], [0.1]]


def test_rungs_of_a_tensor_are_as_many_as_there_are() -> None:
    lanes, codes = lanes_of(only(normal((64, 64), 1))), only(normal((64, 64), 1)).codes
    assert lanes.shape == (len(Rung), 2)
    assert len(codes) == len(Rung)
    assert codes[Rung.F16] == 255
    assert 16 < codes[Rung.E4M3] < 255


def test_small_tensors_that_lie_in_one_block_are_as_those_that_are_cut() -> None:
    for kind in (np.float32, np.float16, BRAIN, E4M3, E5M2):
        arrays = {f"{at:02}": normal((3 + at, 40), at).astype(kind) for at in range(40)}
        arrays |= {"none": np.zeros((0, 4), kind), "one": np.ones((), kind), "flat": np.full((70,), 2, kind)}
        with np.errstate(all="ignore"):
            arrays["odd"] = np.array([np.inf, -np.inf, np.nan, 0.0, -0.0, 1e-7, 7e4, 3e38, 1e-40] * 30).astype(kind)
        together, apart = built(arrays, block=1 << 20), built(arrays, block=37)
        for one, other in zip(together.tensors, apart.tensors, strict=True):
            assert one.lanes is None or np.array_equal(lanes_of(one), lanes_of(other))
            assert all(np.array_equal(*pair, equal_nan=True) for pair in zip(one.samples, other.samples, strict=True))
            same = one._replace(lanes=None, samples=other.samples, rms=0.0, mean=0.0)
            assert same == other._replace(lanes=None, rms=0.0, mean=0.0)
            assert np.array_equal([one.rms, one.mean], [other.rms, other.mean], equal_nan=True)


def test_what_is_only_to_be_packed_unpacks_to_the_same() -> None:
    arrays = _network() | {"half": normal((40, 50), 9).astype(np.float16), "q": normal((40, 50), 8).astype(E4M3)}
    arrays |= {"wide": normal((40, 50), 9).astype(np.float16).astype(np.float32), "int": np.arange(9)}
    data, infos = laid(arrays)
    builder = Builder(infos, {}, {"": tuple(range(len(infos)))})
    read(builder, data, block=1 << 16)
    whole, short = (builder.fingerprints(digests(data, infos), packable=packable) for packable in (False, True))
    assert pack(whole[0]) == pack(short[0])
