"""Tensors of ONNX: every type, every way to store its values, and every way to get that wrong."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import onnx as oracle
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays
from onnx import TensorProto, checker, helper, numpy_helper

from catalog.errors import MalformedFile, UnsupportedFormat
from catalog.formats import onnx, onnx_schema, protobuf
from catalog.formats.onnx_schema import ATTRIBUTE_VALUES, ELEMENTS, NEWEST_IR
from catalog.hashing.base import Plan
from catalog.hashing.engine import digest_file
from catalog.hashing.tensors import tensor_digest
from catalog.storage.root import open_path
from tests.builders import MemorySource
from tests.builders.onnx_files import graph, model, number, part, stored_values, varint

if TYPE_CHECKING:
    from pathlib import Path

KINDS = [kind for kind in ELEMENTS if kind != TensorProto.STRING]
DTYPES = [np.dtype(name) for name in ("f4", "f8", "f2", "i1", "u1", "i2", "u2", "i4", "u4", "i8", "u8", "c8", "c16")]
VALUES = [1, 0, 1, 1, 0]


def indexed(proto: TensorProto) -> tuple[str, str, tuple[int, ...], bytes]:
    """Name, type, shape and values of the one tensor of a file."""
    content = helper.make_model(helper.make_graph([], "g", [], [], [proto])).SerializeToString()
    (found,) = onnx.read(MemorySource(content)).tensors
    return found.name, found.dtype, found.shape, stored_values(content, found)


def read(fields: bytes) -> None:
    onnx.read(MemorySource(model(graph(part(8, "w") + fields))))


@pytest.mark.parametrize("kind", KINDS)
def test_every_type_is_indexed_in_raw_data(kind: int) -> None:
    raw = numpy_helper.from_array(numpy_helper.to_array(helper.make_tensor("w", kind, [5], VALUES)), "w")
    assert indexed(raw) == ("w", ELEMENTS[kind].name, (5,), raw.raw_data)


@pytest.mark.parametrize("kind", [kind for kind in KINDS if ELEMENTS[kind].bits != 6])
def test_every_type_is_indexed_in_its_own_field(kind: int) -> None:
    made = helper.make_tensor("w", kind, [5], VALUES)
    assert not made.HasField("raw_data")
    raw = numpy_helper.from_array(numpy_helper.to_array(made))
    assert indexed(made) == ("w", ELEMENTS[kind].name, (5,), raw.raw_data)


@given(st.sampled_from(DTYPES).flatmap(lambda dtype: arrays.arrays(dtype, arrays.array_shapes(min_dims=0, min_side=0))))
def test_values_are_where_onnx_finds_them(array: np.ndarray) -> None:
    raw = numpy_helper.from_array(array, "w")
    kind = raw.data_type
    assert indexed(raw) == ("w", ELEMENTS[kind].name, array.shape, array.tobytes())
    if array.dtype.kind != "f" or array.dtype.itemsize > 2:
        typed = helper.make_tensor("w", kind, array.shape, array.flatten().tolist())
        checker.check_tensor(typed)
        assert indexed(typed)[3] == array.tobytes()


def hashed(proto: TensorProto, place: Path) -> bytes:
    """The digest of the one tensor of a file, read from the disk."""
    place.write_bytes(helper.make_model(helper.make_graph([], "g", [], [], [proto])).SerializeToString())
    with open_path(bytes(place)) as file:
        return digest_file(file, Plan(frozenset(), tensors=onnx.read(file).tensors)).tensors[0]


@pytest.mark.parametrize("kind", [kind for kind in KINDS if ELEMENTS[kind].bits != 6])
def test_a_digest_does_not_depend_on_the_field(kind: int, tmp_path: Path) -> None:
    made = helper.make_tensor("w", kind, [5], VALUES)
    raw = numpy_helper.from_array(numpy_helper.to_array(made), "w")
    digest = tensor_digest(ELEMENTS[kind].name, 5, raw.raw_data)
    assert hashed(made, tmp_path / "a.onnx") == hashed(raw, tmp_path / "b.onnx") == digest


def test_the_numbers_are_those_of_onnx() -> None:
    assert set(ELEMENTS) == set(TensorProto.DataType.values()) - {TensorProto.UNDEFINED}
    assert NEWEST_IR == oracle.IR_VERSION
    for kind in KINDS:
        field = TensorProto.DESCRIPTOR.fields_by_number[ELEMENTS[kind].field].name
        assert field == helper.tensor_dtype_to_field(kind)
    attribute = oracle.AttributeProto
    names = {"f": "FLOAT", "i": "INT", "s": "STRING", "t": "TENSOR", "g": "GRAPH", "tp": "TYPE_PROTO"}
    for field_number, kind in ATTRIBUTE_VALUES.items():
        name = attribute.DESCRIPTOR.fields_by_number[field_number].name
        assert attribute.AttributeType.Name(kind) == names.get(name, name.upper())


DESCRIPTORS = {
    "Model": oracle.ModelProto, "Graph": oracle.GraphProto, "Node": oracle.NodeProto,
    "Attribute": oracle.AttributeProto, "Tensor": TensorProto, "Segment": TensorProto.Segment,
    "SparseTensor": oracle.SparseTensorProto, "Function": oracle.FunctionProto, "Training": oracle.TrainingInfoProto,
    "ValueInfo": oracle.ValueInfoProto, "Type": oracle.TypeProto, "TensorType": oracle.TypeProto.Tensor,
    "SequenceType": oracle.TypeProto.Sequence, "MapType": oracle.TypeProto.Map, "OpaqueType": oracle.TypeProto.Opaque,
    "Shape": oracle.TensorShapeProto, "Dimension": oracle.TensorShapeProto.Dimension,
    "Entry": oracle.StringStringEntryProto, "OperatorSet": oracle.OperatorSetIdProto,
    "Annotation": oracle.TensorAnnotation, "Devices": oracle.DeviceConfigurationProto,
    "NodeDevices": oracle.NodeDeviceConfigurationProto, "Sharding": oracle.ShardingSpecProto,
    "IntList": oracle.IntIntListEntryProto, "ShardedDim": oracle.ShardedDimProto,
    "SimpleSharding": oracle.SimpleShardedDimProto,
}  # fmt: skip
WIRE = {1: 1, 2: 5, 9: 2, 11: 2, 12: 2}  # FieldDescriptor.Type: double, float, string, message, bytes; else a varint


@pytest.mark.parametrize("name", DESCRIPTORS)
def test_the_messages_are_those_of_onnx(name: str) -> None:
    message = onnx_schema.MESSAGES[name]
    fields = DESCRIPTORS[name].DESCRIPTOR.fields  # type: ignore[attr-defined] # protobuf has no types here
    assert message.known == {field.number for field in fields}
    for field in fields:
        wire = WIRE.get(field.type, 0)
        assert field.number << 3 | wire in message.tags
        inside = field.type == field.TYPE_MESSAGE or (field.is_repeated and wire != protobuf.LENGTH)
        assert (field.number << 3 | protobuf.LENGTH in message.inside) is inside


def test_no_message_is_forgotten() -> None:
    assert set(DESCRIPTORS) == set(onnx_schema.MESSAGES)


F32, I64, TEXTS = number(2, 1), number(2, 7), number(2, 8)
THREE = number(1, 3)


@pytest.mark.parametrize(
    "fields",
    [
        THREE + part(9, bytes(12)),  # no type
        number(2, 0) + THREE + part(9, bytes(12)),
        number(2, 29) + THREE + part(9, bytes(12)),
        number(2, (1 << 32) + 1) + THREE + part(9, bytes(12)),
        F32 + F32 + THREE + part(9, bytes(12)),  # twice
        F32 + THREE,  # no values
        F32 + THREE + part(9),
        F32 + number(1, 0) + part(9, bytes(4)),  # values of nothing
        F32 + THREE + part(9, bytes(11)),
        F32 + THREE + part(9, bytes(13)),
        F32 + THREE + part(9, bytes(12)) + part(9, bytes(12)),
        F32 + THREE + part(9, bytes(12)) + part(9),
        F32 + THREE + part(9, bytes(12)) + part(4, bytes(12)),  # in two fields
        F32 + THREE + part(7, bytes(3)),  # in the field of another type
        F32 + THREE + part(4, bytes(8)),
        F32 + THREE + part(10, bytes(24)),
        I64 + THREE + part(7, b"\x01\x02"),
        I64 + THREE + part(7, b"\x01\x02\x03\x04"),
        I64 + THREE + part(7, b"\x01\x02\x83"),
        F32 + number(1, -3) + part(9, bytes(12)),
        F32 + number(1, 1 << 62) * 3 + part(9, bytes(12)),
        F32 + number(1, 0) + number(1, 1 << 62),
        F32 + number(1, 1) * 65 + part(9, bytes(4)),  # dimensions without end
        TEXTS + THREE + part(9, bytes(12)),
        TEXTS + THREE + part(6, "a") * 2,
        TEXTS + THREE + part(6, "a") * 3 + part(9, b"x"),
        number(2, 27) + THREE + part(9, b"\xff\xff\xff"),  # 18 bits used, 6 more set
        number(14, 2) + F32 + THREE + part(9, bytes(12)),  # a place that there is not
        F32 + part(1, b"\x03\x83") + part(9, bytes(12)),
    ],
)
def test_what_breaks_the_rules_is_refused(fields: bytes) -> None:
    with pytest.raises(MalformedFile) as asked:
        read(fields)
    assert str(asked.value)


@pytest.mark.parametrize(
    "fields",
    [
        F32 + THREE + (b"\x25" + bytes(4)) * 3,  # each value under a tag
        F32 + THREE + part(4, bytes(8)) + part(4, bytes(4)),
        I64 + THREE + number(7, 1) * 3,
        number(2, 27) + THREE + part(5, bytes(3)),
        F32 + THREE + part(9, bytes(12)) + part(3, number(1, 0)),
    ],
)
def test_values_without_one_range_are_not_read_yet(fields: bytes) -> None:
    with pytest.raises(UnsupportedFormat):
        read(fields)


@pytest.mark.parametrize(
    "fields",
    [
        F32 + part(1, varint(1) + varint(3)) + part(9, bytes(12)),  # dimensions packed
        F32 + number(1, 1) + b"\x25" + bytes(4),  # one value under its tag
        F32 + part(4) + THREE + part(9, bytes(12)),  # nothing in another field
        F32 + number(1, 0),
        F32 + number(1, 0) + part(9),
        F32 + part(9, bytes(4)),  # a scalar
        TEXTS + THREE + part(6, "a") * 3,
        number(2, 27) + THREE + part(9, b"\xff\xff\x03"),
    ],
)
def test_rare_but_right(fields: bytes) -> None:
    read(fields)


def test_many_packed_numbers_are_bounded_where_they_are_not_counted(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(protobuf, "MAX_COUNTED", 2)
    read(I64 + THREE + part(7, b"\x01\x02\x03"))
    with pytest.raises(MalformedFile):
        read(I64 + number(1, 4) + part(7, b"\x01\x02\x03"))
