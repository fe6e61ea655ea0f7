"""Formats of further programs that a magic number tells, or, where they have none, their suffix.

ExecuTorch: schema/program.fbs. RKNN: no definition is published, rknn_api refuses what does not begin with the word.
ONNX Runtime: core/flatbuffers/schema/ort.fbs. Torch7: torch.ch, its `.t7` has no mark.
"""

from __future__ import annotations

import re
from dataclasses import replace
from typing import TYPE_CHECKING

from catalog.formats.heads import Guess
from catalog.vocabulary import Format

if TYPE_CHECKING:
    from catalog.formats.heads import Head

_MARKS = (
    (4, re.compile(rb"ET\d\d"), Guess(Format.EXECUTORCH)),
    (4, re.compile(rb"FT\d\d"), Guess(Format.EXECUTORCH, "ExecuTorch tensors")),
    (0, re.compile(rb"RKNN"), Guess(Format.RKNN)),
    (4, re.compile(rb"ORTM"), Guess(Format.OTHER, "ONNX Runtime")),
    (0, re.compile(rb"\x01HEF"), Guess(Format.OTHER, "Hailo")),
    (0, re.compile(rb"\x12\x01\x00\x00\x00\x00\x00\x00"), Guess(Format.OTHER, "MXNet")),  # NDArray's list of arrays
)
_SUFFIXES = {
    b".keras": Guess(Format.KERAS),
    b".h5": Guess(Format.HDF5),
    b".hdf5": Guess(Format.HDF5),
    b".pb": Guess(Format.TENSORFLOW),
    b".tflite": Guess(Format.TFLITE),
    b".mlmodel": Guess(Format.COREML),
    b".engine": Guess(Format.TENSORRT),
    b".plan": Guess(Format.TENSORRT),
    b".trt": Guess(Format.TENSORRT),
    b".msgpack": Guess(Format.FLAX),
    b".npz": Guess(Format.NUMPY),
    b".npy": Guess(Format.NUMPY),
    b".ggml": Guess(Format.GGML),
    b".llamafile": Guess(Format.LLAMAFILE),
    b".pdmodel": Guess(Format.PADDLE),
    b".pdiparams": Guess(Format.PADDLE),
    b".mnn": Guess(Format.MNN),
    b".pte": Guess(Format.EXECUTORCH),
    b".rknn": Guess(Format.RKNN),
    b".ort": Guess(Format.OTHER, "ONNX Runtime"),
    b".ot": Guess(Format.OTHER, "Rust's tch"),
    b".t7": Guess(Format.OTHER, "Torch7"),
    b".caffemodel": Guess(Format.OTHER, "Caffe"),
    b".dlc": Guess(Format.OTHER, "Qualcomm DLC"),
    b".om": Guess(Format.OTHER, "Ascend"),
    b".hef": Guess(Format.OTHER, "Hailo"),
}
_MARKED = frozenset((b".keras", b".h5", b".hdf5", b".tflite", b".npz", b".npy", b".pte", b".rknn"))
"""Suffixes of formats that always begin with their mark."""


def recognise(head: Head) -> Guess | None:
    """By the mark."""
    return next((guess for at, mark, guess in _MARKS if mark.match(head.start, at)), None)


def by_suffix(suffix: bytes) -> Guess | None:
    """What the suffix promises; to be asked where the bytes say nothing."""
    guess = _SUFFIXES.get(suffix)
    if guess is not None and suffix in _MARKED:
        return replace(guess, no_model=f"no {guess.title} file: its first bytes are not those of that format")
    return guess
