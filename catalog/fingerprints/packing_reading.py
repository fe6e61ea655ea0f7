"""Takes a packed fingerprint apart, piece by piece; more than is there is never believed to be."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Mapping

    import numpy.typing as npt

DAMAGED = "this packed fingerprint is damaged"


class Reading:
    """Bytes taken from front to back; every method raises ValueError where too few are left."""

    def __init__(self, data: bytes) -> None:
        self._data = data
        self._at = 0

    def take(self, length: int) -> bytes:
        """The next bytes."""
        if length < 0 or length > len(self._data) - self._at:
            raise ValueError(DAMAGED)
        self._at += length
        return self._data[self._at - length : self._at]

    def array(self, kind: str, count: int) -> npt.NDArray[Any]:
        """The next `count` numbers, of a NumPy type such as `<u2`."""
        return np.frombuffer(self.take(np.dtype(kind).itemsize * count), kind)

    def document(self, length: int) -> Mapping[str, object]:
        """The next bytes as a JSON object."""
        try:
            found = json.loads(self.take(length))
        except (UnicodeDecodeError, RecursionError) as error:
            raise ValueError(DAMAGED) from error
        if not isinstance(found, dict):
            raise ValueError(DAMAGED)  # noqa: TRY004 - not the caller's mistake
        return found

    def end(self) -> None:
        """Nothing may be left."""
        if self._at != len(self._data):
            raise ValueError(DAMAGED)
