"""Tensors that do not lie plainly in their file: their digest is that of the values, as if they did."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from catalog.errors import Cancelled, MalformedFile
from catalog.formats.base import Stored, TensorInfo
from catalog.hashing import stored as room
from catalog.hashing.base import Plan
from catalog.hashing.engine import digest_file
from catalog.hashing.tensors import tensor_digest
from catalog.storage.root import open_path

if TYPE_CHECKING:
    from pathlib import Path

    from tests.hashing.conftest import Opener

RANDOM = np.random.default_rng(1)
WIDTHS = {"I8": 1, "F16": 2, "F32": 4, "F64": 8, "C64": 8, "C128": 16, "BF16": 2, "BOOL": 1, "F8_E4M3": 1}


def td(opened: Opener, data: bytes, tensor: TensorInfo) -> bytes:
    return digest_file(opened(data), Plan(frozenset(), tensors=(tensor,))).tensors[0]


def view(offset: int, dtype: str, shape: tuple[int, ...], stored: Stored) -> TensorInfo:
    width = WIDTHS[dtype]
    steps = stored.strides or tuple(math.prod(shape[at + 1 :]) for at in range(len(shape)))
    reach = 1 + sum((length - 1) * step for length, step in zip(shape, steps, strict=True)) if 0 not in shape else 0
    return TensorInfo("t", dtype, shape, offset, reach * width, 0, stored)


def test_a_matrix_and_its_transposed_view_differ(opened: Opener) -> None:
    matrix = RANDOM.standard_normal((16, 16)).astype(np.float32)
    plain = TensorInfo("m", "F32", (16, 16), 4, 1024)
    turned = view(4, "F32", (16, 16), Stored((1, 16)))
    found = digest_file(opened(b"head" + matrix.tobytes()), Plan(frozenset(), tensors=(turned, plain, turned)))
    assert found.tensors[1] == tensor_digest("F32", 256, matrix.tobytes())
    assert found.tensors[0] == found.tensors[2] == tensor_digest("F32", 256, matrix.T.tobytes())


@st.composite
def views(draw: st.DrawFn) -> tuple[str, tuple[int, ...], tuple[int, ...], int]:
    shape = tuple(draw(st.lists(st.integers(0, 5), max_size=4)))
    strides = tuple(draw(st.integers(0, 9)) for _ in shape)
    return draw(st.sampled_from(sorted(WIDTHS))), shape, strides, draw(st.integers(0, 9))


SIZES = [(32 << 10, 16 << 20, 16 << 20), (8, 16, 1024), (1, 1, 16)]


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("stored") / "a.pt"


@given(what=views(), big=st.booleans(), sizes=st.sampled_from(SIZES))
def test_any_view_is_digested_as_numpy_sees_it(
    place: Path, what: tuple[str, tuple[int, ...], tuple[int, ...], int], big: bool, sizes: tuple[int, int, int]
) -> None:
    dtype, shape, strides, offset = what
    width = WIDTHS[dtype]
    tensor = view(offset, dtype, shape, Stored(strides, big_endian=big and width > 1))
    data = RANDOM.bytes(offset + tensor.nbytes + 3)
    values = np.lib.stride_tricks.as_strided(
        np.frombuffer(data[offset:] + bytes(width), np.uint8), [*shape, width], [*(s * width for s in strides), 1]
    )
    swap = room.swap_of(dtype) if big and width > 1 else 1
    expected = np.ascontiguousarray(values).reshape(-1, swap)[:, ::-1].tobytes()
    place.write_bytes(data)
    with pytest.MonkeyPatch.context() as patch, open_path(bytes(place)) as file:
        for name, value in zip(("_SMALL", "_SPAN", "_BLOCK"), sizes, strict=True):
            patch.setattr(room, name, value)
        patch.setattr(room, "_LARGE_BLOCK", sizes[2])
        found = digest_file(file, Plan(frozenset(), tensors=(tensor,))).tensors
    assert found == (tensor_digest(dtype, tensor.values, expected),)


def test_a_large_view_is_gathered_from_all_over_the_file(tmp_path: Path) -> None:
    """20 MiB of which every row of the view takes a column: more than is read at once."""
    matrix = RANDOM.integers(0, 255, (5120, 4096), np.uint8)
    path = tmp_path / "a.pt"
    path.write_bytes(matrix.tobytes())
    turned = view(0, "I8", (4096, 5120), Stored((1, 4096)))
    column = view(0, "I8", (5120,), Stored((4096,)))
    with open_path(bytes(path)) as file:
        found = digest_file(file, Plan(frozenset(), tensors=(turned, column)))
    assert found.tensors[0] == tensor_digest("I8", matrix.size, matrix.T.tobytes())
    assert found.tensors[1] == tensor_digest("I8", 5120, matrix[:, 0].tobytes())


def test_a_repeated_row_is_told_as_often_as_the_view_does(opened: Opener) -> None:
    row = RANDOM.bytes(4000)
    tensor = view(0, "F32", (500, 1000), Stored((0, 1)))
    assert td(opened, row, tensor) == tensor_digest("F32", 500_000, row * 500)


def test_the_parts_of_a_complex_value_are_swapped_apart(opened: Opener) -> None:
    values = RANDOM.standard_normal(6).view(np.complex128)
    data = values.astype(">c16").tobytes()
    tensor = TensorInfo("c", "C128", (3,), 0, 48, 0, Stored(big_endian=True))
    assert td(opened, data, tensor) == tensor_digest("C128", 3, values.tobytes())


def varint(number: int) -> bytes:
    number &= (1 << 64) - 1
    out = bytearray()
    while number > 0x7F:
        out.append(number & 0x7F | 0x80)
        number >>= 7
    return bytes([*out, number])


@given(
    numbers=st.lists(st.integers(-(1 << 63), (1 << 63) - 1) | st.integers(-3, 300), min_size=1, max_size=50),
    kind=st.sampled_from([("I64", "<i8"), ("I32", "<i4"), ("I8", "<i1"), ("F16", "<u2"), ("BOOL", "<u1")]),
)
def test_varints_are_their_numbers(place: Path, numbers: list[int], kind: tuple[str, str]) -> None:
    dtype, code = kind
    width = np.dtype(code).itemsize
    data = b"".join(varint(number) for number in numbers)
    tensor = TensorInfo("v", dtype, (len(numbers),), 0, len(data), 0, Stored(varint=True))
    expected = b"".join((number & ((1 << 8 * width) - 1)).to_bytes(width, "little") for number in numbers)
    place.write_bytes(data)
    with open_path(bytes(place)) as file:
        found = digest_file(file, Plan(frozenset(), tensors=(tensor,))).tensors
    assert found == (tensor_digest(dtype, len(numbers), expected),)


@pytest.mark.parametrize(
    ("data", "values"), [(b"\1\2", 3), (b"\1\2\3", 2), (b"\x80", 1), (b"\x80" * 11 + b"\1", 1), (b"\x80" * 40, 1)]
)
def test_broken_varints_are_no_values(opened: Opener, data: bytes, values: int) -> None:
    with pytest.raises(MalformedFile):
        td(opened, data, TensorInfo("v", "I64", (values,), 0, len(data), 0, Stored(varint=True)))


def test_four_bit_values_have_a_number_for_each_two(opened: Opener) -> None:
    tensor = TensorInfo("v", "U4", (3,), 0, 2, 0, Stored(varint=True))
    assert td(opened, b"\x12\x03", tensor) == tensor_digest("U4", 3, b"\x12\x03")


def test_a_view_beyond_its_bytes_is_refused(opened: Opener) -> None:
    with pytest.raises(MalformedFile):
        td(opened, bytes(64), TensorInfo("t", "F32", (4, 4), 0, 60, 0, Stored((1, 4))))


def test_gathering_can_be_stopped(opened: Opener) -> None:
    asked = iter([False, True, True])
    plan = Plan(frozenset(), tensors=(view(0, "F32", (4, 4), Stored((1, 4))),))
    with pytest.raises(Cancelled):
        digest_file(opened(bytes(64)), plan, cancelled=lambda: next(asked))
