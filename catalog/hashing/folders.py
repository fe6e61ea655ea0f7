"""Digests of several files together, made of the digests of each. No file is read here."""

from __future__ import annotations

import os
from pathlib import PurePosixPath
from typing import TYPE_CHECKING

from blake3 import blake3

if TYPE_CHECKING:
    from collections.abc import Iterable

INVOKE_SUFFIXES = (b".ckpt", b".safetensors", b".bin", b".pt", b".pth")
"""InvokeAI `model_hash.py: MODEL_FILE_EXTENSIONS`; the case counts."""


def folder_v1(files: Iterable[tuple[bytes, bytes]]) -> bytes | None:
    """`folder:v1` of the files of one set: (path relative to its folder with `/` between parts, BLAKE3 of the file).

    BLAKE3("isotope/folder/v1" NUL, then by raw path: u64le(length of the path), path, digest). None of no files.
    """
    ordered = sorted(files)
    if not ordered:
        return None
    parts = [b"isotope/folder/v1\0"]
    for path, digest in ordered:
        parts += (len(path).to_bytes(8, "little"), path, digest)
    return blake3(b"".join(parts)).digest()


def invoke_dir(algorithm: str, files: Iterable[tuple[bytes, bytes]]) -> bytes | None:
    """InvokeAI's hash of a model folder: of all its files the relative path and the digest by that algorithm.

    InvokeAI `model_hash.py: ModelHash._hash_dir`: BLAKE3 over the digests in hex, whatever the algorithm, in the
    order of `Path` objects, that is by parts: `unet/a` comes before `unet-b/a`. Neither names nor configurations enter.
    None where no file has one of its suffixes: there InvokeAI says the digest of nothing, the same for all such
    folders. Raises ValueError for `random` and for `shake_*`, whose files have no digest.
    """
    if algorithm == "random" or algorithm.startswith("shake_"):
        raise ValueError(f"{algorithm} gives files no digest, so a folder has none by it")
    chosen = [(_parts(path), digest) for path, digest in files if path.endswith(INVOKE_SUFFIXES)]
    if not chosen:
        return None
    return blake3("".join(digest.hex() for _, digest in sorted(chosen)).encode()).digest()


def _parts(path: bytes) -> tuple[str, ...]:
    """Compared as text, as InvokeAI does it: undecodable bytes are surrogates and sort by those."""
    return PurePosixPath(os.fsdecode(path)).parts
