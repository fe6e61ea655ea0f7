"""What torch's names make of their arguments: storages, tensors as views of them, and the dictionaries around them.

Signatures: torch/_utils.py (`_rebuild_*`), torch/serialization.py (`persistent_load`), torch/jit/_pickle.py.
"""

from __future__ import annotations

import re
from dataclasses import replace
from typing import TYPE_CHECKING, TypeAlias

from catalog.errors import UnsupportedFormat
from catalog.formats.base import malformed
from catalog.formats.pickle_machine import unsafe
from catalog.formats.pickle_names import DTYPES, STORAGES, TENSOR_CLASSES
from catalog.formats.pickle_shapes import is_count, reach_of, sizes, storage_type
from catalog.formats.pickle_values import Blob, Made, Name, Pairs, Storage, Tensor, Value
from catalog.vocabulary import FindingCode

if TYPE_CHECKING:
    from collections.abc import Callable

    from catalog.formats.pickle_machine import Findings

_LONGEST_KEY = 255
_DEVICE = re.compile(
    r"(?:cpu|cuda|hip|mps|meta|xpu|xla|hpu|npu|mlu|musa|mtia|maia|ipu|ort|vulkan|privateuseone|lazy)(?::\d{1,4})?"
)
"""Where a storage was when it was written: torch's device types, and those of its vendors' own builds."""
_NESTED = frozenset({"_rebuild_from_type_v2", "_rebuild_from_type"})


class Torch:
    """Makes what the allowed names make, and fetches storages by their ids. `findings` counts the work.

    `inside` looks into bytes that hold a storage; without it they are as good as a payload. `legacy`: the ids are those
    from before the zip, which also say which part of a storage is meant. `folder`: what stands before their keys.
    """

    def __init__(
        self,
        findings: Findings,
        inside: Callable[[Blob], Value] | None = None,
        *,
        legacy: bool = True,
        folder: str = "",
    ) -> None:
        self.findings = findings
        self.inside = inside
        self._legacy = legacy
        self._folder = folder
        self.storages: dict[str, Storage] = {}
        """Every storage asked for, by its key; of views, the whole one."""

    def call(self, name: Name, args: Value, place: str) -> Value:
        """What `name(*args)` would be. Raises `MalformedFile` where torch's own function could not make it."""
        if not isinstance(args, tuple):
            raise malformed("Arguments that are no tuple", place)
        maker = _MAKERS.get(name)
        return Made(name, args) if maker is None else maker(self, args, place)

    def fetch(self, key: Value) -> Value:
        """The storage of a persistent id `("storage", class, key, location, count[, view])`."""
        if not isinstance(key, tuple) or not key:
            raise malformed("An object that is kept outside the pickle", "a persistent id")
        if self._legacy and key[0] == "module" and len(key) == 4:
            return key[1]
        if key[0] != "storage" or len(key) != (6 if self._legacy else 5):
            raise malformed("A persistent id that is no storage", "a persistent id")
        return self._storage(key)

    def _storage(self, key: tuple[Value, ...]) -> Storage:
        kind, number, location, count = key[1], key[2], key[3], key[4]
        text = str(number) if isinstance(number, int) and number.bit_length() <= 64 else number
        if not isinstance(text, str) or not 0 < len(text) <= _LONGEST_KEY or not is_count(count):
            raise malformed("A storage without key or size", "a persistent id")
        if not isinstance(location, str) or not _DEVICE.fullmatch(location):
            raise malformed("A storage that was on a device which does not exist", "a persistent id")
        text = self._folder + text
        dtype, bits = storage_type(kind)
        storage = Storage(text, dtype, bits, count, count)
        first = self.storages.setdefault(text, storage)
        if (first.dtype, first.whole) != (storage.dtype, storage.whole):
            raise malformed("A storage with two types or sizes", f"storage {text[:40]}")
        view = key[5] if len(key) == 6 else None
        return storage if view is None else _part(storage, view)

    def tensor(self, args: tuple[Value, ...], dtype: tuple[str, int] | None, place: str) -> Tensor:
        """A view from `(storage, first, shape, strides, ...)`, checked to lie in its storage."""
        if len(args) < 4:
            raise malformed("A tensor without its shape", place)
        storage, first = args[0], args[1]
        shape, strides = sizes(args[2], place), sizes(args[3], place)
        self.findings.charge(len(shape) + len(strides), place)
        if not isinstance(storage, Storage) or not is_count(first) or len(shape) != len(strides):
            raise malformed("A tensor without storage or shape", place)
        name, bits = dtype or (storage.dtype, storage.bits)
        if (first + reach_of(shape, strides)) * bits > storage.used * storage.bits:
            raise malformed("A tensor that reaches beyond its storage", place)
        return Tensor(storage, name, bits, first + storage.start * storage.bits // bits, shape, strides)

    def legacy(self, made: Made) -> Tensor | None:
        """The tensor of a class called without arguments that got `(storage, first, shape, strides)` as its state."""
        state = made.state
        if made.maker.name not in TENSOR_CLASSES or not isinstance(state, tuple) or len(state) != 4:
            return None
        return self.tensor(state, None, f"the state of a {made.maker.name}")


def _part(storage: Storage, view: Value) -> Storage:
    """A part of a storage, as the oldest pickles share them: `(key, first, count)`."""
    if not isinstance(view, tuple) or len(view) != 3 or not is_count(view[1]) or not is_count(view[2]):
        raise malformed("A view of a storage that says not which", f"storage {storage.key[:40]}")
    first, count = view[1], view[2]
    if first + count > storage.whole:
        raise malformed("A view that reaches beyond its storage", f"storage {storage.key[:40]}")
    return replace(storage, start=first, used=count)


_Maker: TypeAlias = "Callable[[Torch, tuple[Value, ...], str], Value]"


def _tensor_v1(torch: Torch, args: tuple[Value, ...], place: str) -> Value:
    _check_args(args, 4, 4, place)
    return torch.tensor(args, None, place)


def _tensor_v2(torch: Torch, args: tuple[Value, ...], place: str) -> Value:
    _check_args(args, 6, 7, place)
    tensor = torch.tensor(args, None, place)
    _check_gradient(tensor, args[4], place)
    return _flagged(tensor, args[6] if len(args) > 6 else None)


def _check_args(args: tuple[Value, ...], fewest: int, most: int, place: str) -> None:
    """As many arguments as the function takes; the fifth, where there is one, says whether a gradient is wanted."""
    if not fewest <= len(args) <= most or not (fewest < 5 or isinstance(args[4], bool)):
        raise malformed("A tensor with other arguments than it takes", place)


def _tensor_v3(torch: Torch, args: tuple[Value, ...], place: str) -> Value:
    _check_args(args, 7, 8, place)
    dtype = args[6]
    known = DTYPES.get(dtype.name) if isinstance(dtype, Name) and dtype.module == "torch" else None
    if known is None:
        raise UnsupportedFormat(FindingCode.UNSUPPORTED, format=f"PyTorch pickle with {str(dtype)[:60]}")
    tensor = torch.tensor(args, known, place)
    _check_gradient(tensor, args[4], place)
    return _flagged(tensor, args[7] if len(args) > 7 else None)


def _flagged(tensor: Tensor, metadata: Value) -> Tensor:
    """A tensor whose values are to be conjugated or negated has another type than the plain one."""
    if metadata is not None and not isinstance(metadata, Pairs):
        raise malformed("Facts about a tensor that are no dictionary", "a tensor")
    flags = [*metadata.flat] if metadata is not None and len(metadata.flat) <= 16 else []
    marks = [str(key).upper() for key, value in zip(flags[::2], flags[1::2], strict=False) if value is True]
    named = [mark for mark in ("CONJ", "NEG") if mark in marks]
    return replace(tensor, dtype="_".join([tensor.dtype, *named])) if named else tensor


def _qtensor(torch: Torch, args: tuple[Value, ...], place: str) -> Value:
    """The whole numbers, and where each channel has its own scale, the scales and zero points beside them."""
    tensor = torch.tensor(args, None, place)
    params = args[4] if len(args) > 4 else None
    beside = [item for item in params[:4] if isinstance(item, Tensor)] if isinstance(params, tuple) else []
    if len(beside) != 2:
        return tensor
    return Pairs(["values", tensor, "scales", beside[0], "zero_points", beside[1]])


def _sparse(torch: Torch, args: tuple[Value, ...], place: str) -> Value:
    """The tensors that a sparse one consists of, named by their place."""
    data = args[1] if len(args) > 1 else None
    if not isinstance(data, tuple) or len(data) > 8:
        raise malformed("A sparse tensor without its parts", place)
    tensors = [item for item in data if isinstance(item, Tensor)]
    names = ("indices", "values") if len(tensors) == 2 else ("crow_indices", "col_indices", "values")
    if len(tensors) != len(names):
        raise malformed("A sparse tensor without its parts", place)
    return Pairs([value for pair in zip(names, tensors, strict=True) for value in pair])


def _around(count: int, flag: int) -> _Maker:
    """A function of `count` arguments that gives the first of them, a tensor; `flag`: which asks for a gradient."""

    def make(torch: Torch, args: tuple[Value, ...], place: str) -> Value:
        if len(args) != count or not isinstance(args[0], (Tensor, Pairs, Made)):
            raise malformed("A parameter without its tensor", place)
        if isinstance(args[0], Tensor):
            _check_gradient(args[0], args[flag], place)
        return args[0]

    return make


def _check_gradient(tensor: Tensor, wanted: Value, place: str) -> None:
    """Only of real and complex numbers can there be one."""
    if not isinstance(wanted, bool) or (wanted and not tensor.dtype.startswith(("F", "BF", "C"))):
        raise malformed("A gradient that cannot be", place)


def _first(torch: Torch, args: tuple[Value, ...], place: str) -> Value:
    """A parameter is its tensor, a tagged value the value."""
    if not args:
        raise malformed("A call without its argument", place)
    return args[0]


def _from_type(torch: Torch, args: tuple[Value, ...], place: str) -> Value:
    """`(function, class, arguments, state)`: a tensor of a class of its own."""
    if len(args) < 3 or not isinstance(args[0], Name):
        raise malformed("A tensor of a class without its function", place)
    return Made(args[0], args) if args[0].name in _NESTED else torch.call(args[0], args[2], place)


def _from_bytes(torch: Torch, args: tuple[Value, ...], place: str) -> Value:
    """A storage that another pickle holds as bytes; those that cannot be looked into are not trusted."""
    if torch.inside is None or len(args) != 1 or not isinstance(args[0], Blob):
        raise unsafe("Bytes that would be unpickled", place)
    return torch.inside(args[0])


def _parameter(torch: Torch, args: tuple[Value, ...], place: str) -> Value:
    return args[0] if args else Made(Name("torch.nn.parameter", "Parameter"))


def _pairs(torch: Torch, args: tuple[Value, ...], place: str) -> Value:
    """A dictionary, empty or out of pairs, as Python 2 wrote ordered ones."""
    _check_most(args, 1, place)
    if not args:
        return Pairs()
    source = args[0]
    if isinstance(source, Pairs):
        torch.findings.charge(len(source.flat), place)
        return Pairs([*source.flat])
    if not isinstance(source, (list, tuple)):
        return Made(Name("collections", "OrderedDict"), args)
    torch.findings.charge(len(source), place)
    if not all(isinstance(pair, (list, tuple)) and len(pair) == 2 for pair in source):
        raise malformed("A dictionary out of something that is no pairs", place)
    return Pairs([item for pair in source for item in (pair[0], pair[1])])


def _default_pairs(torch: Torch, args: tuple[Value, ...], place: str) -> Value:
    return _pairs(torch, args[1:], place)


def _size(torch: Torch, args: tuple[Value, ...], place: str) -> Value:
    _check_most(args, 1, place)
    shape = sizes(args[0], place) if args else ()
    torch.findings.charge(len(shape), place)
    return shape


def _check_most(args: tuple[Value, ...], most: int, place: str) -> None:
    if len(args) > most:
        raise malformed("A call with more arguments than it takes", place)


def _uncalled(torch: Torch, args: tuple[Value, ...], place: str) -> Value:
    """A dtype is nothing to call, and the storages of a file lie outside its pickle."""
    raise malformed("A storage that the pickle makes, or a call of a dtype", place)


def _functions(makers: dict[str, dict[str, _Maker]]) -> dict[Name, _Maker]:
    return {Name(module, name): maker for module, names in makers.items() for name, maker in names.items()}


_MAKERS = _functions(
    {
        "torch._utils": {
            "_rebuild_tensor": _tensor_v1,
            "_rebuild_tensor_v2": _tensor_v2,
            "_rebuild_tensor_v3": _tensor_v3,
            "_rebuild_parameter": _around(3, 1),
            "_rebuild_parameter_with_state": _around(4, 1),
            "_rebuild_device_tensor_from_cpu_tensor": _around(4, 3),
            "_rebuild_qtensor": _qtensor,
            "_rebuild_sparse_tensor": _sparse,
            "_rebuild_sparse_csr_tensor": _sparse,
        },
        "torch._tensor": dict.fromkeys(_NESTED, _from_type),
        "torch.tensor": dict.fromkeys(_NESTED, _from_type),
        "torch.nn.parameter": {"Parameter": _parameter, "Buffer": _parameter},
        "torch": {
            **dict.fromkeys([*DTYPES, *STORAGES], _uncalled),
            "Size": _size,
        },
        "torch.storage": {"_load_from_bytes": _from_bytes},
        "torch.jit._pickle": dict.fromkeys(
            ("build_intlist", "build_tensorlist", "build_doublelist", "build_boollist", "restore_type_tag"), _first
        ),
        "collections": {"OrderedDict": _pairs, "Counter": _pairs, "defaultdict": _default_pairs},
        "builtins": {"dict": _pairs},
    }
)
