"""Fingerprints of arrays, by the definitions themselves: every value looked up, nothing counted or kept in blocks."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from blake3 import blake3

from catalog.fingerprints import codes, tables
from catalog.fingerprints.base import NO_SAMPLES, Fingerprint, Rung, Samples, TensorPrint
from catalog.fingerprints.codings import codings_of
from catalog.fingerprints.sketch import plan
from catalog.formats.base import TensorInfo
from catalog.matching.pairing_precision import bf16_codes, f16_codes
from tests.builders import BRAIN, HALF, Packed

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    import numpy.typing as npt

    from catalog.fingerprints.base import Floats, Lanes
    from catalog.formats.base import Json
    from tests.builders import Array

_NAMES = {
    "float64": "F64", "float32": "F32", "float16": "F16", "bfloat16": "BF16", "float8_e4m3fn": "F8_E4M3",
    "float8_e5m2": "F8_E5M2", "int64": "I64", "int32": "I32", "int8": "I8", "uint8": "U8", "bool": "BOOL",
}  # fmt: skip
_FLOATS = frozenset({"F64", "F32", "F16", "BF16", "F8_E4M3", "F8_E5M2"})


def fingerprint(
    tensors: Mapping[str, Array | Packed], name: str = "", metadata: Mapping[str, Json] | None = None
) -> Fingerprint:
    """Of one component that holds these tensors."""
    infos, raws = [], []
    for key in sorted(tensors):
        array = tensors[key]
        if isinstance(array, Packed):
            dtype, raw = array.dtype, array.raw
        else:
            dtype, raw = _NAMES[array.dtype.name], np.ascontiguousarray(array).tobytes()
        infos.append(TensorInfo(key, dtype, tuple(array.shape), 0, len(raw)))
        raws.append(raw)
    return fingerprint_of(infos, raws, name, metadata or {})


def fingerprint_of(
    infos: Sequence[TensorInfo], raws: Sequence[bytes], name: str, metadata: Mapping[str, Json]
) -> Fingerprint:
    """The same from bytes as they lie in a file."""
    sketch = plan(infos, metadata)
    pieces = {}
    for number, wanted in enumerate(sketch.wanted):
        raw = np.frombuffer(raws[wanted.tensor], np.uint8)
        pieces[number] = raw[wanted.offsets[:, None] + np.arange(wanted.length)]
    scaled = [coding is not None and coding.scale is not None for coding in codings_of(infos, metadata)]
    prints = map(_print, infos, raws, sketch.samples(pieces), scaled)
    return Fingerprint(name, tuple(sorted(prints, key=lambda each: each.name)))


def _print(info: TensorInfo, raw: bytes, samples: Samples, scaled: bool) -> TensorPrint:
    samples = Samples(*(column.copy() for column in samples)) if len(samples.values) else NO_SAMPLES
    own = _digest(info.dtype, info.values, raw)
    bare = TensorPrint(info.name, info.dtype, info.shape, own, samples=samples)
    if info.dtype not in _FLOATS or scaled or not info.values:
        known = samples.values[np.isfinite(samples.values)]
        rms, mean = (float(np.sqrt((known**2).mean())), float(known.mean())) if len(known) else (np.nan, np.nan)
        return bare._replace(rms=rms, mean=mean)
    values = _values(info.dtype, raw)
    f16, bf16 = codes.plain_f16(f16_codes(values)), codes.plain_bf16(bf16_codes(values))
    twin = info.dtype == "F32"
    finite = values[np.isfinite(values)]
    return bare._replace(
        td_f16=_digest("F16", info.values, f16_codes(values).tobytes())
        if twin
        else own
        if info.dtype == "F16"
        else b"",
        td_bf16=_digest("BF16", info.values, bf16_codes(values).tobytes())
        if twin
        else own
        if info.dtype == "BF16"
        else b"",
        lanes=_lanes(values, f16, bf16),
        m32=int(tables.exact_words(values.astype(np.float32).view(np.uint32)).sum(dtype=np.uint64)),
        exact_f16=_equal(_of_f16(f16), values),
        exact_bf16=_equal(_of_bf16(bf16), values),
        codes_f16=len(np.unique(f16)),
        codes_bf16=len(np.unique(bf16)),
        rms=float(np.sqrt((finite**2).mean())) if len(finite) else np.nan,
        mean=float(finite.mean()) if len(finite) else np.nan,
    )


def _digest(dtype: str, values: int, raw: bytes) -> bytes:
    found = blake3(b"isotope/tensor/v1\0" + dtype.encode() + b"\0" + values.to_bytes(8, "little") + raw).digest()
    return found[:16]


def _values(dtype: str, raw: bytes) -> Floats:
    types = {"F64": np.dtype("<f8"), "F32": np.dtype("<f4"), "F16": HALF, "BF16": BRAIN}
    if dtype in types:
        values: Floats = np.frombuffer(raw, types[dtype]).astype(np.float64)
        return values
    by_code = codes.e4m3_values() if dtype == "F8_E4M3" else codes.e5m2_values()
    return _of_f16(by_code[np.frombuffer(raw, np.uint8)])


def _of_f16(found: npt.NDArray[np.uint16]) -> Floats:
    values: Floats = found.astype(np.uint16).view(np.float16).astype(np.float64)
    return values


def _of_bf16(found: npt.NDArray[np.uint16]) -> Floats:
    values: Floats = (found.astype(np.uint32) << 16).view(np.float32).astype(np.float64)
    return values


def _equal(one: Floats, other: Floats) -> bool:
    return bool(((one == other) | np.isnan(one) & np.isnan(other)).all())


def _lanes(values: Floats, f16: npt.NDArray[np.uint16], bf16: npt.NDArray[np.uint16]) -> Lanes:
    by_f16, by_bf16 = _of_f16(f16), _of_bf16(bf16)
    found = {
        Rung.F16: f16,
        Rung.BF16: bf16,
        Rung.FB: codes.plain_f16(f16_codes(by_bf16)),
        Rung.BF: codes.plain_bf16(bf16_codes(by_f16)),
        Rung.FZ: codes.plain_f16(codes.flushed(f16)),
        Rung.E4M3: codes.e4m3_codes(values),
        Rung.E4M3_F16: codes.e4m3_codes(by_f16),
        Rung.E4M3_BF16: codes.e4m3_codes(by_bf16),
        Rung.E5M2: codes.e5m2_codes(values),
        Rung.E5M2_F16: codes.e5m2_codes(by_f16),
        Rung.E5M2_BF16: codes.e5m2_codes(by_bf16),
    }
    lanes = np.zeros((len(Rung), 2), np.uint64)
    for rung, chosen in found.items():
        words = tables.words(b"bf16" if rung in (Rung.BF16, Rung.BF) else b"f16")
        lanes[rung] = words[chosen].sum(axis=0, dtype=np.uint64)
    return lanes
