"""A packed fingerprint comes back as it was; anything else is refused."""

from __future__ import annotations

import zlib
from typing import TYPE_CHECKING, Any

import ml_dtypes
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from catalog.fingerprints.base import NO_SAMPLES, Fingerprint, Samples, TensorPrint
from catalog.fingerprints.packing import MAGIC, pack, unpack
from tests.builders import BRAIN
from tests.fingerprints.built import built, lanes_of, normal

if TYPE_CHECKING:
    from tests.builders import Array

KINDS = (np.float32, np.float16, BRAIN, np.float64, ml_dtypes.float8_e4m3fn, ml_dtypes.float8_e5m2)


def _same(left: TensorPrint, right: TensorPrint) -> None:
    assert (left.lanes is None) == (right.lanes is None)
    assert left.lanes is None or np.array_equal(left.lanes, lanes_of(right))
    assert all(np.array_equal(*pair, equal_nan=True) for pair in zip(left.samples, right.samples, strict=True))
    assert repr(_plain(left)) == repr(_plain(right))


def _plain(tensor: TensorPrint) -> tuple[object, ...]:
    return tuple(tensor._replace(lanes=None, samples=NO_SAMPLES))


def _values(shape: tuple[int, ...], kind: Any, seed: int, *, odd: bool = False) -> Array:
    values = normal(shape, seed)
    if odd:
        values.reshape(-1)[::7] = np.nan
        values.reshape(-1)[::11] = np.inf
        values.reshape(-1)[::13] = -np.inf
        values.reshape(-1)[::17] = -0.0
        values.reshape(-1)[::19] *= np.float32(1e-5)
    with np.errstate(all="ignore"):
        return values.astype(kind)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("odd", [False, True])
@np.errstate(all="ignore")
def test_floats_come_back_exactly(kind: Any, odd: bool) -> None:
    found = built(
        {
            "weight": _values((64, 70), kind, 1, odd=odd),
            "bias": _values((70,), kind, 2, odd=odd),
            "small": _values((3, 5), kind, 3, odd=odd),
            "ids": np.arange(12),
            "experts": _values((2, 64, 64), kind, 4),
            "narrow": _values((64, 64), np.float16, 5).astype(np.float32),
        }
    )
    back = unpack(pack(found))
    assert (back.name, back.version, len(back.tensors)) == (found.name, found.version, len(found.tensors))
    for left, right in zip(found.tensors, back.tensors, strict=True):
        _same(left, right)


@given(
    st.lists(
        st.tuples(st.floats(-1e6, 1e6), st.floats(0, 1e6), st.floats(0, 1e6), st.sampled_from(range(4))),
        min_size=1,
        max_size=30,
    )
)
@settings(max_examples=80, deadline=None)
def test_intervals_of_quantised_values_come_back_never_narrower_and_hardly_wider(
    rows: list[tuple[float, float, float, int]],
) -> None:
    values = np.array([row[0] for row in rows])
    low = np.array([-np.inf if row[3] == 1 else row[0] - row[1] for row in rows])
    high = np.array([np.inf if row[3] == 2 else row[0] + row[2] for row in rows])
    tensor = TensorPrint("q", "Q4_K", (len(rows),), bytes(16), samples=Samples(values, low, high))
    back = unpack(pack(Fingerprint("", (tensor,)))).tensors[0].samples
    assert np.allclose(back.values, values, rtol=1e-6, atol=1e-40)
    largest = max(np.max(reach, where=np.isfinite(reach), initial=0.0) for reach in (values - low, high - values))
    slack = 1e-300 + 2e-6 * np.abs(values) + 1e-3 * largest * 2**-10
    for reach, given_reach in ((back.values - back.low, values - low), (back.high - back.values, high - values)):
        open_ends = np.isinf(given_reach)
        assert np.array_equal(np.isinf(reach), open_ends)
        assert (reach[~open_ends] >= given_reach[~open_ends] - slack[~open_ends]).all()
        assert (reach[~open_ends] <= given_reach[~open_ends] * 1.002 + slack[~open_ends]).all()


def test_what_is_not_known_of_a_value_stays_unknown() -> None:
    unknown = Samples(np.array([np.nan, 1.0]), np.array([-np.inf, 0.5]), np.array([np.inf, 1.5]))
    back = unpack(pack(Fingerprint("x", (TensorPrint("q", "Q2_K", (2,), bytes(16), samples=unknown),)))).tensors[0]
    assert all(np.array_equal(*pair, equal_nan=True) for pair in zip(unknown, back.samples, strict=True))


def test_names_of_any_kind_come_back() -> None:
    tensors = tuple(TensorPrint(name, "I8", (), b"") for name in ("", "ä\udc80\ud800", "␀0", '"\\', "a" * 4000))
    assert [one.name for one in unpack(pack(Fingerprint("part/\udcff", tensors))).tensors] == [
        one.name for one in tensors
    ]
    assert unpack(pack(Fingerprint("", ()))) == Fingerprint("", ())


@given(st.binary(max_size=400), st.integers(0, 10_000), st.booleans())
@settings(max_examples=150, deadline=None)
def test_a_damaged_value_is_refused_or_read_but_never_worse(noise: bytes, at: int, compressed: bool) -> None:
    packed = pack(built({"w": normal((20, 20), 1), "b": normal((20,), 2).astype(np.float16)}))
    body = zlib.decompress(packed[5:]) if packed[4] else packed[5:]
    start = at % len(body)
    broken = body[:start] + noise + body[start + len(noise) :]
    try:
        unpack(MAGIC + (b"\1" + zlib.compress(broken) if compressed else b"\0" + broken))
    except ValueError:
        return


@pytest.mark.parametrize("packed", [b"", b"ISF1", b"ISF1\2", b"ISF1\0", b"ISF1\1", b"ISF1\1x", b"ISO1\0\0\0\0\0"])
def test_anything_else_is_refused(packed: bytes) -> None:
    with pytest.raises(ValueError, match="fingerprint"):
        unpack(packed)


def test_a_value_that_is_cut_off_is_refused() -> None:
    packed = pack(built({"w": normal((64, 64), 1)}))
    for length in range(0, len(packed), 97):
        with pytest.raises(ValueError, match="fingerprint"):
            unpack(packed[:length])


def test_values_of_16_bits_take_two_bytes_a_sample() -> None:
    wide, half = (pack(built({f"{at}": _values((96, 96), kind, at) for at in range(40)})) for kind in KINDS[:2])
    assert len(half) < len(wide) - 40 * 190
    assert len(half) < 40 * 420


def _of_shape(shape: str) -> bytes:
    """A fingerprint of one tensor of which nothing but its shape is known."""
    names = '"names":["a"],"dtypes":["F16"],"dtype":[0],"shape":[0],"samples":[0]'
    text = f'{{"version":1,"name":"",{names},"shapes":[{shape}]}}'.encode()
    return MAGIC + b"\0" + len(text).to_bytes(4, "little") + text + bytes(1 + 2 + 8)


@pytest.mark.parametrize("shape", ["[-1]", "[1e999]", "[[]]", "[" + "18446744073709551615," * 50_000 + "1]", "[NaN]"])
def test_a_shape_that_no_file_has_is_refused(shape: str) -> None:
    with pytest.raises(ValueError, match=r"damaged|NaN"):
        unpack(_of_shape(shape))


def test_a_shape_without_values_may_be_as_long_as_it_likes() -> None:
    assert unpack(_of_shape("[9223372036854775808,0,9223372036854775808]")).tensors[0].values == 0
