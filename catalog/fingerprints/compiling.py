"""What the compiled loops are made with.

Compiled code is kept beside its source or in the user's cache folder; where neither can be written, each process
compiles for itself. Casts to f16 are the processor's own: `casts` says whether it has them.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeVar

import numba
from llvmlite import binding, ir
from numba import types
from numba.extending import intrinsic

if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    Function = TypeVar("Function", bound=Callable[..., Any])


def casts() -> bool:
    """Whether this processor rounds to f16 by itself."""
    machine = binding.get_process_triple().partition("-")[0]
    return machine in {"aarch64", "arm64"} or bool(binding.get_host_cpu_features().get("f16c"))


def compiled(function: Function) -> Function:
    """A decorator: the function in machine code, kept on the disk where there is a place for it."""
    try:
        return numba.njit(nogil=True, error_model="numpy", cache=True)(function)  # type: ignore[return-value] # callable all the same
    except RuntimeError:  # no folder to keep it in
        return numba.njit(nogil=True, error_model="numpy")(function)  # type: ignore[return-value] # callable all the same


def _half(_context: object, _value: object) -> object:
    """uint16 code of a float32."""

    def made(_target: object, builder: Any, _signature: object, given: Any) -> object:
        return builder.bitcast(builder.fptrunc(given[0], ir.HalfType()), ir.IntType(16))

    return types.uint16(types.float32), made


def _single(_context: object, _code: object) -> object:
    """float32 of a uint16 code."""

    def made(_target: object, builder: Any, _signature: object, given: Any) -> object:
        return builder.fpext(builder.bitcast(given[0], ir.HalfType()), ir.FloatType())

    return types.float32(types.uint16), made


to_f16: Any = intrinsic(_half)
"""uint16 code of a float32, in compiled code."""
of_f16: Any = intrinsic(_single)
"""float32 of a uint16 code, in compiled code."""
