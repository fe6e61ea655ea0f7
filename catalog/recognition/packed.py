"""How many weights a packed tensor holds, and of what sort: each scheme of quantisation packs in its own way.

Each function is asked of a tensor by its name; it gives the sort (`I4`: integers of four bits, `NF4`, `F4`) and the
number of weights, or None where the tensor is not packed.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeAlias, TypeGuard

if TYPE_CHECKING:
    from collections.abc import Callable

    from catalog.formats.base import Json, TensorInfo
    from catalog.recognition.facts import Facts

Counted: TypeAlias = "tuple[str, int] | None"
Packer: TypeAlias = "Callable[[Facts, str, TensorInfo], Counted]"

_WORD = 32
_BYTE = 8
_WIDTHS = range(1, _WORD + 1)
_FOUR_BITS = ("absmax", "quant_map", "quant_state.bitsandbytes__nf4", "quant_state.bitsandbytes__fp4")
_TILE = 16  # exllamav3 quantises tiles of 16 x 16
_HQQ_3 = 10  # HQQ packs ten values of three bits into an int32


def stated_bits(facts: Facts) -> int:
    """Bits of a weight, as a configuration or the header states them; 0 where nothing does."""
    config = facts.says("config.json:quantization_config")
    told = [
        *(_inner(config, *path) for path in _PLACES),
        facts.says("quantize_config.json:bits"),
        facts.says("quantize_config.json:w_bit"),
    ]
    return next((int(bits) for bits in told if _is_width(bits)), 0)


def _is_width(bits: Json) -> TypeGuard[int | float]:
    return isinstance(bits, int | float) and not isinstance(bits, bool) and bits in _WIDTHS


_PLACES = (
    ("bits",),
    ("w_bit",),
    ("nbits",),
    ("config_groups", "group_0", "weights", "num_bits"),
    ("quant_config", "weight_quant_params", "nbits"),
)


def gptq(facts: Facts, name: str, tensor: TensorInfo) -> Counted:
    """`qweight` is (inputs x bits / 32) x outputs."""
    if not name.endswith(".qweight") or len(tensor.shape) != 2:
        return None
    return _words(tensor, _gptq_bits(facts, name[: -len("qweight")], tensor) or stated_bits(facts) or 4)


def _gptq_bits(facts: Facts, stem: str, tensor: TensorInfo) -> int:
    order, zeros = facts.tensors.get(f"{stem}g_idx"), facts.tensors.get(f"{stem}qzeros")
    if order is not None and order.values:
        return _whole(_WORD * tensor.shape[0], order.values)
    if zeros is not None and len(zeros.shape) == len(tensor.shape):
        return _whole(_WORD * zeros.shape[1], tensor.shape[1])
    return 0


def awq(facts: Facts, name: str, tensor: TensorInfo) -> Counted:
    """`qweight` is inputs x (outputs x bits / 32), `scales` groups x outputs."""
    if not name.endswith(".qweight") or len(tensor.shape) != 2:
        return None
    scales = facts.tensors.get(f"{name[: -len('qweight')]}scales")
    outputs = scales.shape[-1] if scales is not None and scales.shape else 0
    return _words(tensor, _whole(_WORD * tensor.shape[1], outputs) or stated_bits(facts) or 4)


def bitsandbytes(facts: Facts, name: str, tensor: TensorInfo) -> Counted:
    """Two values a byte, beside their `absmax`."""
    if not any(f"{name}.{beside}" in facts.tensors for beside in _FOUR_BITS):
        return None
    return "F4" if f"{name}.quant_state.bitsandbytes__fp4" in facts.tensors else "NF4", 2 * tensor.values


def two_a_byte(facts: Facts, name: str, tensor: TensorInfo) -> Counted:
    """nvfp4 and mxfp4: bytes beside their scales."""
    if tensor.dtype not in {"U8", "I8"}:
        return None
    stem = name.rpartition(".")[0]
    beside = (f"{stem}.weight_scale_2", f"{stem}.weight_global_scale", f"{stem}.weight_scale", _scales(name))
    return ("F4", 2 * tensor.values) if any(other in facts.tensors for other in beside) else None


def _scales(name: str) -> str:
    return f"{name.removesuffix('_blocks')}_scales" if name.endswith("_blocks") else ""


def compressed(facts: Facts, name: str, tensor: TensorInfo) -> Counted:
    """`weight_packed`: int32 of integers, or bytes of two fp4 each."""
    if not name.endswith(".weight_packed"):
        return None
    return _words(tensor, stated_bits(facts) or 4) if tensor.dtype == "I32" else ("F4", 2 * tensor.values)


def hqq(facts: Facts, name: str, tensor: TensorInfo) -> Counted:
    """`W_q` packs bytes; three bits ten to an int32."""
    if not name.endswith(".W_q"):
        return None
    if tensor.dtype == "I32":
        return "I3", _HQQ_3 * tensor.values
    bits = stated_bits(facts) or 4
    return f"I{bits}", tensor.values * (_BYTE // bits if bits <= _BYTE else 1)


def exl2(facts: Facts, name: str, tensor: TensorInfo) -> Counted:
    """`q_weight` packs columns; `q_invperm` has a value for each input. The width differs from row to row."""
    order = facts.tensors.get(f"{name[: -len('q_weight')]}q_invperm") if name.endswith(".q_weight") else None
    if order is None or not tensor.shape or not order.values * tensor.shape[-1]:
        return None
    weights = order.values * tensor.shape[-1]
    if not tensor.values * _WORD // _BYTE <= weights <= tensor.values * _WORD:  # between one bit a weight and eight
        return None
    return f"I{round(_WORD * tensor.values / weights)}", weights


def exl3(_facts: Facts, name: str, tensor: TensorInfo) -> Counted:
    """`trellis` is (inputs / 16) x (outputs / 16) x (16 x bits)."""
    if not name.endswith(".trellis") or len(tensor.shape) != 3:
        return None
    return f"I{tensor.shape[2] // _TILE}", tensor.shape[0] * tensor.shape[1] * _TILE * _TILE


def nunchaku(facts: Facts, name: str, tensor: TensorInfo) -> Counted:
    """`qweight`: two values a byte, or eight an int32."""
    if not name.endswith(".qweight"):
        return None
    scales = facts.tensors.get(f"{name[: -len('qweight')]}wscales")
    sort = "F4" if scales is not None and scales.dtype.startswith("F8") else "I4"
    return sort, tensor.values * (8 if tensor.dtype == "I32" else 2)


def bytes_of_bits(facts: Facts, _name: str, tensor: TensorInfo) -> Counted:
    """As many to a byte as the stated bits allow (SDNQ)."""
    stated = facts.says("config.json:quantization_config")
    sort = stated.get("weights_dtype") if isinstance(stated, dict) else None
    bits = int(sort[-1]) if isinstance(sort, str) and sort[-1:].isdecimal() else 0
    if tensor.dtype != "U8" or not 0 < bits < _BYTE:
        return None
    return f"I{bits}", tensor.values * _BYTE // bits


def bitnet(_facts: Facts, _name: str, tensor: TensorInfo) -> Counted:
    """Four values of -1, 0 and 1 a byte."""
    return ("I2", 4 * tensor.values) if tensor.dtype == "U8" else None


def quanto(_facts: Facts, name: str, tensor: TensorInfo) -> Counted:
    """Whole bytes; two values a byte where the data lies one level deeper."""
    return ("I4", 2 * tensor.values) if name.endswith("._data._data") else None


def onnx_blocks(_facts: Facts, name: str, tensor: TensorInfo) -> Counted:
    """The weights of MatMulNBits: two values a byte."""
    return ("I4", 2 * tensor.values) if name.endswith(("_Q4", "_Q4G32")) and tensor.dtype in {"U8", "I8"} else None


def _words(tensor: TensorInfo, bits: int) -> tuple[str, int]:
    return f"I{bits}", tensor.values * _WORD // bits


def _whole(numerator: int, denominator: int) -> int:
    """The quotient, where it is a possible number of bits."""
    found = numerator // denominator if denominator else 0
    return found if found in _WIDTHS and found * denominator == numerator else 0


def _inner(value: Json, *keys: str) -> Json:
    for key in keys:
        value = value.get(key) if isinstance(value, dict) else None
    return value
