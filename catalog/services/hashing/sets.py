"""The digests of all files of a place together, and of the parts of a model."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, NamedTuple

from blake3 import blake3

from catalog.hashing.folders import folder_v1, invoke_dir
from catalog.hashing.parts import is_weight, parts_of
from catalog.hashing.tensors import tensors_v1, weights_v1
from catalog.vocabulary import Algorithm

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from typing import TypeAlias

    from catalog.fingerprints.building import Rounded
    from catalog.formats import TensorInfo

    Named: TypeAlias = "list[tuple[TensorInfo, bytes]]"
    Files: TypeAlias = "Sequence[tuple[bytes, Mapping[str, bytes]]]"

_OF_NOTHING = {Algorithm.BLAKE3: blake3().digest(), Algorithm.SHA256: hashlib.sha256().digest()}
"""An empty file has no digest of its own, but it has its place in those of its folder."""
_INVOKE = {Algorithm.INVOKE_BLAKE3: Algorithm.BLAKE3, Algorithm.INVOKE_SHA256: Algorithm.SHA256}


class Part(NamedTuple):
    """The digests of one part of a variant."""

    name: str
    tensors: bytes | None
    weights: bytes | None


def set_digests(files: Files, named: Named, *, folder: bool) -> dict[str, bytes]:
    """By algorithm, those that there are: of the tensors, and with `folder` those of the files as a folder.

    `files` are their names relative to the set with the digests of each, `named` the tensors with theirs.
    """
    found: dict[str, bytes | None] = {}
    if named:
        found[Algorithm.TENSORS.value] = tensors_v1(named)
        found[Algorithm.WEIGHTS.value] = weights_v1(named)
    if folder:
        found[Algorithm.FOLDER.value] = folder_v1(_by(Algorithm.BLAKE3, files))
        for algorithm, of_file in _INVOKE.items():
            found[algorithm.value] = invoke_dir(of_file.value, _by(of_file, files))
    return {algorithm: digest for algorithm, digest in found.items() if digest is not None}


def rounded_digests(tensors: Sequence[TensorInfo], rounded: Rounded | None) -> dict[str, bytes]:
    """By algorithm: `weights:v1` of the same tensors in f16, in bf16, where all floating-point weights have such."""
    if rounded is None:
        return {}
    found = {
        Algorithm.WEIGHTS_F16.value: _rounded(tensors, rounded.f16),
        Algorithm.WEIGHTS_BF16.value: _rounded(tensors, rounded.bf16),
    }
    return {algorithm: digest for algorithm, digest in found.items() if digest is not None}


def _rounded(tensors: Sequence[TensorInfo], digests: Sequence[bytes | None]) -> bytes | None:
    known = [(tensor, digest) for tensor, digest in zip(tensors, digests, strict=True) if digest is not None]
    missing = [tensor for tensor, digest in zip(tensors, digests, strict=True) if digest is None]
    return None if any(map(is_weight, missing)) else weights_v1(known)


def part_digests(names: Sequence[bytes], named: Named, whole: Mapping[str, bytes]) -> tuple[Part, ...]:
    """Of each part; `names` are those of the files, `whole` the digests of all tensors together."""
    if not named:
        return ()
    parts = parts_of([tensor for tensor, _ in named], names)
    if len(parts) == 1 and "" in parts:
        return (Part("", whole.get(Algorithm.TENSORS), whole.get(Algorithm.WEIGHTS)),)
    return tuple(_part(name, [named[at] for at in members]) for name, members in parts.items())


def _part(name: str, named: Named) -> Part:
    """A part that is a folder is digested without the folder's name, as if its file lay there by itself."""
    folder = f"{name}/"
    if all(tensor.name.startswith(folder) for tensor, _ in named):
        named = [(tensor._replace(name=tensor.name[len(folder) :]), digest) for tensor, digest in named]
    return Part(name, tensors_v1(named), weights_v1(named))


def _by(algorithm: Algorithm, files: Files) -> list[tuple[bytes, bytes]]:
    return [(name, digests.get(algorithm) or _OF_NOTHING[algorithm]) for name, digests in files]
