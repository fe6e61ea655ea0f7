"""SHA-256 over tensors one after the other, in the order that a program may have had."""

from __future__ import annotations

import hashlib

import pytest

from catalog.formats.base import TensorInfo
from catalog.hashing.modelspec import in_some_order
from tests.builders import MemorySource

BODY = b"".join(bytes([number]) * number for number in range(1, 12))


def tensor(name: str, number: int) -> TensorInfo:
    """The tensor that holds so many bytes of that number."""
    return TensorInfo(name, "U8", (number,), sum(range(1, number)), number)


def found(names: list[str], order: list[int]) -> bytes | None:
    """What is found of tensors 1, 2, ... of these names, when the digest was made in that order."""
    tensors = sorted(tensor(name, at) for at, name in enumerate(names, 1))
    wanted = hashlib.sha256(b"".join(bytes([at]) * at for at in order)).digest()
    source = MemorySource(BODY)
    digest = in_some_order(source, tensors, wanted[:16], source.read_at)  # type: ignore[arg-type] # a size is enough
    assert digest in (None, wanted)
    return digest


@pytest.mark.parametrize(
    ("names", "order"),
    [
        (["b", "a", "c"], [2, 1, 3]),
        (["l.2", "l.10", "l.1"], [3, 1, 2]),
        (["z", "y", "x"], [1, 2, 3]),
    ],
    ids=["by name", "by number", "as they lie"],
)
def test_the_order_that_fits_is_found(names: list[str], order: list[int]) -> None:
    assert found(names, order) is not None


def test_an_order_that_nobody_guesses_is_not() -> None:
    assert found(["a", "b", "c"], [2, 3, 1]) is None


def test_a_file_whose_tensors_overlap_without_end_is_not_read() -> None:
    tensors = [TensorInfo(f"t{at}", "U8", (60,), 0, 60) for at in range(100)]
    source = MemorySource(BODY)

    assert in_some_order(source, tensors, b"", source.read_at) is None  # type: ignore[arg-type] # a size is enough
