"""Subjects of a few small tensors with their digests, for tests of what digests and verdicts say."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from ml_dtypes import bfloat16

from catalog.fingerprints.base import Fingerprint, Samples, TensorPrint
from catalog.formats.base import TensorInfo
from catalog.hashing.tensors import tensor_digest, tensors_v1, weights_v1
from catalog.matching.base import Subject

if TYPE_CHECKING:
    from collections.abc import Mapping

    import numpy.typing as npt

    from catalog.formats.base import Json

    Array = npt.NDArray[np.generic]
    Parts = Mapping[str, Mapping[str, Array]]

BRAIN = np.dtype(bfloat16)
_TYPES = {
    np.dtype(np.float32): "F32",
    np.dtype(np.float16): "F16",
    BRAIN: "BF16",
    np.dtype(np.int64): "I64",
    np.dtype(np.int8): "I8",
}


def values(*shape: int, seed: int = 0) -> npt.NDArray[np.float32]:
    """Weights as training leaves them."""
    return np.random.default_rng(seed).normal(0, 0.02, shape).astype(np.float32)


def _td(array: Array) -> bytes:
    return tensor_digest(_TYPES[array.dtype], array.size, array.tobytes())


def printed(name: str, array: Array) -> TensorPrint:
    """Its digests, and all values of a small one; no keys."""
    wide = array.dtype == np.float32
    small = array.size < 64
    numbers = array.astype(np.float64).ravel() if small else np.empty(0)
    half, brain = array.astype(np.float16), array.astype(BRAIN)
    return TensorPrint(
        name,
        _TYPES[array.dtype],
        array.shape,
        _td(array)[:16],
        _td(half)[:16] if wide or array.dtype == np.float16 else b"",
        _td(brain)[:16] if wide or array.dtype == BRAIN else b"",
        exact_f16=bool(np.array_equal(half.astype(np.float32), array.astype(np.float32))),
        exact_bf16=bool(np.array_equal(brain.astype(np.float32), array.astype(np.float32))),
        samples=Samples(numbers, numbers, numbers),
    )


def subject(
    parts: Parts,
    *,
    label: str = "",
    content: bytes | None = None,
    settings: Mapping[str, Json] | None = None,
    metadata: Mapping[str, Json] | None = None,
    files: Mapping[str, bytes] | None = None,
    whole: bool = True,
) -> Subject:
    """A variant with these parts; `whole`: with the digests of the whole."""
    named = [
        (TensorInfo(name, _TYPES[array.dtype], array.shape, 0, array.nbytes), _td(array))
        for tensors in parts.values()
        for name, array in tensors.items()
    ]
    digests = {"tensors:v1": tensors_v1(named), "weights:v1": weights_v1(named)} if whole else {}
    return Subject(
        label,
        content,
        whole={name: digest for name, digest in digests.items() if digest is not None},
        components=tuple(
            Fingerprint(part, tuple(printed(name, tensors[name]) for name in sorted(tensors)))
            for part, tensors in sorted(parts.items())
        ),
        settings=settings or {},
        metadata=metadata or {},
        files=files or {},
    )


def network(layers: int = 3, seed: int = 0, *, width: int = 24) -> dict[str, npt.NDArray[np.float32]]:
    """A few layers with two matrices and a norm each."""
    found = {}
    for layer in range(layers):
        for at, kind in enumerate(("attn", "mlp")):
            found[f"layers.{layer}.{kind}.weight"] = values(width, width + at, seed=seed * 1000 + layer * 10 + at)
        found[f"layers.{layer}.norm.weight"] = 1 + values(width, seed=seed * 1000 + layer * 10 + 5)
    return found


def renamed(tensors: Mapping[str, Array]) -> dict[str, Array]:
    """The same under the names of another program."""
    words = {"layers.": "blk_", ".attn.": ".attention.self.", ".mlp.": ".ffn.", ".norm.": ".ln."}
    found = {}
    for name, array in tensors.items():
        other = name
        for word, replacement in words.items():
            other = other.replace(word, replacement)
        found[other] = array
    return found
