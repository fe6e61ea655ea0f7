"""Digests of what an F32 tensor becomes when it is rounded to f16 and to bf16: td of that tensor, were it stored.

They prove that a 16-bit tensor is the exact rounding of this one, also when this one's file is gone.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from blake3 import blake3

from catalog.hashing.tensors import prefix

if TYPE_CHECKING:
    from catalog.fingerprints.codes import Codes


class Twins:
    """Takes the codes of a tensor in order."""

    __slots__ = ("_bf16", "_f16", "_values")

    def __init__(self, values: int) -> None:
        self._values = values
        self._f16: blake3 | None = None
        self._bf16: blake3 | None = None

    def take(self, f16: Codes, bf16: Codes) -> None:
        """The codes of the next values; not kept."""
        if self._f16 is None or self._bf16 is None:
            self._f16, self._bf16 = _begun("F16", self._values, f16), _begun("BF16", self._values, bf16)
            return
        self._f16.update(f16.view(np.uint8).data)
        self._bf16.update(bf16.view(np.uint8).data)

    def digests(self) -> tuple[bytes, bytes]:
        """td as F16 and as BF16, 32 bytes each."""
        if self._f16 is None or self._bf16 is None:
            return blake3(prefix("F16", self._values)).digest(), blake3(prefix("BF16", self._values)).digest()
        return self._f16.digest(), self._bf16.digest()


def _begun(dtype: str, values: int, codes: Codes) -> blake3:
    """With the prefix joined to the first piece: fed alone it would slow all that follows."""
    return blake3(prefix(dtype, values) + codes.tobytes())
