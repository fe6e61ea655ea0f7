"""What the name of one file says of its place in a set: shard, container, dtype suffix, role."""

from __future__ import annotations

import re
from itertools import islice
from typing import NamedTuple

from catalog.storage import names
from catalog.vocabulary import FileRole, Format

PIPELINE = b"model_index.json"
CONFIGS = frozenset((b"config.json", b"adapter_config.json"))
STEMS = (b"model", b"pytorch_model", b"diffusion_pytorch_model", b"adapter_model")
"""What transformers, diffusers and peft call weights that belong to the configuration beside them; first goes first."""

WEIGHT_SUFFIXES = frozenset(suffix.encode() for suffix in names.WEIGHTS)
STATE_SUFFIXES = frozenset(suffix.encode() for suffix in names.STATE_SUFFIXES)
_SELF_CONTAINED = frozenset(("gguf", "ggml", "llamafile"))
_PICKLES = frozenset(("bin", "ckpt", "pickle", "pkl", "pt", "pt2", "pth"))
_FORMATS = {"safetensors": Format.SAFETENSORS, "sft": Format.SAFETENSORS, "gguf": Format.GGUF, "onnx": Format.ONNX}
_MOST_NAMED = 100

_SHARD = re.compile(
    rb"(?P<head>.+)(?P<dash>[-_])(?P<number>\d{4,6})-of-(?P<total>\d{4,6})(?P<after>(?:\.[A-Za-z0-9_-]{1,32})?)",
    re.DOTALL,
)
_DTYPE = re.compile(rb"[A-Za-z0-9_-]{1,32}")


class Family(NamedTuple):
    """What the shards of one model have in common. `total` keeps its zeros, `suffix` its dot and case.

    diffusers writes the dtype at the end of `head`, and used to write it in `after`.
    """

    head: bytes
    dash: bytes
    total: bytes
    after: bytes
    suffix: bytes

    @property
    def alone(self) -> bool:
        """One shard of one: a file like any other."""
        return int(self.total) == 1

    def shard(self, number: int) -> bytes:
        """The file name of one shard, from 1."""
        digits = str(number).zfill(len(self.total)).encode()
        return self.head + self.dash + digits + b"-of-" + self.total + self.after + self.suffix

    def missing(self, there: set[bytes]) -> tuple[bytes, ...]:
        """Names of shards that are not there; the first hundred, since a name may claim any number."""
        shards = (self.shard(number) for number in range(1, int(self.total) + 1))
        return tuple(islice((shard for shard in shards if shard not in there), _MOST_NAMED))

    def indexes(self) -> tuple[bytes, ...]:
        """The names that the index of these shards may have."""
        stem, _, dtype = (self.head + self.after).partition(b".")
        plain = (self.head + self.after + self.suffix + b".index.json", stem + self.suffix + b".index.json")
        return (plain[0], stem + self.suffix + b".index." + dtype + b".json") if dtype else plain[:1]


def suffix(name: bytes) -> bytes:
    """From the last dot, lower case."""
    dot = name.rfind(b".")
    return name[dot:].lower() if dot >= 0 else b""


def family_of(name: bytes) -> Family | None:
    """The family of a shard; None for a file that is no shard, or says nonsense (`-00009-of-00002`)."""
    dot = name.rfind(b".")
    if dot <= 0 or name[dot:].lower() not in WEIGHT_SUFFIXES:
        return None
    found = _SHARD.fullmatch(name, 0, dot)
    if found is None or len(found["number"]) != len(found["total"]):
        return None
    if not 1 <= int(found["number"]) <= int(found["total"]):
        return None
    return Family(found["head"], found["dash"], found["total"], found["after"], name[dot:])


def folder_set(name: bytes, family: Family | None) -> tuple[int, str] | None:
    """Rank of the stem and name of the set (`safetensors:fp16`), when a configuration beside it may be its own."""
    container = container_of(name)
    if suffix(name) not in WEIGHT_SUFFIXES or container in _SELF_CONTAINED:
        return None
    body = family.head + family.after if family is not None else name[: name.rfind(b".")]
    stem, _, dtype = body.partition(b".")
    if stem not in STEMS or not (dtype == b"" or _DTYPE.fullmatch(dtype)):
        return None
    return STEMS.index(stem), f"{container}:{dtype.decode()}" if dtype else container


def data_owners(name: bytes) -> tuple[bytes, ...]:
    """The ONNX files whose external data a file called so may be."""
    return tuple(owner.encode("latin-1") for owner in names.data_owners(name.decode("latin-1")))


def container_of(name: bytes) -> str:
    """`safetensors`, `gguf`, `bin`: the suffix without its dot."""
    return suffix(name)[1:].decode("ascii", "replace")


def format_of(name: bytes) -> Format:
    """The format that a suffix promises; the bytes decide."""
    container = container_of(name)
    return Format.PICKLE if container in _PICKLES else _FORMATS.get(container, Format.OTHER)


def role_of(name: bytes) -> FileRole:
    """What a companion does, by its own name."""
    if name.endswith(b"config.json") and not name.startswith(b"tokenizer"):
        return FileRole.CONFIG
    if name == PIPELINE:
        return FileRole.CONFIG
    return FileRole.INDEX if is_index(name) else FileRole.TOKENIZER


def is_index(name: bytes) -> bool:
    """It lists the shards of some set."""
    return name != PIPELINE and name.endswith(b".json") and (name.endswith(b"index.json") or b".index." in name)
