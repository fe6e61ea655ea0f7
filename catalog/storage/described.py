"""Models in several files of which one describes and the others hold the numbers, by their names alone.

TensorFlow's SavedModel and checkpoints, TensorFlow.js, Core ML's packages, OpenVINO, ncnn and PaddlePaddle.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

PLACE_ITSELF = -1


class Program(NamedTuple):
    """What goes with a description. `data` matches whole names relative to its folder, those in folders with a `/`;
    `below` is the one folder that such may lie in. `texts` may lie beside it. The model's place is the folder `above`
    levels up, or the description itself. `word` is the name of the set.
    """

    word: str
    data: re.Pattern[bytes]
    below: bytes = b""
    texts: tuple[bytes, ...] = ()
    above: int = PLACE_ITSELF


_SAVED_MODEL = Program(
    "tensorflow",
    re.compile(rb"variables/variables\.(?:index|data-\d{5}-of-\d{5})"),
    b"variables",
    (b"keras_metadata.pb", b"fingerprint.pb"),
    above=0,
)
_SCRIPT = Program("tfjs", re.compile(rb"[^/]+-shard\d+of\d+(?:\.bin)?|[^/]*weights\.bin"), above=0)
_PACKAGE = Program("coreml", re.compile(rb"weights/[^/]+"), b"weights", above=2)
_PACKAGED = b"/Data/com.apple.CoreML"
_MANIFEST = "Manifest.json"

_PAIRS = {b".xml": ("openvino", b".bin"), b".param": ("ncnn", b".bin"), b".pdmodel": ("paddle", b".pdiparams")}
_PIECE = re.compile(r".+\.data-\d{5}-of-\d{5}|.+-shard\d+of\d+(?:\.bin)?", re.DOTALL)
_NUMBERED = re.compile(
    rb"(?P<head>.+)(?:\.data-(?P<at>\d{5})-of-(?P<of>\d{5})|-shard(?P<shard>\d{1,6})of(?P<shards>\d{1,6}))(?P<tail>(?:\.bin)?)",
    re.DOTALL,
)
_MOST_NAMED = 100
_UNNAMED = (".xml", ".param", ".index")
"""Suffixes of descriptions that are taken for their data's sake alone."""

DESCRIPTIONS = frozenset((b".pb", b".json", b".index", b".mlmodel", *_PAIRS))
"""Suffixes that a description may have."""


def program_of(path: bytes) -> Program | None:
    """What the file there describes, if it is called like a description."""
    folder, _, name = path.rpartition(b"/")
    stem, dot, suffix = name.rpartition(b".")
    if name == b"saved_model.pb":
        return _SAVED_MODEL
    if name == b"model.json":
        return _SCRIPT
    if suffix == b"mlmodel":
        return _PACKAGE if folder.endswith(_PACKAGED) else None
    if suffix == b"index":
        return Program("tensorflow", re.compile(re.escape(stem) + rb"\.data-\d{5}-of-\d{5}"))
    pair = _PAIRS.get(dot + suffix)
    return Program(pair[0], re.compile(re.escape(stem + pair[1]))) if pair else None


def manifest_of(folder: bytes) -> bytes:
    """The manifest of a package, by the folder of its model; empty for another folder."""
    return folder.removesuffix(_PACKAGED) + b"/Manifest.json" if folder.endswith(_PACKAGED) else b""


def missing(there: set[bytes]) -> Iterator[bytes]:
    """The pieces that the numbers of others promise: TensorFlow counts from 0, TensorFlow.js from 1."""
    for name in _fellows(there):
        if name not in there:
            yield name


def _fellows(there: set[bytes]) -> Iterator[bytes]:
    """Each name that one of the pieces promises; of a false number no more than a hundred beyond what is there."""
    families = {
        (found["head"], found["of"], found["shards"], found["tail"]) for found in map(_numbered, there) if found
    }
    most = len(there) + _MOST_NAMED
    for head, of, shards, tail in sorted(families, key=str):
        if of:
            yield from (b"%b.data-%05d-of-%b%b" % (head, at, of, tail) for at in range(min(int(of), most)))
        else:
            yield from (b"%b-shard%dof%b%b" % (head, at, shards, tail) for at in range(1, min(int(shards), most) + 1))


def _numbered(name: bytes) -> re.Match[bytes] | None:
    return _NUMBERED.fullmatch(name) if b".data-" in name or b"-shard" in name else None


def is_wanted(name: str, here: Iterable[str], folder: bytes) -> bool:
    """A file that no walk would take by its suffix, but that belongs to a model of several.

    `here` is what lies beside it, in the folder whose path with a closing `/` is `folder`.
    """
    if (("-shard" in name or ".data-" in name) and _PIECE.fullmatch(name)) or (
        name == _MANIFEST and folder.endswith(b".mlpackage/")
    ):
        return True
    if name != "model.json" and not name.endswith(_UNNAMED):
        return False
    program = program_of(name.encode(errors="surrogateescape"))
    return program is not None and any(program.data.fullmatch(other.encode(errors="surrogateescape")) for other in here)
