"""One word from a worker to the processes of its pool: stop at the next block and give back what you hold.

The pool is forked from the worker, so both see the same byte.
"""

from __future__ import annotations

import mmap

_BYTE = mmap.mmap(-1, 1)


def ask() -> None:
    """Tells this process and those forked from it since it was started."""
    _BYTE[0] = 1


def asked() -> bool:
    """Was this process, or the one it was forked from, told to stop?"""
    return _BYTE[0] != 0
