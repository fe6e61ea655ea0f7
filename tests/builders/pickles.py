"""A writer of pickles, opcode by opcode, and of PyTorch's files around them: nothing here can pickle by itself."""

from __future__ import annotations

import io
import struct
import tarfile
import zipfile
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, TypeAlias

import numpy as np

from tests.builders import BRAIN, Array

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

MAGIC = 0x1950A86A20F9469CFC6C
ALIGNMENT = 64

_STORAGES = {
    "float64": "DoubleStorage", "float32": "FloatStorage", "float16": "HalfStorage", "int64": "LongStorage",
    "int32": "IntStorage", "int16": "ShortStorage", "int8": "CharStorage", "uint8": "ByteStorage",
    "bool": "BoolStorage", "complex64": "ComplexFloatStorage", "complex128": "ComplexDoubleStorage",
    "bfloat16": "BFloat16Storage",
}  # fmt: skip
DTYPES = {
    "float64": "F64", "float32": "F32", "float16": "F16", "int64": "I64", "int32": "I32", "int16": "I16",
    "int8": "I8", "uint8": "U8", "bool": "BOOL", "complex64": "C64", "complex128": "C128", "bfloat16": "BF16",
}  # fmt: skip

Pickled: TypeAlias = object
"""None, bool, int, float, str, bytes, list, tuple, dict, and the classes of this module."""


@dataclass(frozen=True)
class Global:
    """A name."""

    module: str
    name: str


@dataclass(frozen=True)
class Call:
    """A call of something, with a state that is put into the result."""

    maker: Pickled
    args: Pickled = ()
    state: Pickled = None
    new: bool = False


@dataclass(frozen=True)
class Kept:
    """A persistent id."""

    key: Pickled


@dataclass(frozen=True)
class Raw:
    """Opcodes as they stand."""

    code: bytes


@dataclass(frozen=True)
class View:
    """A tensor: a view of the storage that holds `base`; by default all of it, in C order."""

    base: Array
    first: int = 0
    shape: tuple[int, ...] | None = None
    strides: tuple[int, ...] | None = None
    parameter: bool = False

    @property
    def seen(self) -> Array:
        """The array that the view shows."""
        flat = self.base.reshape(-1)[self.first :]
        shape, steps = self.laid_out
        strides = [step * flat.itemsize for step in steps]
        return np.ascontiguousarray(np.lib.stride_tricks.as_strided(flat, shape, strides)).reshape(shape)

    @property
    def laid_out(self) -> tuple[tuple[int, ...], tuple[int, ...]]:
        shape = self.base.shape if self.shape is None else self.shape
        return shape, contiguous(shape) if self.strides is None else self.strides


def contiguous(shape: tuple[int, ...]) -> tuple[int, ...]:
    steps, step = [], 1
    for length in reversed(shape):
        steps.append(step)
        step *= length
    return tuple(reversed(steps))


@dataclass
class Storages:
    """The storages that a pickle asks for, in the order in which it does."""

    legacy: bool = False
    bases: list[Array] = field(default_factory=list)

    def keep(self, base: Array) -> Kept:
        """The persistent id of the storage with that array's values."""
        number = next((at for at, one in enumerate(self.bases) if one is base), len(self.bases))
        if number == len(self.bases):
            self.bases.append(base)
        kind = Global("torch", _STORAGES[dtype_name(base)])
        key = ("storage", kind, str(number), "cpu", int(base.size))
        return Kept((*key, None) if self.legacy else key)

    def tensor(self, view: View) -> Call:
        shape, strides = view.laid_out
        args = (self.keep(view.base), view.first, shape, strides, False, Call(Global("collections", "OrderedDict")))
        made = Call(Global("torch._utils", "_rebuild_tensor_v2"), args)
        if not view.parameter:
            return made
        hooks = Call(Global("collections", "OrderedDict"))
        gradient = DTYPES[dtype_name(view.base)].startswith(("F", "BF", "C"))  # PyTorch knows none of whole numbers
        return Call(Global("torch._utils", "_rebuild_parameter"), (made, gradient, hooks))


def dtype_name(array: Array) -> str:
    return "bfloat16" if array.dtype == BRAIN else str(array.dtype)


def ordered(items: Mapping[str, Pickled]) -> Call:
    """An OrderedDict, as PyTorch writes it: called, then filled."""
    return Call(Global("collections", "OrderedDict"), ([(key, value) for key, value in items.items()],))


def pickled(value: Pickled, storages: Storages | None = None, protocol: int = 2) -> bytes:
    """One whole pickle of a value."""
    return b"\x80" + bytes([protocol]) + code(value, storages or Storages()) + b"."


def code(value: Pickled, storages: Storages) -> bytes:
    """The opcodes that put a value onto the stack."""
    if isinstance(value, np.ndarray):
        return code(storages.tensor(View(value)), storages)
    if isinstance(value, View):
        return code(storages.tensor(value), storages)
    if isinstance(value, (list, tuple, dict)):
        return _container(value, storages)
    return _special(value, storages) if isinstance(value, (Global, Call, Kept, Raw)) else _plain(value)


def _plain(value: Pickled) -> bytes:
    if value is None or isinstance(value, bool):
        return {None: b"N", True: b"\x88", False: b"\x89"}[value]
    if isinstance(value, int):
        return _long(value)
    if isinstance(value, float):
        return b"G" + struct.pack(">d", value)
    if isinstance(value, bytes):
        return b"B" + struct.pack("<I", len(value)) + value
    text = str(value).encode("utf-8", "surrogatepass")
    return b"X" + struct.pack("<I", len(text)) + text


def _long(value: int) -> bytes:
    if 0 <= value < 256:
        return b"K" + bytes([value])
    data = value.to_bytes(value.bit_length() // 8 + 1, "little", signed=True)
    return b"\x8a" + bytes([len(data)]) + data


def _container(value: list[Pickled] | tuple[Pickled, ...] | dict[Pickled, Pickled], storages: Storages) -> bytes:
    if isinstance(value, dict):
        inner = b"".join(code(key, storages) + code(item, storages) for key, item in value.items())
        return b"}(" + inner + b"u"
    inner = b"".join(code(item, storages) for item in value)
    return b"](" + inner + b"e" if isinstance(value, list) else b"(" + inner + b"t"


def _special(value: Global | Call | Kept | Raw, storages: Storages) -> bytes:
    if isinstance(value, Raw):
        return value.code
    if isinstance(value, Global):
        return b"c" + value.module.encode() + b"\n" + value.name.encode() + b"\n"
    if isinstance(value, Kept):
        return code(value.key, storages) + b"Q"
    built = code(value.state, storages) + b"b" if value.state is not None else b""
    return code(value.maker, storages) + code(value.args, storages) + (b"\x81" if value.new else b"R") + built


def torch_zip(value: Pickled, *, members: Mapping[str, bytes] | None = None, **how: object) -> bytes:
    """PyTorch's zip. `members`: further ones, or others under the same names. See `zipped` for `how`."""
    storages = Storages()
    big = how.pop("big", False)
    found = {"data.pkl": pickled(value, storages), "byteorder": b"big" if big else b"little"}
    for number, base in enumerate(storages.bases):
        found[f"data/{number}"] = swapped(base) if big else base.tobytes()
    found |= {"version": b"3\n", ".data/serialization_id": b"0" * 40, **(members or {})}
    return zipped({f"archive/{name}": content for name, content in found.items()}, **how)


def zipped(members: Mapping[str, bytes], *, packed: object = (), **_: object) -> bytes:
    """A zip with its data aligned, as PyTorch aligns them; those whose name is in `packed` are compressed."""
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        for name, content in members.items():
            info = zipfile.ZipInfo(name, (1980, 1, 1, 0, 0, 0))
            info.compress_type = zipfile.ZIP_DEFLATED if name in set(packed) else zipfile.ZIP_STORED  # type: ignore[call-overload] # names
            begin = out.tell() + 30 + len(name.encode()) + 4
            gap = -begin % ALIGNMENT
            info.extra = b"FB" + struct.pack("<H", gap) + b"Z" * gap
            archive.writestr(info, content)
    return out.getvalue()


def swapped(base: Array) -> bytes:
    """The values as a machine with the other order of bytes would write them."""
    width = base.itemsize // 2 if base.dtype.kind == "c" else base.itemsize
    return np.frombuffer(base.tobytes(), np.uint8).reshape(-1, width)[:, ::-1].tobytes()


def torch_legacy(value: Pickled, *, before: bytes = b"", behind: bytes = b"", bases: Sequence[Array] = ()) -> bytes:
    """PyTorch before 1.6. `bases`: the storages that `value` asks for by itself."""
    storages = Storages(legacy=True, bases=[*bases])
    info = {"protocol_version": 1001, "little_endian": True, "type_sizes": {"short": 2, "int": 4, "long": 4}}
    head = before + pickled(MAGIC) + pickled(1001) + pickled(info) + pickled(value, storages)
    keys: list[Pickled] = [str(number) for number in range(len(storages.bases))]
    data = (struct.pack("<q", base.size) + base.tobytes() for base in storages.bases)
    return head + pickled(keys) + b"".join(data) + behind


def torch_tar(tensors: Mapping[str, Array], *, value: Pickled = None, pax: Mapping[str, str] | None = None) -> bytes:
    """PyTorch before 0.1.10: each tensor has a storage of its own, the pickle asks for tensors by number."""
    arrays = [*tensors.values()]
    storages, inventory = pickled(len(arrays)), pickled(len(arrays))
    for number, array in enumerate(arrays):
        kind = dtype_name(array)
        storages += pickled((number, "cpu", Global("torch", _STORAGES[kind])))
        storages += struct.pack("<q", array.size) + array.tobytes()
        inventory += pickled((100 + number, number, Global("torch", _STORAGES[kind].replace("Storage", "Tensor"))))
        inventory += struct.pack("<ii", array.ndim, 0)
        inventory += struct.pack(f"<{2 * array.ndim + 1}q", *array.shape, *contiguous(array.shape), 0)
    named = {name: Kept(100 + number) for number, name in enumerate(tensors)}
    root = pickled(named if value is None else value)
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w", format=tarfile.PAX_FORMAT) as archive:
        for name, content in {"storages": storages + pickled([]), "tensors": inventory, "pickle": root}.items():
            info = tarfile.TarInfo(name)
            info.size = len(content)
            info.pax_headers = dict(pax or {"mtime": "1480000000.5"})
            archive.addfile(info, io.BytesIO(content))
    return out.getvalue()
