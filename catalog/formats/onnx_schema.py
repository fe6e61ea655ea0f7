"""The messages of ONNX, and its types of tensors. Definition: onnx/onnx-ml.proto of ONNX 1.23 (IR version 14)."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from catalog.formats.protobuf import BYTES, DOUBLES, FLOAT, FLOATS, INT, INTS, Kind, schema

if TYPE_CHECKING:
    from collections.abc import Mapping

NEWEST_IR = 14

_FIELDS: Mapping[str, Mapping[int, Kind | str]] = {
    "Model": {
        1: INT,  # ir_version
        2: BYTES,  # producer_name
        3: BYTES,  # producer_version
        4: BYTES,  # domain
        5: INT,  # model_version
        6: BYTES,  # doc_string
        7: "Graph",
        8: "OperatorSet",
        14: "Entry",  # metadata_props
        20: "Training",
        25: "Function",
        26: "Devices",  # configuration
    },
    "Graph": {
        1: "Node",
        2: BYTES,  # name
        5: "Tensor",  # initializer
        10: BYTES,  # doc_string
        11: "ValueInfo",  # input
        12: "ValueInfo",  # output
        13: "ValueInfo",
        14: "Annotation",
        15: "SparseTensor",  # sparse_initializer
        16: "Entry",
    },
    "Node": {
        1: BYTES,  # input
        2: BYTES,  # output
        3: BYTES,  # name
        4: BYTES,  # op_type
        5: "Attribute",
        6: BYTES,  # doc_string
        7: BYTES,  # domain
        8: BYTES,  # overload
        9: "Entry",
        10: "NodeDevices",
    },
    "Attribute": {
        1: BYTES,  # name
        2: FLOAT,  # f
        3: INT,  # i
        4: BYTES,  # s
        5: "Tensor",  # t
        6: "Graph",  # g
        7: FLOATS,
        8: INTS,
        9: BYTES,  # strings
        10: "Tensor",  # tensors
        11: "Graph",  # graphs
        13: BYTES,  # doc_string
        14: "Type",  # tp
        15: "Type",  # type_protos
        20: INT,  # type
        21: BYTES,  # ref_attr_name
        22: "SparseTensor",
        23: "SparseTensor",  # sparse_tensors
    },
    "Tensor": {
        1: INTS,  # dims
        2: INT,  # data_type
        3: "Segment",
        4: FLOATS,  # float_data
        5: INTS,  # int32_data
        6: BYTES,  # string_data
        7: INTS,  # int64_data
        8: BYTES,  # name
        9: BYTES,  # raw_data
        10: DOUBLES,  # double_data
        11: INTS,  # uint64_data
        12: BYTES,  # doc_string
        13: "Entry",  # external_data
        14: INT,  # data_location
        16: "Entry",
    },
    "SparseTensor": {1: "Tensor", 2: "Tensor", 3: INTS},  # values, indices, dims
    "Function": {
        1: BYTES,  # name
        4: BYTES,  # input
        5: BYTES,  # output
        6: BYTES,  # attribute
        7: "Node",
        8: BYTES,  # doc_string
        9: "OperatorSet",
        10: BYTES,  # domain
        11: "Attribute",  # attribute_proto
        12: "ValueInfo",
        13: BYTES,  # overload
        14: "Entry",
    },
    "Training": {1: "Graph", 2: "Graph", 3: "Entry", 4: "Entry"},
    "ValueInfo": {1: BYTES, 2: "Type", 3: BYTES, 4: "Entry"},
    "Type": {
        1: "TensorType",
        4: "SequenceType",
        5: "MapType",
        6: BYTES,
        7: "OpaqueType",
        8: "TensorType",
        9: "SequenceType",  # optional_type
    },
    "TensorType": {1: INT, 2: "Shape"},
    "SequenceType": {1: "Type"},
    "MapType": {1: INT, 2: "Type"},
    "OpaqueType": {1: BYTES, 2: BYTES},
    "Shape": {1: "Dimension"},
    "Dimension": {1: INT, 2: BYTES, 3: BYTES},  # dim_value, dim_param, denotation
    "Entry": {1: BYTES, 2: BYTES},  # key, value
    "OperatorSet": {1: BYTES, 2: INT},  # domain, version
    "Segment": {1: INT, 2: INT},
    "Annotation": {1: BYTES, 2: "Entry"},
    "Devices": {1: BYTES, 2: INT, 3: BYTES},
    "NodeDevices": {1: BYTES, 2: "Sharding", 3: INT},
    "Sharding": {1: BYTES, 2: INTS, 3: "IntList", 4: "ShardedDim"},
    "IntList": {1: INT, 2: INTS},
    "ShardedDim": {1: INT, 2: "SimpleSharding"},
    "SimpleSharding": {1: INT, 2: BYTES, 3: INT},
}

MESSAGES = schema(_FIELDS)
"""By name; those that the readers ask for have one of their own below."""

MODEL, GRAPH, NODE, ATTRIBUTE = (MESSAGES[name] for name in ("Model", "Graph", "Node", "Attribute"))
TENSOR, SPARSE_TENSOR, FUNCTION = (MESSAGES[name] for name in ("Tensor", "SparseTensor", "Function"))
TRAINING, ENTRY, OPERATOR_SET = (MESSAGES[name] for name in ("Training", "Entry", "OperatorSet"))
VALUE_INFO, TYPE, TENSOR_TYPE = (MESSAGES[name] for name in ("ValueInfo", "Type", "TensorType"))
SHAPE, DIMENSION = MESSAGES["Shape"], MESSAGES["Dimension"]

FLOAT_DATA, INT32_DATA, STRING_DATA, INT64_DATA, RAW_DATA, DOUBLE_DATA, UINT64_DATA = 4, 5, 6, 7, 9, 10, 11
"""Fields of a tensor that may hold its values: exactly one does, or none where they lie in another file."""


class Element(NamedTuple):
    """A type of values: the name that safetensors has for it, its bits, and the field that may hold it besides raw."""

    name: str
    bits: int
    field: int


ELEMENTS: Mapping[int, Element] = {
    1: Element("F32", 32, FLOAT_DATA),
    2: Element("U8", 8, INT32_DATA),
    3: Element("I8", 8, INT32_DATA),
    4: Element("U16", 16, INT32_DATA),
    5: Element("I16", 16, INT32_DATA),
    6: Element("I32", 32, INT32_DATA),
    7: Element("I64", 64, INT64_DATA),
    8: Element("STRING", 0, STRING_DATA),
    9: Element("BOOL", 8, INT32_DATA),
    10: Element("F16", 16, INT32_DATA),
    11: Element("F64", 64, DOUBLE_DATA),
    12: Element("U32", 32, UINT64_DATA),
    13: Element("U64", 64, UINT64_DATA),
    14: Element("C64", 64, FLOAT_DATA),
    15: Element("C128", 128, DOUBLE_DATA),
    16: Element("BF16", 16, INT32_DATA),
    17: Element("F8_E4M3", 8, INT32_DATA),
    18: Element("F8_E4M3FNUZ", 8, INT32_DATA),
    19: Element("F8_E5M2", 8, INT32_DATA),
    20: Element("F8_E5M2FNUZ", 8, INT32_DATA),
    21: Element("U4", 4, INT32_DATA),
    22: Element("I4", 4, INT32_DATA),
    23: Element("F4", 4, INT32_DATA),
    24: Element("F8_E8M0", 8, INT32_DATA),
    25: Element("U2", 2, INT32_DATA),
    26: Element("I2", 2, INT32_DATA),
    27: Element("F6_E2M3", 6, INT32_DATA),
    28: Element("F6_E3M2", 6, INT32_DATA),
}
"""`TensorProto.DataType`."""

ATTRIBUTE_VALUES: Mapping[int, int] = {
    2: 1, 3: 2, 4: 3, 5: 4, 6: 5, 7: 6, 8: 7, 9: 8, 10: 9, 11: 10, 14: 13, 15: 14, 22: 11, 23: 12,
}  # fmt: skip
"""Field of an attribute that holds its value -> `AttributeProto.AttributeType`."""
