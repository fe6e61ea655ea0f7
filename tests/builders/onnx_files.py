"""A writer of ONNX files, as small as the format allows; and of protobuf, right and wrong."""

from __future__ import annotations

from typing import TYPE_CHECKING

from catalog.formats.onnx_schema import ELEMENTS
from catalog.formats.onnx_tensors import varints
from catalog.management.demo.writers import DTYPES

if TYPE_CHECKING:
    from collections.abc import Mapping

    from catalog.formats import TensorInfo
    from catalog.management.demo.arrays import Array

TYPES = {element.name: number for number, element in ELEMENTS.items()}


def varint(value: int) -> bytes:
    """A number of 64 bits; negative ones as their complement."""
    value &= (1 << 64) - 1
    found = bytearray()
    while value > 127:
        found.append(value & 127 | 128)
        value >>= 7
    return bytes((*found, value))


def number(field: int, value: int) -> bytes:
    """A field with a number."""
    return varint(field << 3) + varint(value)


def part(field: int, *payload: bytes | str) -> bytes:
    """A field with a length: text, bytes, or the fields of a message."""
    whole = b"".join(piece.encode() if isinstance(piece, str) else piece for piece in payload)
    return varint(field << 3 | 2) + varint(len(whole)) + whole


def tensor(name: str, array: Array) -> bytes:
    """The fields of a tensor with its values in `raw_data`."""
    return _stated(name, array) + part(9, array.tobytes())


def outside(name: str, array: Array, notes: Mapping[str, str]) -> bytes:
    """The fields of a tensor whose values lie in another file."""
    return _stated(name, array) + b"".join(_note(13, *note) for note in notes.items()) + number(14, 1)


def graph(*tensors: bytes, nodes: bytes = b"") -> bytes:
    """The fields of a graph."""
    return nodes + part(2, "g") + b"".join(part(5, one) for one in tensors)


def node(operator: str, *fields: bytes, output: str = "") -> bytes:
    """A node of a graph, with further fields."""
    return part(1, part(2, output), part(4, operator), *fields)


def model(body: bytes, version: int = 8) -> bytes:
    """A whole file around the fields of a graph."""
    return number(1, version) + part(2, "tests") + part(7, body) + part(8, part(1, ""), number(2, 17))


def onnx(tensors: Mapping[str, Array]) -> bytes:
    """A file with these initializers."""
    return model(graph(*(tensor(name, array) for name, array in tensors.items())))


def onnx_with_data(tensors: Mapping[str, Array], location: str) -> tuple[bytes, bytes]:
    """The same, the values in another file, each at the next multiple of 64."""
    stated, data = [], b""
    for name, array in tensors.items():
        data += bytes(-len(data) % 64)
        notes = {"location": location, "offset": str(len(data)), "length": str(array.nbytes)}
        stated.append(outside(name, array, notes))
        data += array.tobytes()
    return model(graph(*stated)), data


def _stated(name: str, array: Array) -> bytes:
    kind = TYPES[DTYPES[array.dtype.name]]
    return b"".join(number(1, length) for length in array.shape) + number(2, kind) + part(8, name)


def _note(field: int, key: str, value: str) -> bytes:
    return part(field, part(1, key), part(2, value))


def stored_values(content: bytes, found: TensorInfo) -> bytes:
    """The values of a tensor as they would lie plainly: little-endian, in C order, packed."""
    raw = content[found.offset : found.offset + found.nbytes]
    if found.stored is None:
        return raw
    bits = next(element.bits for element in ELEMENTS.values() if element.name == found.dtype)
    width = max(bits // 8, 1)
    return b"".join((value % (1 << 8 * width)).to_bytes(width, "little") for value in varints(raw))
