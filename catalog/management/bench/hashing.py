"""Our one read beside the tools that people use, on one warm safetensors file of `size` bytes."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from catalog.fingerprints.building import Builder
from catalog.formats.base import TensorInfo
from catalog.hashing.base import Plan
from catalog.hashing.engine import digest_file
from catalog.management.bench.measuring import Row, compare, tool
from catalog.vocabulary import Algorithm

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

DEFAULT_SIZE = 2 << 30

CIVITAI = frozenset({Algorithm.BLAKE3, Algorithm.SHA256, Algorithm.AUTOV1, Algorithm.AUTOV3, Algorithm.CRC32})
"""The six names by which Civitai knows a file, AutoV2 being a prefix."""

SHAPES = (13_107_200, 655_360, 1_280, 1_280, 3_276_800, 640)
"""Values of the tensors of one block, in turn: about the mixture of an SDXL checkpoint in 16 bits."""

_WIDTHS = {"F16": 2, "F32": 4}

TOOLS = (
    ("openssl", "dgst", "-sha256"),
    ("sha256sum",),
    ("b3sum",),
    ("b3sum", "--no-mmap"),
)


def run(*, size: int, rounds: int, folder: Path) -> list[Row]:
    """Write a file of about `size` bytes into `folder`, measure, remove it; then the same of f32 values.

    Seconds are those of the whole call.
    """
    path = folder / "bench-hashing.safetensors"
    rows = []
    for dtype, measure in (("F16", _compare), ("F32", _compare_f32)):
        try:
            body, tensors = _write(path, size, dtype)
            for _ in range(2):  # the kernel marks a page as used at its second reading, which costs once
                _hashlib_loop(path)
            rows += measure(path, rounds, body, tensors)
        finally:
            path.unlink(missing_ok=True)
    return rows


def _compare(path: Path, rounds: int, body: int, tensors: tuple[TensorInfo, ...]) -> list[Row]:
    cases: dict[str, Callable[[], object]] = {
        " ".join(command): tool(*command, os.fspath(path)) for command in TOOLS if shutil.which(command[0])
    }
    cases["hashlib loop, SHA-256"] = lambda: _hashlib_loop(path)
    cases["isotope, six digests"] = lambda: _ours(path, Plan(CIVITAI, body))
    cases["isotope, six digests and tensors"] = lambda: _ours(path, Plan(CIVITAI, body, tensors))
    cases["isotope, with fingerprint, fp16"] = lambda: _fingerprint(path, body, tensors)
    cases["isotope, BLAKE3 alone"] = lambda: _ours(path, Plan(frozenset({Algorithm.BLAKE3})))
    others = [("isotope, BLAKE3 alone", base) for base in ("b3sum", "b3sum --no-mmap") if base in cases]
    return compare(cases, rounds, others)


def _compare_f32(path: Path, rounds: int, body: int, tensors: tuple[TensorInfo, ...]) -> list[Row]:
    """Of an f32 file, only what differs."""
    command = TOOLS[0]
    cases: dict[str, Callable[[], object]] = {"hashlib loop, SHA-256, of f32": lambda: _hashlib_loop(path)}
    if shutil.which(command[0]):
        cases = {f"{' '.join(command)}, of f32": tool(*command, os.fspath(path)), **cases}
    cases["isotope, with fingerprint, f32"] = lambda: _fingerprint(path, body, tensors)
    return compare(cases, rounds)


@dataclass(frozen=True, slots=True)
class _Opened:
    name: bytes
    size: int
    descriptor: int

    def fileno(self) -> int:
        return self.descriptor


def _ours(path: Path, plan: Plan) -> None:
    with open(path, "rb", buffering=0) as file:
        opened = _Opened(os.fsencode(path), os.fstat(file.fileno()).st_size, file.fileno())
        digest_file(opened, plan)


def _fingerprint(path: Path, body: int, tensors: tuple[TensorInfo, ...]) -> None:
    """Six digests, those of the tensors, and the fingerprint, as a library's files are read."""
    builder = Builder(tensors, {}, {"": tuple(range(len(tensors)))})
    with open(path, "rb", buffering=0) as file:
        opened = _Opened(os.fsencode(path), os.fstat(file.fileno()).st_size, file.fileno())
        found = digest_file(opened, Plan(CIVITAI, body, tensors, (builder.lane(0, opened.size),)))
    builder.fingerprints(found.tensors)


def _hashlib_loop(path: Path) -> None:
    """What a careful script does: one reused buffer of 1 MiB."""
    hasher, buffer = hashlib.sha256(), memoryview(bytearray(1 << 20))
    with open(path, "rb", buffering=0) as file:
        while count := file.readinto(buffer):
            hasher.update(buffer[:count])


def _write(path: Path, size: int, dtype: str) -> tuple[int, tuple[TensorInfo, ...]]:
    """A safetensors file of weights; where its body begins, and its tensors."""
    width = _WIDTHS[dtype]
    spans = _spans(size, width)
    shapes = [_shape((stop - start) // width) for _, start, stop in spans]
    fields = {
        f"{n}.weight": {"dtype": dtype, "shape": shape, "data_offsets": [a, b]}
        for (n, a, b), shape in zip(spans, shapes, strict=True)
    }
    header = json.dumps(fields).encode()
    header += b" " * (-len(header) % 8)  # as the format's own library does
    body = 8 + len(header)
    noise = _weights(dtype)
    with open(path, "wb") as file:
        file.write(len(header).to_bytes(8, "little") + header)
        left = spans[-1][2]
        while left:
            left -= file.write(noise[:left])
        file.flush()
        os.fsync(file.fileno())  # else the write-back would run beside the first rounds
    tensors = tuple(
        TensorInfo(f"{n}.weight", dtype, shape, body + a, b - a) for (n, a, b), shape in zip(spans, shapes, strict=True)
    )
    return body, tensors


def _weights(dtype: str) -> bytes:
    """16 MiB of values as a trained layer has them: around zero, two hundredths wide."""
    values = np.random.default_rng(0).standard_normal((16 << 20) // _WIDTHS[dtype], np.float32) * np.float32(0.02)
    return values.astype("<f2" if dtype == "F16" else "<f4").tobytes()


def _shape(values: int) -> tuple[int, ...]:
    """Two dimensions where they come out even."""
    return (values // 64, 64) if values >= 4096 and values % 64 == 0 else (values,)


def _spans(size: int, width: int) -> list[tuple[int, int, int]]:
    """Tensors (number, start, stop) that fill the body; the last one is cut."""
    spans: list[tuple[int, int, int]] = []
    at = 0
    while at < size:
        stop = min(at + width * SHAPES[len(spans) % len(SHAPES)], size & -width)
        if stop == at:
            break
        spans.append((len(spans), at, stop))
        at = stop
    return spans
