"""ONNX: one protobuf with the graph and its weights, walked by offset; large weights may lie in files beside it.

Indexed are the initializers (dense, and the values and indices of sparse ones) and the values of Constant nodes: of the
graph, of the graphs in it (bodies of If, Loop and Scan), of local functions and of training graphs. Every tensor is
checked, also those in other attributes. The graph itself is not judged: whether operators exist, and nodes stand in
order, is for whoever runs it. Constants written as lists of numbers with a tag before each have no range of their own;
the metadata counts them as `constants_in_pieces`.
"""

from __future__ import annotations

from collections import Counter, deque
from typing import TYPE_CHECKING, NamedTuple, TypeAlias

from catalog.errors import UnsupportedFormat
from catalog.formats.base import Probe, SetMember, Source, TensorInfo, malformed
from catalog.formats.onnx_attributes import Attribute, Attributes, Sparse
from catalog.formats.onnx_external import DataFiles
from catalog.formats.onnx_metadata import Metadata
from catalog.formats.onnx_schema import FUNCTION, GRAPH, MODEL, NEWEST_IR, NODE, TRAINING
from catalog.formats.onnx_tensors import MAX_NAME, Stated
from catalog.formats.protobuf import Wire, signed
from catalog.formats.text import clean_name
from catalog.vocabulary import FindingCode, Format, Outcome

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from catalog.formats.protobuf import Field

MAX_TENSORS = 150_000  # ours: as many as the largest mixtures of experts have
MAX_GRAPHS = 50_000  # ours: graphs and functions of one file; the largest have some hundred
MAX_ATTRIBUTES = 10_000  # ours: attributes of one node; the largest have some twenty

_CONSTANT = b"Constant"
_OWN_DOMAINS = frozenset(("", "ai.onnx"))
_TRAINING = {1: "initialization", 2: "algorithm"}
_OF_GRAPH = frozenset((1, 2, 5, 11, 12, 15))
_OF_NODE = frozenset((2, 3, 4, 5, 7))


def read(source: Source, beside: Sequence[SetMember] = ()) -> Probe:
    """The index of one file. `beside` are the files with external data in its folder: `TensorInfo.file` counts them
    from 1, the file itself is 0. Tensors whose file is not among them are left out, and named by a problem.

    Raises `MalformedFile`, `UnsupportedFormat`.
    """
    files = DataFiles(beside)
    reading = _Reading(source, files)
    reading.read_model(source.size)
    tensors = tuple(sorted(_placed(reading.found, files)))
    _expect(len({tensor.name for tensor in tensors}) == len(tensors), "Two tensors of one name", "the list of tensors")
    problems = tuple(files.problems())
    if files.unsafe:
        return Probe(Format.ONNX, Outcome.UNSAFE, (), reading.metadata.found, problems=problems)
    outcome = Outcome.INVALID if problems else Outcome.OK
    return Probe(Format.ONNX, outcome, tensors, reading.metadata.found, problems=problems)


_Span: TypeAlias = "tuple[int, int]"
"""Where something begins and ends in the file."""


class _Found(NamedTuple):
    """A tensor and the graph that it was found in: empty for the outermost."""

    graph: str
    tensor: Stated


class _Body(NamedTuple):
    """A graph or a function that is still to be read."""

    name: str
    at: int
    stop: int
    depth: int
    function: bool = False


class _Reading:
    """One walk through a file. Graphs wait in a queue for their turn, however deep they lie."""

    def __init__(self, source: Source, files: DataFiles) -> None:
        self.wire = Wire(source)
        self.metadata = Metadata(self.wire)
        self.found: list[_Found] = []
        self._attributes = Attributes(self.wire, files)
        self._bodies: deque[_Body] = deque()
        self._waited = 0

    def read_model(self, size: int) -> None:
        """The model and all that is in it."""
        once: dict[int, int] = {}
        for field in self.wire.fields(MODEL, 0, size, frozenset(MODEL.known), 0):
            self._of_model(field, once)
        version = signed(once.get(1, 0))
        if version > NEWEST_IR:
            raise UnsupportedFormat(FindingCode.UNSUPPORTED, format=f"ONNX with IR version {version}")
        _expect(version > 0 and 7 in once, "No ONNX file: it states no version, or no graph", "the whole file")
        self.metadata.check_opsets(version)
        while self._bodies:
            self._read_body(self._bodies.popleft())

    def _of_model(self, field: Field, once: dict[int, int]) -> None:
        tag, at, stop, value = field
        number = tag >> 3
        if number in {1, 5, 7}:
            _expect(number not in once, f"Field {number} of the model given twice", f"byte {at}")
            once[number] = value
        if number == 7:
            self._wait_for(_Body("", at, stop, 1))
        elif number == 20:
            self._read_training(at, stop)
        elif number == 25:
            self._wait_for(_Body(self._function_name(at, stop), at, stop, 1, function=True))
        else:
            self.metadata.of_model(field)

    def _read_training(self, at: int, stop: int) -> None:
        for tag, begin, end, _ in self.wire.fields(TRAINING, at, stop, frozenset(_TRAINING), 1):
            self._wait_for(_Body(f"training.{_TRAINING[tag >> 3]}", begin, end, 2))

    def _function_name(self, at: int, stop: int) -> str:
        texts = {10: "", 1: "", 13: ""}
        for tag, begin, end, _ in self.wire.fields(FUNCTION, at, stop, frozenset(texts), 1):
            texts[tag >> 3] = self.wire.text(begin, end, MAX_NAME)
        _expect(texts[1] != "", "A function without a name", f"byte {at}")
        return "::".join(filter(None, texts.values()))

    def _wait_for(self, body: _Body) -> None:
        self._waited += 1
        if self._waited > MAX_GRAPHS:
            raise malformed(f"More than {MAX_GRAPHS:,} graphs", f"byte {body.at}")
        self._bodies.append(body)

    def _read_body(self, body: _Body) -> None:
        self.wire.check_depth(body.depth, body.at)
        if body.function:
            self._read_function(body)
        else:
            self._read_graph(body)

    def _read_function(self, body: _Body) -> None:
        for tag, at, stop, _ in self.wire.fields(FUNCTION, body.at, body.stop, frozenset((7, 11)), body.depth):
            if tag >> 3 == 7:
                self._read_node(body, at, stop)
            else:
                found = self._attributes.read(at, stop, body.depth + 1)
                self._queue(body, found.name, found.graphs, body.depth + 2)

    def _read_graph(self, body: _Body) -> None:
        named = False
        outermost = not body.name
        for field in self.wire.fields(GRAPH, body.at, body.stop, _OF_GRAPH, body.depth):
            tag, at, stop, _ = field
            number = tag >> 3
            if number == 1:
                self._read_node(body, at, stop)
            elif number == 2:
                named = stop > at
                if outermost:
                    self.metadata.graph_name(at, stop)
            elif number == 5:
                self._add(body, self._attributes.tensor(at, stop, body.depth + 1))
            elif number == 15:
                self._add_sparse(body, self._attributes.sparse(at, stop, body.depth + 1))
            else:
                self.metadata.value(field, body.depth + 1, keep=outermost)
        _expect(named, "A graph without a name", f"byte {body.at}")

    def _read_node(self, body: _Body, at: int, stop: int) -> None:
        depth = body.depth + 1
        self.wire.check_depth(depth, at)
        texts, attributes = self._of_node(at, stop, depth)
        constant = self._is_constant(texts)
        name = self._text(texts, 2) if constant else ""
        if constant and not name:
            raise malformed("A Constant without an output", f"byte {at}")
        for begin, end in attributes:
            found = self._attributes.read(begin, end, depth + 1)
            if constant:
                self._add_constant(body, name, found)
            if found.graphs:
                label = self._text(texts, 2) or self._text(texts, 3)
                self._queue(body, f"{label}.{found.name}", found.graphs, depth + 2)

    def _of_node(self, at: int, stop: int, depth: int) -> tuple[dict[int, _Span], list[_Span]]:
        """Where its first output, name, operator and domain lie, and its attributes."""
        texts: dict[int, _Span] = {}
        attributes: list[_Span] = []
        for tag, begin, end, _ in self.wire.fields(NODE, at, stop, _OF_NODE, depth):
            number = tag >> 3
            if number == 5:
                attributes.append((begin, end))
            elif number != 2 or 2 not in texts:
                texts[number] = begin, end
            if len(attributes) > MAX_ATTRIBUTES:
                raise malformed("A node with attributes without end", f"byte {at}")
        return texts, attributes

    def _is_constant(self, texts: Mapping[int, _Span]) -> bool:
        """By operator and domain; lengths are compared first, since this is asked of every node."""
        at, stop = texts.get(4, (0, 0))
        if stop - at != len(_CONSTANT) or self.wire.raw(at, stop) != _CONSTANT:
            return False
        return self._text(texts, 7) in _OWN_DOMAINS

    def _text(self, texts: Mapping[int, _Span], number: int) -> str:
        return self.wire.text(*texts[number], MAX_NAME) if number in texts else ""

    def _queue(self, body: _Body, name: str, graphs: Sequence[tuple[int, int]], depth: int) -> None:
        for count, (at, stop) in enumerate(graphs):
            own = f"{name}[{count}]" if len(graphs) > 1 else name
            self._wait_for(_Body(f"{body.name}/{own}" if body.name else own, at, stop, depth))

    def _add_constant(self, body: _Body, name: str, found: Attribute) -> None:
        if found.tensor is not None:
            self._add(body, found.tensor._replace(name=name))
        elif found.sparse is not None:
            self._add_sparse(body, found.sparse, name)
        elif found.numbers is not None:
            self._add(body, found.numbers._replace(name=name))
        elif found.in_pieces:
            self.metadata.count_pieces()

    def _add_sparse(self, body: _Body, sparse: Sparse, name: str = "") -> None:
        name = name or sparse.values.name
        self._add(body, sparse.values._replace(name=name))
        if sparse.indices is not None:
            self._add(body, sparse.indices._replace(name=f"{name}.indices"))

    def _add(self, body: _Body, tensor: Stated) -> None:
        if not tensor.name:
            raise malformed("An initializer without a name", f"byte {tensor.at}")
        if len(self.found) >= MAX_TENSORS:
            raise malformed(f"More than {MAX_TENSORS:,} tensors", f"byte {tensor.at}")
        if not tensor.is_text:
            self.found.append(_Found(body.name, tensor))


def _placed(found: Sequence[_Found], files: DataFiles) -> Iterator[TensorInfo]:
    """The tensors that are there. A name that several graphs use is the outermost's alone, others' with their graph."""
    times = Counter(item.tensor.name for item in found)
    for graph, tensor in found:
        name = f"{graph}/{tensor.name}" if graph and times[tensor.name] > 1 else tensor.name
        number = files.number(tensor.outside, tensor.nbytes) if tensor.outside is not None else 0
        if number is not None:
            yield TensorInfo(
                clean_name(name), tensor.dtype, tensor.shape, tensor.at, tensor.nbytes, number, tensor.stored
            )


def _expect(condition: object, what: str, place: str) -> None:
    if not condition:
        raise malformed(what, place)
