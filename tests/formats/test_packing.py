"""Packed tensor indexes come back exactly, and nothing else is taken for one."""

from __future__ import annotations

import hashlib
import zlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from catalog.formats import Probe, TensorInfo, probe_file
from catalog.formats.packing import MAGIC, pack, unpack
from catalog.vocabulary import Format, Outcome
from tests.builders import header_only

TEXTS = st.text(st.characters(codec="utf-8"), max_size=12)
TENSORS = st.builds(
    TensorInfo,
    TEXTS,
    st.sampled_from(["F32", "BF16", "Q4_K"]),
    st.lists(st.integers(0, 1 << 62), max_size=4).map(tuple),
    st.integers(0, 1 << 62),
    st.integers(0, 1 << 62),
    st.integers(0, 300),
)
JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(1 << 64), 1 << 64)
    | st.floats(allow_nan=False, allow_infinity=False)
    | TEXTS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXTS, inner, max_size=3),
    max_leaves=8,
)


def digests_of(probe: Probe) -> list[bytes]:
    return [hashlib.sha256(tensor.name.encode()).digest() for tensor in probe.tensors]


@given(st.lists(TENSORS, max_size=6), st.dictionaries(TEXTS, JSON, max_size=3), st.none() | st.integers(0, 1 << 40))
def test_what_was_packed_comes_back(tensors: list[TensorInfo], metadata: dict[str, object], body: int | None) -> None:
    probe = Probe(Format.SAFETENSORS, Outcome.OK, tuple(tensors), metadata, body)  # type: ignore[arg-type] # as JSON
    for digests in (None, digests_of(probe)):
        found = unpack(pack(probe, digests))
        assert found.tensors == probe.tensors
        assert all(isinstance(tensor, TensorInfo) for tensor in found.tensors)
        assert found.metadata == metadata
        assert found.body == body
        assert found.digests == (None if digests is None else tuple(digests))


def test_a_large_index_is_a_small_row() -> None:
    shapes = {f"model.diffusion_model.blocks.{number}.attn.to_k.weight": (1280, 1280) for number in range(2500)}
    probe = probe_file(header_only(shapes))
    assert len(pack(probe)) < 40_000
    assert len(pack(probe, digests_of(probe))) < 125_000


@pytest.mark.parametrize("digests", [[], [b"x" * 31], [b"x" * 32, b"y" * 32]])
def test_digests_that_do_not_fit_are_refused(digests: list[bytes]) -> None:
    probe = Probe(Format.SAFETENSORS, Outcome.OK, (TensorInfo("a", "F32", (1,), 0, 4),))
    with pytest.raises(ValueError, match="one digest"):
        pack(probe, digests)


@pytest.mark.parametrize("cut", [0, 3, 4, 10, -1])
def test_a_damaged_value_is_refused(cut: int) -> None:
    packed = pack(Probe(Format.SAFETENSORS, Outcome.OK, (TensorInfo("a", "F32", (1,), 0, 4),)))
    with pytest.raises(ValueError, match="tensor index"):
        unpack(packed[:cut])
    with pytest.raises(ValueError, match="tensor index"):
        unpack(MAGIC + b"nonsense")


def test_a_value_that_unfolds_without_end_is_refused() -> None:
    squeeze = zlib.compressobj(9)
    bomb = b"".join([squeeze.compress(bytes(1 << 20)) for _ in range(300)] + [squeeze.flush()])
    with pytest.raises(ValueError, match="larger than one may be"):
        unpack(MAGIC + bomb)
