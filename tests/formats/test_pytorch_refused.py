"""Pickles that PyTorch's own reader could not load, though every name in them is allowed."""

from __future__ import annotations

import numpy as np
import pytest

from catalog.formats import Probe, probe_file
from catalog.vocabulary import Outcome
from tests.builders import Array, MemorySource
from tests.builders.pickles import Call, Global, Pickled, Raw, code, pickled, torch_zip, zipped
from tests.builders.pickles import Storages as Kept

WHOLE: Array = np.ones(3, np.int64)
REAL: Array = np.ones(3, np.float32)
ORDERED = Call(Global("collections", "OrderedDict"))
REBUILD = Global("torch._utils", "_rebuild_parameter")


def probe(value: Pickled) -> Probe:
    return probe_file(MemorySource(torch_zip(value), b"a.pt"))


def written(*pieces: Pickled) -> Raw:
    """These values and opcodes, one after the other."""
    return Raw(b"".join(piece if isinstance(piece, bytes) else code(piece, Kept()) for piece in pieces))


def test_a_parameter_of_real_numbers_is_sound() -> None:
    assert probe({"w": Call(REBUILD, (REAL, True, ORDERED))}).outcome is Outcome.OK
    assert probe({"w": Call(REBUILD, (WHOLE, False, ORDERED))}).outcome is Outcome.OK


@pytest.mark.parametrize(
    "args",
    [(WHOLE, True, ORDERED), (REAL, 1, ORDERED), (REAL, True), (REAL, True, ORDERED, 0), ((), True, ORDERED), ()],
)
def test_a_parameter_with_other_arguments_is_refused(args: tuple[Pickled, ...]) -> None:
    assert probe({"w": Call(REBUILD, args)}).outcome is Outcome.INVALID


@pytest.mark.parametrize(
    "call",
    [
        Call(Global("torch", "float32")),
        Call(Global("torch", "FloatStorage"), (1, 2)),
        Call(Global("torch", "Size"), ((1,), 2)),
        Call(Global("collections", "OrderedDict"), ([], [])),
    ],
)
def test_a_call_that_would_fail_is_refused(call: Call) -> None:
    assert probe({"w": REAL, "x": call}).outcome is Outcome.INVALID


KEYS: list[Pickled] = [[], {}, ORDERED, (1, []), (1, (2, {})), Raw(b"\x8f"), (Raw(b"\x8f"),)]


@pytest.mark.parametrize("key", KEYS)
def test_a_key_without_a_hash_is_refused(key: Pickled) -> None:
    assert probe(written({}, key, 1, b"s")).outcome is Outcome.INVALID
    assert probe(written(b"\x8f(", key, b"\x90")).outcome is Outcome.INVALID


@pytest.mark.parametrize("key", [1, "a", (1, ("a", 2)), Raw(b"(\x91"), None])
def test_a_key_with_a_hash_is_taken(key: Pickled) -> None:
    assert probe(written({}, key, 1, b"s")).outcome is Outcome.OK
    assert probe(written(b"\x8f(", key, b"\x90")).outcome is Outcome.OK


def test_a_key_that_would_take_for_ever_to_look_into_is_refused() -> None:
    doubled = b")" + b"2\x86" * 60  # a tuple of the last one, twice
    assert probe(written({}, doubled, 1, b"s")).outcome is Outcome.INVALID


@pytest.mark.parametrize("pieces", [(b"\x8f", 1, b"a"), (b"\x8f", 1, 2, b"s"), ([], b"(", 1, b"\x90")])
def test_what_a_set_and_a_list_cannot_do_is_refused(pieces: tuple[Pickled, ...]) -> None:
    assert probe({"w": REAL, "x": written(*pieces)}).outcome is Outcome.INVALID


def test_attributes_are_for_things_that_have_them() -> None:
    targets: list[Pickled] = [{}, (), []]
    for target in targets:
        assert probe(written(target, {"a": 1}, b"b")).outcome is Outcome.INVALID
    assert probe(written(ORDERED, {"a": 1}, b"b")).outcome is Outcome.OK
    assert probe(written(ORDERED, (1,), b"b")).outcome is Outcome.INVALID


@pytest.mark.parametrize(
    ("version", "outcome"),
    [
        (b"1", Outcome.OK),
        (b"10\n", Outcome.OK),
        (b"11", Outcome.UNSUPPORTED),
        (b"0", Outcome.INVALID),
        (b"", Outcome.INVALID),
        (b"three", Outcome.INVALID),
        (b"9" * 5000, Outcome.INVALID),
    ],
)
def test_the_version_of_a_zip_is_one_that_pytorch_reads(version: bytes, outcome: Outcome) -> None:
    content = torch_zip({"w": REAL}, members={"version": version})
    assert probe_file(MemorySource(content, b"a.pt")).outcome is outcome


def test_a_zip_without_a_version_is_refused() -> None:
    content = zipped({"archive/data.pkl": pickled({}), "archive/byteorder": b"little"})
    assert probe_file(MemorySource(content, b"a.pt")).outcome is Outcome.INVALID


@pytest.mark.parametrize(
    ("piece", "times", "told"),
    [
        (b"S'" + b"\\x41" * 16_000 + b"'\n0", 50, "steps"),
        (b"V" + b"\\u0041" * 10_000 + b"\n0", 80, "steps"),
        (b"V" + b"a" * 60_000 + b"\n0", 600, "text"),
        (b"I" + b"9" * 1_024 + b"\n0", 40_000, "text"),
        (b"c" + b".b" * 1_000 + b"\nX\n0", 1, "name"),
    ],
)
def test_what_takes_long_to_read_is_not_read_for_ever(piece: bytes, times: int, told: str) -> None:
    found = probe(Raw(piece * times + b"N"))
    assert (found.outcome, told in found.problems[0].sentence) == (Outcome.INVALID, True)
