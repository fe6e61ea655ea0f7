"""Tensor digests and those of their sets: equal where the weights are, whatever holds them."""

from __future__ import annotations

import struct

import pytest
from blake3 import blake3
from hypothesis import given
from hypothesis import strategies as st

from catalog.errors import MalformedFile
from catalog.formats.base import TensorInfo
from catalog.hashing.tensors import JOINED, TensorLane, tensor_digest, tensors_v1, weights_v1

DATA = blake3(b"data").digest(length=4 * JOINED)


def u64(number: int) -> bytes:
    return struct.pack("<Q", number)


def tensor(name: str, *shape: int, dtype: str = "F16", offset: int = 0) -> TensorInfo:
    made = TensorInfo(name, dtype, shape, offset, 0)
    return made._replace(nbytes=2 * made.values)


def named(*names: str) -> list[tuple[TensorInfo, bytes]]:
    """A tensor of each name, and a digest of its own."""
    return [(tensor(name, 6), blake3(name.encode("utf-8", "surrogatepass")).digest()) for name in names]


def test_a_tensor_digest_is_what_it_says() -> None:
    expected = blake3(b"isotope/tensor/v1\0F16\0" + u64(3) + b"abcdef").digest()
    assert tensor_digest("F16", 3, b"abcdef") == expected


def test_an_empty_tensor_has_a_digest_too() -> None:
    lane = TensorLane([tensor("e", 0, 4, offset=5), tensor("f", 0, offset=0)], 5)
    assert lane.digests() == (tensor_digest("F16", 0, b""),) * 2


@given(st.data(), st.integers(1, 70), st.integers(0, 300))
def test_blocks_may_cut_tensors_anywhere(data: st.DataObject, block: int, size: int) -> None:
    starts = data.draw(st.lists(st.integers(0, size), max_size=12))
    spans = [(start, data.draw(st.integers(start, size))) for start in starts]
    tensors = [
        TensorInfo(str(at), "I8", (stop - start,), start, stop - start) for at, (start, stop) in enumerate(spans)
    ]
    lane = TensorLane(tensors, size)
    for offset in range(0, size, block):
        lane.take(memoryview(DATA[offset : min(size, offset + block)]), offset)
    assert lane.digests() == tuple(tensor_digest("I8", stop - start, DATA[start:stop]) for start, stop in spans)


@pytest.mark.parametrize("length", [JOINED - 40, JOINED - 1, JOINED, JOINED + 1, 2 * JOINED + 3])
@pytest.mark.parametrize("block", [JOINED // 2, JOINED + 7, 4 * JOINED])
def test_large_tensors_are_whole_whatever_the_block(length: int, block: int) -> None:
    lane = TensorLane([TensorInfo("t", "I8", (length,), 11, length)], len(DATA))
    for offset in range(0, len(DATA), block):
        lane.take(memoryview(DATA[offset : offset + block]), offset)
    assert lane.digests() == (tensor_digest("I8", length, DATA[11 : 11 + length]),)


def test_shared_tensors_are_digested_once_and_told_twice() -> None:
    lane = TensorLane([tensor("a", 2, 2), tensor("b", 4)], 8)
    lane.take(memoryview(b"12345678"), 0)
    assert lane.digests() == (tensor_digest("F16", 4, b"12345678"),) * 2


def test_a_tensor_beyond_the_end_is_refused() -> None:
    with pytest.raises(MalformedFile):
        TensorLane([tensor("a", 4, offset=1)], 8)


def test_tensors_v1_is_what_it_says() -> None:
    first, second = (tensor("a", 2, 3), b"1" * 32), (tensor("b", dtype="I64"), b"2" * 32)
    spelled = b"isotope/tensors/v1\0"
    spelled += u64(1) + b"a" + u64(3) + b"F16" + u64(2) + u64(2) + u64(3) + b"1" * 32
    spelled += u64(1) + b"b" + u64(3) + b"I64" + u64(0) + b"2" * 32
    assert tensors_v1([second, first]) == tensors_v1([first, second]) == blake3(spelled).digest()


def test_tensors_v1_forgets_place_and_file() -> None:
    moved = [(info._replace(offset=99, file=3), digest) for info, digest in named("a", "b")]
    assert tensors_v1(moved) == tensors_v1(named("a", "b"))


def test_tensors_v1_knows_name_type_and_shape() -> None:
    [(info, digest)] = named("a")
    others = [info._replace(name="b"), info._replace(dtype="BF16"), info._replace(shape=(3, 2))]
    assert len({tensors_v1([(other, digest)]) for other in [info, *others]}) == 4


def test_names_sort_by_their_bytes_and_may_hold_lone_surrogates() -> None:
    assert tensors_v1(named("\ud800", "a")) == tensors_v1(named("a", "\ud800"))


def test_a_name_enters_as_it_is_in_the_file() -> None:
    spelled = b"isotope/tensors/v1\0" + u64(6) + "a\0␀0".encode()
    spelled += u64(3) + b"F16" + u64(1) + u64(2) + b"1" * 32
    assert tensors_v1([(tensor("a␀0␀␀0", 2), b"1" * 32)]) == blake3(spelled).digest()


def test_weights_v1_is_what_it_says_and_forgets_names_and_repetition() -> None:
    expected = blake3(b"isotope/weights/v1\0" + b"1" * 32 + b"2" * 32).digest()
    digests = [b"2" * 32, b"1" * 32, b"2" * 32]
    assert weights_v1((tensor(str(at), 2), digest) for at, digest in enumerate(digests)) == expected


@pytest.mark.parametrize(
    "name",
    [
        "alphas_cumprod",
        "model_sampling.sigmas",
        "text_model.embeddings.position_ids",
        "bn.num_batches_tracked",
        "model_ema.diffusion_modelw",
        "optimizer.state.0.step",
        "layer.weight.exp_avg",
    ],
)
def test_what_is_no_weight_does_not_enter(name: str) -> None:
    assert weights_v1(named("w", name)) == weights_v1(named("w"))


@pytest.mark.parametrize(("dtype", "enters"), [("I64", False), ("BOOL", False), ("I32", True), ("Q4_K", True)])
def test_64_bit_integers_and_truth_values_are_no_weights(dtype: str, enters: bool) -> None:
    extra = (tensor("q", 2, dtype=dtype), b"q" * 32)
    assert (weights_v1([*named("w"), extra]) != weights_v1(named("w"))) is enters


def test_ema_weights_alone_are_no_copies() -> None:
    assert weights_v1(named("model_ema.w")) is not None


@pytest.mark.parametrize("names", [[], ["betas"]])
def test_no_weights_have_no_digest(names: list[str]) -> None:
    assert weights_v1(named(*names)) is None


def test_no_tensors_have_no_digest() -> None:
    assert tensors_v1([]) is None
