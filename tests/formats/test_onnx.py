"""The ONNX reader, beside ONNX's own library."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import numpy as np
import onnx as oracle
import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from onnx import TensorProto, checker, helper, numpy_helper

from catalog.errors import MalformedFile, UnsupportedFormat
from catalog.formats import onnx, onnx_attributes, probe_file
from catalog.formats.sniffing import sniff
from catalog.vocabulary import Format, Outcome
from tests.builders import MemorySource
from tests.builders.changes import CHANGES, changed
from tests.builders.onnx_files import graph, model, node, number, part, stored_values, tensor
from tests.builders.onnx_files import onnx as write

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from onnx import GraphProto, ModelProto, NodeProto

    from catalog.formats import Probe

MATRIX = np.arange(6, dtype=np.float32).reshape(2, 3)
VECTOR = np.arange(3, dtype=np.int64)


def proto(
    tensors: Sequence[TensorProto] = (), nodes: Sequence[NodeProto] = (), functions: Sequence[oracle.FunctionProto] = ()
) -> ModelProto:
    """A model made by ONNX's own helpers."""
    body = helper.make_graph(nodes, "g", [], [], list(tensors))
    return helper.make_model(body, producer_name="tests", functions=list(functions))


def constant(output: str, array: np.ndarray = MATRIX) -> NodeProto:
    return helper.make_node("Constant", [], [output], value=numpy_helper.from_array(array, "inner"))


def body(name: str, *nodes: NodeProto, tensors: Sequence[TensorProto] = ()) -> GraphProto:
    return helper.make_graph(nodes, name, [], [], list(tensors))


def choice(output: str, then: GraphProto, otherwise: GraphProto) -> NodeProto:
    return helper.make_node("If", ["c"], [output], then_branch=then, else_branch=otherwise)


def read(content: bytes, name: bytes = b"a.onnx") -> Probe:
    return onnx.read(MemorySource(content, name))


def refuse(content: bytes) -> MalformedFile:
    with pytest.raises(MalformedFile) as asked:
        read(content)
    assert str(asked.value)
    return asked.value


def names(made: ModelProto) -> list[str]:
    probe = read(made.SerializeToString())
    assert probe.outcome is Outcome.OK
    return [found.name for found in probe.tensors]


def test_initializers_and_constants_are_indexed() -> None:
    made = proto([numpy_helper.from_array(MATRIX, "w"), numpy_helper.from_array(VECTOR, "v")], [constant("c")])
    content = made.SerializeToString()
    probe = read(content)
    assert (probe.format, probe.outcome, probe.problems) == (Format.ONNX, Outcome.OK, ())
    assert [(found.name, found.dtype, found.shape, found.file) for found in probe.tensors] == [
        ("c", "F32", (2, 3), 0),
        ("v", "I64", (3,), 0),
        ("w", "F32", (2, 3), 0),
    ]
    assert [stored_values(content, found) for found in probe.tensors] == [
        MATRIX.tobytes(),
        VECTOR.tobytes(),
        MATRIX.tobytes(),
    ]


def test_our_own_writer_writes_what_onnx_reads() -> None:
    made = oracle.load_model_from_string(write({"w": MATRIX, "v": VECTOR}))
    checker.check_model(made)
    assert numpy_helper.to_array(made.graph.initializer[0]).tolist() == MATRIX.tolist()


def test_constants_may_be_single_numbers() -> None:
    nodes = [
        helper.make_node("Constant", [], ["int"], value_int=-300),
        helper.make_node("Constant", [], ["float"], value_float=1.5),
        helper.make_node("Constant", [], ["one"], value_ints=[7]),
        helper.make_node("Constant", [], ["text"], value_string="x"),
        helper.make_node("Constant", [], ["texts"], value=TensorProto(data_type=8, dims=[1], string_data=[b"x"])),
    ]
    content = proto(nodes=nodes).SerializeToString()
    probe = read(content)
    found = {one.name: (one.dtype, one.shape, stored_values(content, one)) for one in probe.tensors}
    assert found == {
        "int": ("I64", (), (-300).to_bytes(8, "little", signed=True)),
        "float": ("F32", (), np.float32(1.5).tobytes()),
        "one": ("I64", (1,), (7).to_bytes(8, "little")),
    }


def test_lists_of_numbers_in_pieces_are_counted_where_they_are_not_packed() -> None:
    nodes = [
        helper.make_node("Constant", [], ["a"], value_ints=[1, 2]),
        helper.make_node("Constant", [], ["b"], value_floats=[1, 2, 3]),
    ]
    probe = read(proto(nodes=nodes).SerializeToString())
    assert (probe.tensors, probe.metadata["constants_in_pieces"]) == ((), 2)
    packed = part(5, part(1, "value_ints"), part(8, b"\x01\xac\x02"), number(20, 7))
    (found,) = read(model(graph(nodes=node("Constant", packed, output="c")))).tensors
    assert (found.shape, found.nbytes) == ((2,), 3)


def test_bodies_of_control_flow_are_searched() -> None:
    inner = body("in", constant("deep"), tensors=[numpy_helper.from_array(MATRIX, "w2")])
    loop = helper.make_node("Loop", ["n"], ["l"], body=body("b", choice("x", inner, body("e", constant("other")))))
    assert names(proto([numpy_helper.from_array(MATRIX, "w")], [loop])) == ["deep", "other", "w", "w2"]


def test_a_name_of_several_graphs_is_told_apart_by_its_graph() -> None:
    twice = choice("y", body("t", constant("k")), body("e", constant("k")))
    deep = choice("z", body("t", choice("i", body("t", constant("k")), body("e", constant("w")))), body("e"))
    found = names(proto([numpy_helper.from_array(MATRIX, "w")], [twice, deep]))
    assert found == [
        "w",
        "y.else_branch/k",
        "y.then_branch/k",
        "z.then_branch/i.else_branch/w",
        "z.then_branch/i.then_branch/k",
    ]


def test_functions_are_searched() -> None:
    opsets = [helper.make_opsetid("", 17)]
    made = [
        helper.make_function("own", name, [], ["y"], [constant("k"), constant(f"of {name}")], opsets)
        for name in ("f", "h")
    ]
    assert names(proto(functions=made)) == ["of f", "of h", "own::f/k", "own::h/k"]


def test_constants_of_another_domain_are_not_searched() -> None:
    strange = helper.make_node("Constant", [], ["c"], domain="other", value=numpy_helper.from_array(MATRIX))
    assert names(proto(nodes=[strange])) == []


def sparse(indices: np.ndarray, dims: Sequence[int] = (3, 4)) -> oracle.SparseTensorProto:
    values = numpy_helper.from_array(np.ones(2, np.float32), "s")
    return helper.make_sparse_tensor(values, numpy_helper.from_array(indices, "i"), list(dims))


def test_sparse_initializers_are_their_values_and_indices() -> None:
    made = proto(nodes=[helper.make_node("Constant", [], ["c"], sparse_value=sparse(np.array([1, 5])))])
    made.graph.sparse_initializer.append(sparse(np.array([[0, 1], [2, 3]])))
    probe = read(made.SerializeToString())
    assert [(found.name, found.dtype, found.shape) for found in probe.tensors] == [
        ("c", "F32", (2,)),
        ("c.indices", "I64", (2,)),
        ("s", "F32", (2,)),
        ("s.indices", "I64", (2, 2)),
    ]


@pytest.mark.parametrize("indices", [np.array([1, 2, 3]), np.ones((2, 3), np.int64), np.ones(2, np.int32)])
def test_indices_must_go_with_their_values(indices: np.ndarray) -> None:
    made = proto()
    made.graph.sparse_initializer.append(sparse(indices))
    refuse(made.SerializeToString())


def test_metadata_says_who_made_it_and_what_goes_in() -> None:
    inputs = [helper.make_tensor_value_info("x", TensorProto.FLOAT16, ["batch", 3, None])]
    outputs = [helper.make_tensor_value_info("y", TensorProto.BOOL, None)]
    made = helper.make_model(helper.make_graph([], "net", inputs, outputs), producer_name="me", producer_version="1")
    made.domain, made.model_version, made.doc_string = "org.example", 3, "a\0b"
    made.metadata_props.add(key="author", value="\u00e9")
    found = read(made.SerializeToString()).metadata
    assert found == {
        "ir_version": made.ir_version,
        "producer_name": "me",
        "producer_version": "1",
        "domain": "org.example",
        "model_version": 3,
        "doc_string": "a\u2400b",
        "graph": "net",
        "opset_import": {"ai.onnx": made.opset_import[0].version},
        "metadata_props": {"author": "\u00e9"},
        "inputs": {"x": {"dtype": "F16", "shape": ["batch", 3, None]}},
        "outputs": {"y": {"dtype": "BOOL", "shape": None}},
    }
    json.dumps(found, allow_nan=False)


def test_long_notes_are_cut() -> None:
    made = proto()
    for count in range(60):
        made.metadata_props.add(key=str(count), value="x" * 300_000)
    found = read(made.SerializeToString()).metadata["metadata_props"]
    assert isinstance(found, dict)
    assert len(found) == 60
    assert sum(len(str(value)) for value in found.values()) < 5_000_000


def test_tensors_are_not_read() -> None:
    content = model(graph(*(tensor(f"w{count}", np.zeros(50_000, np.float32)) for count in range(20))))
    source = MemorySource(content, b"a.onnx")
    assert len(onnx.read(source).tensors) == 20
    assert source.bytes_read < 200_000


GOOD = tensor("w", MATRIX)


@pytest.mark.parametrize(
    "content",
    [
        b"",
        model(graph(GOOD))[2:],  # no version
        number(1, 8) + part(8, number(2, 17)),  # no graph
        number(1, 8) + part(7, graph()),  # no operator sets
        number(1, 2) + part(7, graph()) + part(8, number(2, 1)),  # operator sets before there were any
        model(graph(GOOD)) + part(7, graph()),  # a second graph
        model(graph(GOOD)) + number(1, 8),
        model(part(5, GOOD)),  # a graph without a name
        model(graph(GOOD, GOOD)),  # one name twice
        model(graph(GOOD, nodes=node("Constant", part(5, part(1, "value"), part(5, GOOD), number(20, 4)), output="w"))),
        model(graph(tensor("", MATRIX))),
        model(graph(tensor("w" * 5000, MATRIX))),
        model(graph(GOOD.replace(b"\x01w", b"\x01\xff"))),  # a name that is no text
        model(graph(nodes=node("Constant", part(5, part(1, "value"), part(5, GOOD), number(20, 4))))),  # no output
        model(graph(nodes=node("Add", part(5, part(1, "a"), number(3, 1), number(20, 1))))),  # a number as float
        model(graph(nodes=node("Add", part(5, part(1, "a"), number(3, 1))))),  # no type
        model(graph(nodes=node("Add", part(5, number(3, 1), number(20, 2))))),  # no name
        model(graph(nodes=node("Add", part(5, part(1, "a"), number(3, 1), part(4, "x"), number(20, 2))))),
        model(graph()) + part(14, part(1, "k"), part(2, "a")) + part(14, part(1, "k"), part(2, "b")),
        model(graph()) + part(25, part(10, "own")),  # a function without a name
        model(graph() + part(11, part(2))),  # an input without a name
    ],
)
def test_what_breaks_the_rules_is_refused(content: bytes) -> None:
    refuse(content)


def test_a_version_to_come_is_not_read_yet() -> None:
    with pytest.raises(UnsupportedFormat):
        read(model(graph(GOOD), version=oracle.IR_VERSION + 1))


def test_every_cut_is_noticed() -> None:
    nodes = [constant("c"), choice("y", body("t", constant("k")), body("e", constant("k")))]
    content = proto([numpy_helper.from_array(MATRIX, "w")], nodes).SerializeToString()
    for length in range(len(content)):
        probe = probe_file(MemorySource(content[:length], b"a.onnx"))
        assert probe.outcome is not Outcome.OK
        assert probe.tensors == ()


def nested(depth: int) -> bytes:
    found = part(2, "g")
    for _ in range(depth):
        found = part(2, "g") + part(1, part(4, "If"), part(5, part(1, "b"), part(6, found), number(20, 5)))
    return model(found)


def test_graphs_nest_as_deep_as_parsers_go() -> None:
    deepest = max(depth for depth in range(60) if parses(nested(depth)))
    assert read(nested(deepest)).outcome is Outcome.OK
    refuse(nested(deepest + 1))
    refuse(nested(2000))


def parses(content: bytes) -> bool:
    try:
        oracle.load_model_from_string(content)
    except Exception:  # noqa: BLE001 - the parser's own errors are of no one class
        return False
    return True


def test_tensors_without_end_are_not_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(onnx, "MAX_TENSORS", 50)
    content = model(graph(*(tensor(str(count), MATRIX) for count in range(51))))
    assert "More than 50 tensors" in str(refuse(content))


@pytest.mark.parametrize(
    "content",
    [
        model(graph(nodes=node("If", part(5, part(1, "b"), part(6, part(2, "g")), number(20, 5)), output="y") * 51)),
        model(graph()) + part(25, part(1, "f")) * 51,
        model(graph(nodes=node("Own", part(5, part(1, "b"), part(11, part(2, "g")) * 51, number(20, 10))))),
        model(graph(nodes=node("Own", part(5, part(1, "b"), number(3, 1), number(20, 2)) * 51))),
    ],
)
def test_graphs_and_attributes_without_end_are_not_kept(content: bytes, monkeypatch: pytest.MonkeyPatch) -> None:
    assert read(content).outcome is Outcome.OK
    monkeypatch.setattr(onnx, "MAX_GRAPHS", 50)
    monkeypatch.setattr(onnx, "MAX_ATTRIBUTES", 50)
    monkeypatch.setattr(onnx_attributes, "MAX_GRAPHS", 50)
    refuse(content)


@pytest.mark.parametrize("name", [b"a.onnx", b"a.pb", b"a.bin", b"blob"])
def test_it_is_known_by_its_content(name: bytes) -> None:
    assert probe_file(MemorySource(write({"w": MATRIX}), name)).format is Format.ONNX
    assert sniff(MemorySource(proto([], [constant("c")]).SerializeToString(), name)).format is Format.ONNX


@pytest.mark.parametrize(
    "content",
    [
        number(1, 1) + part(2, part(1, part(2, "serve")), part(2, part(1, part(1, "x")))),  # TensorFlow's SavedModel
        part(1, part(1, "x"), part(2, "Placeholder")),  # its graph
        number(1, 4) + part(2, part(1, part(1, "image"))) + part(500, part(1, "x")),  # Core ML
        number(1, 3) + number(2, 1) + part(9, bytes(12)),  # a tensor of ONNX by itself
        number(1, 8) + part(2, "me") + part(7, graph()) + part(8, number(2, 1)) + part(99, "x"),
        number(1, 8) + part(2, b"\x0a\x01x") + part(7, graph()) + part(8, number(2, 1)),
    ],
)
def test_other_messages_are_not_taken_for_it(content: bytes) -> None:
    assert sniff(MemorySource(content, b"a.pb")).format is not Format.ONNX


def every_tensor(made: ModelProto) -> Iterator[TensorProto]:
    """The tensors that are indexed, by ONNX's own reading."""
    waiting = [made.graph]
    while waiting:
        current = waiting.pop()
        yield from current.initializer
        for one in current.node:
            for attribute in one.attribute:
                waiting += [attribute.g] if attribute.HasField("g") else []
                if one.op_type == "Constant" and one.domain in {"", "ai.onnx"} and attribute.HasField("t"):
                    yield attribute.t


HALVES = {TensorProto.INT4, TensorProto.UINT4, TensorProto.FLOAT4E2M1}
FUZZED = proto(
    [
        numpy_helper.from_array(MATRIX, "w"),
        helper.make_tensor("h", TensorProto.FLOAT16, [3], [1.0, 2.0, 3.0]),
        helper.make_tensor("i", TensorProto.INT64, [3], [1, -2, 300]),
        helper.make_tensor("q", TensorProto.INT4, [5], [1, -2, 3, 4, 5]),
    ],
    [constant("c"), choice("y", body("t", constant("k")), body("e"))],
).SerializeToString()


ANOTHER_DOMAIN = ("set", (FUZZED.index(b"\x12\x01k") + 0.5) / len(FUZZED), b"\x3a")  # the output's name becomes one


@given(CHANGES)
@example([ANOTHER_DOMAIN])
def test_nothing_is_taken_that_onnx_refuses(changes: list[tuple[str, float, bytes]]) -> None:
    content = changed(FUZZED, changes, len(FUZZED))
    probe = probe_file(MemorySource(content, b"a.onnx"))
    assert (probe.outcome is Outcome.OK) is not bool(probe.problems)
    if probe.outcome is Outcome.OK and probe.format is Format.ONNX:
        agrees(content, probe)


def agrees(content: bytes, probe: Probe) -> None:
    """Every tensor is sound to ONNX, and there; of 4-bit ones bits that belong to no value may be set."""
    tensors = [one for one in every_tensor(oracle.load_model_from_string(content)) if one.data_type != 8]
    for one in tensors:
        checker.check_tensor(one)
    theirs = [numpy_helper.from_array(numpy_helper.to_array(one)) for one in tensors]
    whole = [one.raw_data for one in theirs if one.data_type not in HALVES]
    assert sorted(len(one.raw_data) for one in theirs) == sorted(len(stored_values(content, t)) for t in probe.tensors)
    assert sorted(whole) == sorted(
        stored_values(content, t) for t in probe.tensors if t.dtype not in {"I4", "U4", "F4"}
    )


@given(st.binary(max_size=200))
def test_noise_in_a_model_is_no_crash(noise: bytes) -> None:
    for content in (model(noise), model(graph(noise)), model(graph(nodes=part(1, noise))), number(1, 8) + noise):
        probe = probe_file(MemorySource(content, b"a.onnx"))
        assert probe.outcome is Outcome.OK or all(problem.sentence for problem in probe.problems)
        if probe.outcome is Outcome.OK:
            assert parses(content)
