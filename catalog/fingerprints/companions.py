"""Weights of eight bits whose scales lie in tensors of their own: which tensor that is, and which scale is whose.

Told by names and shapes alone. Where a scale lies beside a weight and does not fit it, nothing is said of the weight:
its values would be wrong by a factor. Names: `weight_scale` (compressed-tensors, ModelOpt, FBGEMM, ComfyUI);
`weight_scale_inv` (DeepSeek; it multiplies all the same); `scale_weight` (ComfyUI); `SCB` (bitsandbytes: the absolute
maxima of rows); `_data` beside `_scale` (quanto); `qdata` beside `scale` (torchao); `_quantized` or `_q` beside
`_scale` and `_zero_point` (ONNX Runtime and other exporters).
"""

from __future__ import annotations

import re
from math import prod
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from catalog.fingerprints.positions import matrix

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from catalog.fingerprints.positions import Places
    from catalog.formats.base import Json, TensorInfo

WEIGHTS = frozenset({"I8", "U8", "F8_E4M3", "F8_E5M2", "F8_E4M3FNUZ", "F8_E5M2FNUZ"})
"""Types of weights that may have a scale beside them."""
SCALES = frozenset({"F32", "F16", "BF16", "F64", "F8_E8M0"})
_POWERS = "U8"  # F8_E8M0 is often kept as bytes

_BNB = 1 / 127  # bitsandbytes: value = q * SCB / 127
_BLOCK = 128  # DeepSeek's blocks, and those of all who followed
_MX = 32  # values that share a scale in the microscaling formats
_TILE = (128, 4)
_PLAIN_MARK = 32  # bytes of ComfyUI's `{"format": "int8_tensorwise"}`; what is longer may say that the rows are rotated
_EXPERT = re.compile(r"(.*)\[(\d{1,6})\]")


class Scale(NamedTuple):
    """The scales of one weight: element (r, c) of its matrix has number first + r // rows * across + c // columns.

    `tensor`, `zero`: numbers of the tensors that hold the scales and the zero points (of equal shape; or None).
    `tiled`: the scales of rows lie in tiles of 128 x 4 instead (cuBLAS' layout of block scales: 32 lines of four rows).
    `powers`: the scales are exponents of two, kept as bytes. A value is scale * factor * (code - zero point).
    """

    tensor: int
    rows: int
    columns: int
    across: int = 1
    tiled: bool = False
    first: int = 0
    zero: int | None = None
    factor: float = 1.0
    powers: bool = False

    def numbers(self, places: Places, columns: int) -> Places:
        """Numbers of the scales of the values with these numbers in C order, of a matrix of so many columns."""
        return self._at(*np.divmod(places, columns))

    def grid(self, rows: Places, columns: Places) -> Places:
        """The same of all values in these rows and columns: shape (rows, columns)."""
        return self._at(rows[:, None], columns[None, :])

    def _at(self, row: Places, column: Places) -> Places:
        down, across = row // self.rows, column // self.columns
        if not self.tiled:
            return self.first + down * self.across + across
        height, width = _TILE
        tile = down // height * (self.across // width) + across // width
        line = down % 32 * 16 + down % height // 32 * width
        return self.first + tile * height * width + line + across % width


class Beside(NamedTuple):
    """A name that may belong to a weight's scale.

    `either`: a list of scales may be of rows or of columns (ONNX). `unless`: a tensor that makes the values others.
    """

    scale: str
    zero: str = ""
    factor: float = 1.0
    either: bool = False
    unless: str = ""
    dtypes: frozenset[str] = WEIGHTS


class Spans(NamedTuple):
    """How many rows and columns one scale is for, and how many scales lie side by side."""

    rows: int
    columns: int
    across: int = 1
    tiled: bool = False


def scales_of(tensors: Sequence[TensorInfo], metadata: Mapping[str, Json]) -> Mapping[int, Scale | None]:
    """By number of the weight: its scales, or None where there are some that do not fit.

    Of a weight that is not named here nothing lies beside: integers are no weights then, and floats mean what they say.
    """
    weights = [number for number, tensor in enumerate(tensors) if tensor.dtype in WEIGHTS]
    if not weights:
        return {}
    search = _Search(tensors, metadata)
    for number in weights:
        search.look(number)
    return search.settled()


class _Search:
    """Of one file."""

    def __init__(self, tensors: Sequence[TensorInfo], metadata: Mapping[str, Json]) -> None:
        self._tensors, self._block = tensors, _stated_block(metadata)
        self._listed = metadata.get("_quantization_metadata")
        self._names = {tensor.name: number for number, tensor in enumerate(tensors)}
        self._found: dict[int, Scale | None] = {}
        self._either: set[int] = set()  # square: their scales may be of rows or of columns
        self._turned: set[bool] = set()  # of which sort the others are that might have been either

    def look(self, number: int) -> None:
        """Find what lies beside a weight."""
        weight = self._tensors[number]
        expert = _EXPERT.fullmatch(weight.name)
        for beside in _candidates(expert[1] if expert else weight.name):
            own = f"{beside.scale}[{expert[2]}]" if expert else beside.scale
            if weight.dtype not in beside.dtypes:
                continue
            if own in self._names:
                zero = f"{beside.zero}[{expert[2]}]" if expert else beside.zero
                self._found[number] = self._fitting(number, self._names[own], beside, zero, None)
                return
            if expert and beside.scale in self._names:
                at = self._names[beside.scale]
                self._found[number] = self._fitting(number, at, beside, beside.zero, int(expert[2]))
                return

    def settled(self) -> Mapping[int, Scale | None]:
        """What was found; square matrices follow the others of the file, if those agree among themselves."""
        turned = next(iter(self._turned)) if len(self._turned) == 1 else None
        for number in self._either:
            scale = self._found[number]
            if turned is None:
                self._found[number] = None
            elif turned and scale is not None:
                self._found[number] = scale._replace(rows=scale.columns, columns=1, across=scale.columns)
        return self._found

    def _fitting(self, number: int, at: int, beside: Beside, zero: str, expert: int | None) -> Scale | None:
        weight, scale = self._tensors[number], self._tensors[at]
        powers = scale.dtype == _POWERS and weight.dtype.startswith("F8")
        if scale.dtype not in SCALES and not powers:
            return None
        if beside.unless in self._names or self._is_rotated(weight):
            return None
        first, shape = _part(scale.shape, expert)
        spans = None
        if shape is not None:
            spans = self._tiles(weight, scale) or self._spans(number, weight.shape, shape, beside)
        points = self._names.get(zero) if zero else None
        if spans is None or (points is not None and not self._zeros_fit(number, at, points)):
            return None
        return Scale(at, *spans, first=first, zero=points, factor=beside.factor, powers=powers)

    def _marked(self, weight: TensorInfo) -> int:
        """Bytes in which ComfyUI says how the weight is quantised; 0 where it does not."""
        mark = self._names.get(f"{weight.name.removesuffix('.weight')}.comfy_quant")
        return 0 if mark is None else self._tensors[mark].nbytes

    def _is_rotated(self, weight: TensorInfo) -> bool:
        """Whether integers may be of a rotated weight: then their values are not those of the weight."""
        listed = isinstance(self._listed, str) and "rot" in self._listed
        return weight.dtype in {"I8", "U8"} and (listed or self._marked(weight) > _PLAIN_MARK)

    def _tiles(self, weight: TensorInfo, scale: TensorInfo) -> Spans | None:
        """Scales of 32 columns in tiles, told by the room that these need, or by ComfyUI's mark."""
        rows, columns = matrix(weight.shape)
        plain = (rows, -(-columns // _MX))
        padded = tuple(-(-length // size) * size for length, size in zip(plain, _TILE, strict=True))
        if scale.shape != padded or scale.dtype not in {_POWERS, "F8_E8M0"} or rows < 2:
            return None
        tiled = padded != plain or self._listed is not None or self._marked(weight) > 0
        return Spans(1, _MX, padded[1], tiled=True) if tiled else None

    def _zeros_fit(self, number: int, at: int, zero: int) -> bool:
        points = self._tensors[zero]
        return points.values == self._tensors[at].values and points.dtype == self._tensors[number].dtype

    def _spans(self, number: int, weight: Sequence[int], scale: Sequence[int], beside: Beside) -> Spans | None:
        rows, columns = matrix(weight)
        if prod(scale) == 1:
            return Spans(rows, columns)
        if beside.either and len(scale) == 1 and rows > 1 and len(weight) == 2:  # a convolution's are of its rows
            return self._of_either(number, rows, columns, scale[0])
        return _of_rows(weight, rows, columns, scale) or _of_blocks(rows, columns, scale, self._block)

    def _of_either(self, number: int, rows: int, columns: int, length: int) -> Spans | None:
        by_row, by_column = Spans(1, columns), Spans(rows, 1, columns)
        if length == rows == columns:
            self._either.add(number)
            return by_row
        if length in {rows, columns}:
            self._turned.add(length == columns)
        return by_row if length == rows else by_column if length == columns else None


def _candidates(name: str) -> Iterator[Beside]:
    """The names under which the scale of a weight of this name may lie."""
    stem = name.removesuffix(".weight")
    yield Beside(f"{name}_scale_inv")
    yield Beside(f"{name}_scale", f"{name}_zero_point")
    if stem != name:
        yield Beside(f"{stem}.scale_weight")
        yield Beside(f"{stem}.SCB", factor=_BNB, dtypes=frozenset({"I8"}))
    for end in ("_quantized", "_q"):
        if name.endswith(end):
            base = name.removesuffix(end)
            yield Beside(f"{base}_scale", f"{base}_zero_point", either=True)
    if name.endswith("._data"):
        base = name.removesuffix("._data")
        yield Beside(f"{base}._scale", unless=f"{base}._shift")
    if name.endswith(("_qdata", ":qdata")):
        base = name.removesuffix("qdata")
        yield Beside(f"{base}scale", f"{base}zero_point")


def _part(shape: Sequence[int], expert: int | None) -> tuple[int, Sequence[int] | None]:
    """Which scales of a stack are an expert's: number of the first, and their shape; None where there are none."""
    if expert is None or prod(shape) == 1:
        return 0, shape
    if not shape or expert >= shape[0]:
        return 0, None
    return expert * prod(shape[1:]), shape[1:]


def _of_rows(weight: Sequence[int], rows: int, columns: int, scale: Sequence[int]) -> Spans | None:
    """One scale a row, or one a column where the scale's own shape says so."""
    long = [axis for axis, length in enumerate(scale) if length > 1]
    if rows < 2 or len(long) != 1:
        return None
    if len(scale) in {1, len(weight)} and long[0] == 0 and scale[0] == rows == weight[0]:
        return Spans(1, columns)
    if len(weight) == len(scale) == 2 and long[0] == 1 and scale[1] == columns:
        return Spans(rows, 1, columns)
    return None


def _of_blocks(rows: int, columns: int, scale: Sequence[int], stated: tuple[int, int] | None) -> Spans | None:
    """One scale a block: of the stated size, else of 128 x 128, else of powers of two that divide the matrix evenly."""
    if len(scale) != 2 or rows < 2 or not all(scale):
        return None
    down, across = scale
    for height, width in (stated, (_BLOCK, _BLOCK)) if stated else ((_BLOCK, _BLOCK),):
        if -(-rows // height) == down and -(-columns // width) == across:
            return Spans(height, width, across)
    if _even(rows, down) and _even(columns, across):
        return Spans(rows // down, columns // across, across)
    return None


def _even(length: int, parts: int) -> bool:
    """Whether so many parts make an axis, each a power of two long, or the whole of it."""
    size, rest = divmod(length, parts)
    return rest == 0 and (parts == 1 or size & (size - 1) == 0)


def _stated_block(metadata: Mapping[str, Json]) -> tuple[int, int] | None:
    """`quantization_config.weight_block_size` of a configuration beside the weights."""
    config = metadata.get("config.json")
    told = config.get("quantization_config") if isinstance(config, dict) else None
    block = told.get("weight_block_size") if isinstance(told, dict) else None
    if not isinstance(block, list) or len(block) != 2:
        return None
    height, width = block
    if isinstance(height, int) and isinstance(width, int) and height > 0 and width > 0:
        return height, width
    return None
