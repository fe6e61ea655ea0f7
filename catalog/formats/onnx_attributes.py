"""One attribute of an ONNX node: the tensors, numbers and graphs in it. The rules are those of `onnx.checker`.

Whether the indices of a sparse tensor are in order is not looked at: that would be reading its values.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from catalog.formats.base import Stored, malformed
from catalog.formats.onnx_schema import ATTRIBUTE, ATTRIBUTE_VALUES, ELEMENTS, SPARSE_TENSOR
from catalog.formats.onnx_tensors import MAX_NAME, Stated, read_dims, read_tensor
from catalog.formats.protobuf import FLOATS, INTS, LENGTH

if TYPE_CHECKING:
    from catalog.formats.onnx_external import DataFiles
    from catalog.formats.protobuf import Wire

MAX_GRAPHS = 1000  # ours: graphs of one attribute; those that have several have a few

_NAME, _F, _I, _TENSOR, _GRAPH, _FLOATS, _INTS = 1, 2, 3, 5, 6, 7, 8
_TENSORS, _GRAPHS, _TYPE, _REFERENCE, _SPARSE, _SPARSES = 10, 11, 20, 21, 22, 23
_WANTED = frozenset((_NAME, _TYPE)) | frozenset(ATTRIBUTE_VALUES)
_REPEATED = frozenset((_FLOATS, _INTS, 9, _TENSORS, _GRAPHS, 15, _SPARSES))
_DATA = {_F: (ELEMENTS[1], FLOATS), _FLOATS: (ELEMENTS[1], FLOATS), _I: (ELEMENTS[7], INTS), _INTS: (ELEMENTS[7], INTS)}


class Sparse(NamedTuple):
    """A sparse tensor: its values, and where they belong."""

    values: Stated
    indices: Stated | None


class Attribute:
    """What one attribute holds. `numbers` have one range in the file; what has none is `in_pieces`."""

    def __init__(self) -> None:
        self.name = ""
        self.tensor: Stated | None = None
        self.sparse: Sparse | None = None
        self.numbers: Stated | None = None
        self.in_pieces = False
        self.graphs: list[tuple[int, int]] = []


class Attributes:
    """Reads attributes. Every tensor in them is checked, and its data is asked for among the files beside."""

    def __init__(self, wire: Wire, files: DataFiles) -> None:
        self._wire, self._files = wire, files

    def read(self, at: int, stop: int, depth: int) -> Attribute:
        """The attribute whose message lies there. Raises `MalformedFile`, `UnsupportedFormat`."""
        found = Attribute()
        seen: set[int] = set()
        kind = None
        self._wire.check_depth(depth, at)
        for tag, begin, end, value in self._wire.fields(ATTRIBUTE, at, stop, _WANTED, depth):
            number = tag >> 3
            if number in seen and number not in _REPEATED:
                raise malformed("A field of an attribute given twice", f"byte {begin}")
            seen.add(number)
            if number == _TYPE:
                kind = value
            elif number == _NAME:
                found.name = self._wire.text(begin, end, MAX_NAME)
            else:
                self._take(found, tag, begin, end, depth)
        values = seen - {_NAME, _TYPE}
        if not found.name or len(values) > 1 or any(kind != ATTRIBUTE_VALUES[number] for number in values):
            raise malformed("An attribute without a name, or whose type and value do not go together", f"byte {at}")
        return found

    def tensor(self, at: int, stop: int, depth: int) -> Stated:
        """A tensor."""
        found = read_tensor(self._wire, at, stop, depth)
        if found.outside is not None:
            self._files.number(found.outside, found.nbytes)
        return found

    def sparse(self, at: int, stop: int, depth: int) -> Sparse:
        """A sparse tensor, whose indices must go with its values."""
        parts: dict[int, Stated] = {}
        dims: list[int] = []
        self._wire.check_depth(depth, at)
        for tag, begin, end, value in self._wire.fields(SPARSE_TENSOR, at, stop, frozenset((1, 2, 3)), depth):
            if tag >> 3 == 3:
                read_dims(self._wire, dims, (tag, begin, end, value))
            elif tag >> 3 in parts:
                raise malformed("A sparse tensor with two sets of values", f"byte {at}")
            else:
                parts[tag >> 3] = self.tensor(begin, end, depth + 1)
        values, indices = parts.get(1), parts.get(2)
        if values is None or not dims or min(dims) <= 0 or not _fit(values, indices, len(dims)):
            raise malformed("A sparse tensor whose values, indices and shape do not go together", f"byte {at}")
        return Sparse(values, indices)

    def _take(self, found: Attribute, tag: int, at: int, stop: int, depth: int) -> None:
        number = tag >> 3
        if number in {_TENSOR, _TENSORS}:
            found.tensor = self.tensor(at, stop, depth + 1)
        elif number in {_SPARSE, _SPARSES}:
            found.sparse = self.sparse(at, stop, depth + 1)
        elif number in {_GRAPH, _GRAPHS}:
            found.graphs.append((at, stop))
            if len(found.graphs) > MAX_GRAPHS:
                raise malformed("An attribute with graphs without end", f"byte {at}")
        elif number in _DATA:
            self._take_numbers(found, tag, at, stop)
        else:
            self._wire.look_inside(ATTRIBUTE, tag, at, stop, depth)

    def _take_numbers(self, found: Attribute, tag: int, at: int, stop: int) -> None:
        number = tag >> 3
        element, kind = _DATA[number]
        count = self._wire.count(kind, at, stop) if tag & 7 == LENGTH else 1
        if found.numbers is not None or found.in_pieces or count is None:
            found.numbers, found.in_pieces = None, True
        else:
            stored = Stored(varint=True) if kind is INTS else None
            shape = (count,) if number in _REPEATED else ()
            found.numbers = Stated("", element.name, shape, at, stop - at, stored)


def _fit(values: Stated, indices: Stated | None, rank: int) -> bool:
    """As many indices as values, each a number or one for each dimension of the whole."""
    if len(values.shape) != 1:
        return False
    if indices is None:
        return values.shape == (0,)
    return indices.dtype == "I64" and indices.shape in {values.shape, (*values.shape, rank)}
