"""PaddlePaddle's numbers by offset, under the names of the program beside them."""

from __future__ import annotations

import random
import struct

import numpy as np
import pytest

from catalog.formats import probe_file, probe_set
from catalog.formats.base import SetMember, SetSource
from catalog.vocabulary import FileRole, FindingCode, Format, Outcome
from tests.builders.onnx_files import number, part
from tests.builders.sources import MemorySource

VALUES = {"b.w_0": np.arange(6, dtype="<f4").reshape(2, 3), "a.w_0": np.arange(4, dtype="<i8")}
_TYPES = {"<f4": 5, "<i8": 3}


def _record(array: np.ndarray, levels: tuple[bytes, ...] = ()) -> bytes:
    described = number(1, _TYPES[array.dtype.str]) + b"".join(number(2, axis) for axis in array.shape)
    detail = b"".join(struct.pack("<Q", len(level)) + level for level in levels)
    head = struct.pack("<IQ", 0, len(levels)) + detail + struct.pack("<Ii", 0, len(described))
    return head + described + array.tobytes()


def _variable(name: str, kind: int = 7, *, kept: bool = True) -> bytes:
    return part(3, part(1, name.encode()) + part(2, number(1, kind)) + number(3, int(kept)))


NUMBERS = _record(VALUES["a.w_0"]) + _record(VALUES["b.w_0"], (bytes(16),))
PROGRAM = part(
    1,
    number(1, 0) + number(2, -1) + _variable("feed", 9) + _variable("b.w_0") + _variable("x.tmp_0", kept=False)
    + _variable("a.w_0") + part(4, bytes(300)),
)  # fmt: skip


def _together(program: bytes, numbers: bytes) -> SetSource:
    return SetSource(
        (
            SetMember(b"inference.pdiparams", FileRole.DATA, MemorySource(numbers, b"inference.pdiparams")),
            SetMember(b"inference.pdmodel", FileRole.WEIGHTS, MemorySource(program, b"inference.pdmodel")),
        )
    )


def test_the_values_lie_where_the_index_says_under_the_names_of_the_program() -> None:
    probe = probe_set(_together(PROGRAM, NUMBERS))
    assert (probe.format, probe.outcome, probe.problems) == (Format.PADDLE, Outcome.OK, ())
    assert [(tensor.name, tensor.dtype, tensor.shape) for tensor in probe.tensors] == [
        ("a.w_0", "I64", (4,)),
        ("b.w_0", "F32", (2, 3)),
    ]
    for tensor in probe.tensors:
        assert tensor.file == 0, "the number of the file with the values"
        assert NUMBERS[tensor.offset :][: tensor.nbytes] == VALUES[tensor.name].tobytes()


def test_the_numbers_alone_are_numbered() -> None:
    probe = probe_file(MemorySource(NUMBERS, b"inference.pdiparams"))
    assert [tensor.name for tensor in probe.tensors] == ["0", "1"]


def test_a_program_that_names_more_than_there_is_names_nothing() -> None:
    probe = probe_set(_together(PROGRAM, _record(VALUES["a.w_0"])))
    assert [tensor.name for tensor in probe.tensors] == ["0"]


def test_a_program_alone_says_that_it_holds_no_tensors() -> None:
    probe = probe_file(MemorySource(PROGRAM, b"inference.pdmodel"))
    assert probe.outcome is Outcome.UNSUPPORTED
    assert probe.problems[0].params == {"format": "PaddlePaddle program"}


@pytest.mark.parametrize("cut", [1, 30, len(NUMBERS) - 1])
def test_numbers_that_are_cut_off_are_malformed(cut: int) -> None:
    probe = probe_file(MemorySource(NUMBERS[:cut].ljust(17, b"\0"), b"inference.pdiparams"))
    assert probe.outcome in {Outcome.INVALID, Outcome.UNSUPPORTED}
    assert not probe.tensors


@pytest.mark.parametrize(
    "described",
    [number(1, 99) + number(2, 1), number(1, 5) + number(2, -3), number(1, 5) + number(2, 1 << 60), number(1, 5) * 600],
)
def test_what_no_tensor_can_be_is_refused(described: bytes) -> None:
    numbers = struct.pack("<IQIi", 0, 0, 0, len(described)) + described + bytes(64)
    probe = probe_file(MemorySource(NUMBERS + numbers, b"inference.pdiparams"))
    assert probe.outcome is Outcome.INVALID
    assert probe.problems[0].code in {FindingCode.MALFORMED, FindingCode.TRUNCATED}


def test_whatever_the_bytes_are_an_answer_comes() -> None:
    chance = random.Random(11)  # noqa: S311 - the same every time
    for _ in range(300):
        numbers, program = bytearray(NUMBERS), bytearray(PROGRAM)
        for target in (numbers, program):
            target[chance.randrange(16, len(target))] = chance.randrange(256)
        probe = probe_set(_together(bytes(program), bytes(numbers)))
        for tensor in probe.tensors:
            assert tensor.offset + tensor.nbytes <= len(numbers)
