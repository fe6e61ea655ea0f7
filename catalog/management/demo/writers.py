"""Writers of safetensors and GGUF files, as small as the formats allow."""

from __future__ import annotations

import json
import struct
from typing import TYPE_CHECKING, NamedTuple, TypeAlias

from catalog.formats.ggml import TYPES

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from catalog.management.demo.arrays import Array

DTYPES: Mapping[str, str] = {
    "bool": "BOOL",
    "uint8": "U8",
    "int8": "I8",
    "uint16": "U16",
    "int16": "I16",
    "float16": "F16",
    "bfloat16": "BF16",
    "uint32": "U32",
    "int32": "I32",
    "float32": "F32",
    "uint64": "U64",
    "int64": "I64",
    "float64": "F64",
    "complex64": "C64",
    "float8_e4m3fn": "F8_E4M3",
    "float8_e5m2": "F8_E5M2",
    "float8_e8m0fnu": "F8_E8M0",
}
"""numpy's (and ml_dtypes') names for the dtypes of safetensors."""

_GGML = {block.name: number for number, block in TYPES.items()}

Value: TypeAlias = "str | bool | int | float | Sequence[str] | Sequence[int] | Sequence[float]"


class Packed(NamedTuple):
    """A tensor in a GGUF type: its shape in C order and its bytes."""

    dtype: str
    shape: tuple[int, ...]
    raw: bytes


def safetensors(tensors: Mapping[str, Array], metadata: Mapping[str, str] | None = None) -> bytes:
    """The bytes of a safetensors file; tensors in the order given, the header padded to 8 bytes as usual."""
    header: dict[str, object] = {"__metadata__": dict(metadata)} if metadata else {}
    offset = 0
    for name, array in tensors.items():
        end = offset + array.nbytes
        header[name] = {"dtype": DTYPES[array.dtype.name], "shape": list(array.shape), "data_offsets": [offset, end]}
        offset = end
    text = json.dumps(header, separators=(",", ":"), ensure_ascii=False).encode()
    text += b" " * (-len(text) % 8)
    return b"".join([struct.pack("<Q", len(text)), text, *(array.tobytes() for array in tensors.values())])


def gguf(
    tensors: Mapping[str, Array | Packed], metadata: Mapping[str, Value], *, alignment: int = 32, version: int = 3
) -> bytes:
    """The bytes of a GGUF file; arrays by their dtype, `Packed` as they are."""
    packed = {name: _packed(tensor) for name, tensor in tensors.items()}
    parts = [b"GGUF", struct.pack("<IQQ", version, len(packed), len(metadata))]
    parts += [_string(key) + _value(value) for key, value in metadata.items()]
    offset = 0
    for name, tensor in packed.items():
        dims = struct.pack(f"<I{len(tensor.shape)}Q", len(tensor.shape), *reversed(tensor.shape))
        parts.append(_string(name) + dims + struct.pack("<IQ", _GGML[tensor.dtype], offset))
        offset += len(tensor.raw) + -len(tensor.raw) % alignment
    parts.append(b"\0" * (-sum(map(len, parts)) % alignment))
    for tensor in packed.values():
        parts += [tensor.raw, b"\0" * (-len(tensor.raw) % alignment)]
    return b"".join(parts)


def _packed(tensor: Array | Packed) -> Packed:
    if isinstance(tensor, Packed):
        return tensor
    return Packed(DTYPES[tensor.dtype.name], tensor.shape, tensor.tobytes())


def _string(text: str) -> bytes:
    raw = text.encode()
    return struct.pack("<Q", len(raw)) + raw


def _value(value: Value) -> bytes:
    if isinstance(value, (list, tuple)):
        kind, _ = _scalar(value[0])
        return struct.pack("<IIQ", 9, kind, len(value)) + b"".join(_items(value))
    kind, raw = _scalar(value)
    return struct.pack("<I", kind) + raw


def _items(values: Iterable[object]) -> Iterable[bytes]:
    return (_scalar(value)[1] for value in values)


def _scalar(value: object) -> tuple[int, bytes]:
    """Number of the type, and the bytes: whole numbers as u32 where they fit, others as i64, fractions as f32."""
    if isinstance(value, str):
        return 8, _string(value)
    if isinstance(value, bool):
        return 7, struct.pack("<?", value)
    if isinstance(value, int):
        return (4, struct.pack("<I", value)) if 0 <= value < 1 << 32 else (11, struct.pack("<q", value))
    if isinstance(value, float):
        return 6, struct.pack("<f", value)
    raise TypeError(f"GGUF has no type for {type(value).__name__}")
