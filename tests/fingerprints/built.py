"""Fingerprints made as in the one read: bytes of a file in blocks, through the lane of a builder."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from catalog.fingerprints.building import Builder
from catalog.fingerprints.keys import component_keys
from catalog.formats.base import TensorInfo
from catalog.hashing.tensors import tensor_digest
from tests.builders.prints import _NAMES as NAMES

if TYPE_CHECKING:
    from collections.abc import Mapping

    import numpy.typing as npt

    from catalog.fingerprints.base import Fingerprint, KeyKind, Lanes, TensorPrint
    from catalog.fingerprints.building import Rounded
    from tests.builders import Array


def laid(arrays: Mapping[str, Array], *, lead: int = 3) -> tuple[bytearray, list[TensorInfo]]:
    """A file of these arrays, the first of them at byte `lead`, and its index."""
    data, infos = bytearray(lead), []
    for name, array in arrays.items():
        raw = np.ascontiguousarray(array).tobytes()
        infos.append(TensorInfo(name, NAMES[array.dtype.name], tuple(array.shape), len(data), len(raw)))
        data += raw
    return data, infos


def read(builder: Builder, data: bytearray, *, block: int) -> None:
    """The one read."""
    lane = builder.lane(0, len(data))
    for at in range(0, len(data), block):
        lane.take(memoryview(data)[at : at + block], at)


def digests(data: bytearray, infos: list[TensorInfo]) -> list[bytes]:
    """td of each tensor."""
    return [
        tensor_digest(one.dtype, one.values, memoryview(data)[one.offset : one.offset + one.nbytes]) for one in infos
    ]


def built(arrays: Mapping[str, Array], *, block: int = 100_003, lead: int = 3) -> Fingerprint:
    """Of one component that holds these arrays."""
    return built_with_twins(arrays, block=block, lead=lead)[0]


def built_with_twins(
    arrays: Mapping[str, Array], *, block: int = 100_003, lead: int = 3
) -> tuple[Fingerprint, Rounded, list[bytes]]:
    """The same with the digests in 16 bits and the plain ones."""
    data, infos = laid(arrays, lead=lead)
    builder = Builder(infos, {}, {"": tuple(range(len(infos)))})
    read(builder, data, block=block)
    td = digests(data, infos)
    return builder.fingerprints(td)[0], builder.rounded(td), td


def only(array: Array) -> TensorPrint:
    """Of one tensor."""
    return built({"weight": array}).tensors[0]


def lanes_of(tensor: TensorPrint) -> Lanes:
    """Its lanes, which it must have."""
    assert tensor.lanes is not None
    return tensor.lanes


def key_of(fingerprint: Fingerprint, kind: KeyKind) -> bytes:
    """One key of a component."""
    return next(key.key for key in component_keys(fingerprint) if key.kind is kind)


def normal(shape: tuple[int, ...], seed: int, *, scale: float = 0.02) -> npt.NDArray[np.float32]:
    """f32 values around zero."""
    values: npt.NDArray[np.float32] = np.random.default_rng(seed).standard_normal(shape, np.float32) * np.float32(scale)
    return values
