"""NumPy's arrays, one and several."""

from __future__ import annotations

import io

import numpy as np
import pytest

from catalog.vocabulary import Format
from tests.builders.named import named


@pytest.mark.parametrize(
    ("array", "facts"),
    [
        (np.ones((3, 4), np.float32), {"dtype": "<f4", "shape": [3, 4]}),
        (np.ones((), np.int64), {"dtype": "<i8", "shape": []}),
        (np.ones(5, np.bool_), {"dtype": "|b1", "shape": [5]}),
        (np.zeros(2, [("a", "<f4")]), {}),
    ],
)
def test_one_array_tells_its_dtype_and_shape(array: np.ndarray[tuple[int, ...]], facts: dict[str, object]) -> None:
    content = io.BytesIO()
    np.save(content, array)
    probe = named(content.getvalue(), b"a.npy")
    assert (probe.format, probe.metadata) == (Format.NUMPY, facts)


def test_an_array_of_objects_is_called_a_pickle() -> None:
    content = io.BytesIO()
    np.save(content, np.array([{"a": 1}], object), allow_pickle=True)
    assert "pickle" in str(named(content.getvalue(), b"a.npy").problems[0].params["format"])


@pytest.mark.parametrize("packed", [False, True])
@pytest.mark.parametrize("name", [b"weights.npz", b"weights.bin", b"weights"])
def test_several_are_an_archive(packed: bool, name: bytes) -> None:
    content = io.BytesIO()
    (np.savez_compressed if packed else np.savez)(content, a=np.ones(3), b=np.ones(4))
    probe = named(content.getvalue(), name)
    assert (probe.format, probe.metadata) == (Format.NUMPY, {"arrays": 2})
