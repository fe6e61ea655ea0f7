"""The names that Ollama gives to its blobs: `manifests/<registry>/<namespace>/<model>/<tag>`.

Source: https://github.com/ollama/ollama, server/manifest.go and server/modelpath.go.
"""

from __future__ import annotations

import json
import os
import re
from typing import TYPE_CHECKING

from catalog.errors import FileProblem
from catalog.storage.values import shown

if TYPE_CHECKING:
    from collections.abc import Iterator

    from catalog.storage.root import Root

_MODEL_LAYERS = frozenset(f"application/vnd.ollama.image.{kind}" for kind in ("model", "projector", "adapter"))
_DIGEST = re.compile(r"sha256:[0-9a-f]{64}")
_LARGEST = 4 << 20
_DEPTH = 4
_HOME = "registry.ollama.ai"
_NAMESPACE = "library"


def named_blobs(root: Root, store: bytes) -> dict[bytes, tuple[str, ...]]:
    """Path of a blob with weights, relative to the library -> the names (`llama3:8b`) of the models that use it.

    `store` is the folder with `manifests` and `blobs`. A manifest that is unsound names nothing.
    """
    found: dict[bytes, list[str]] = {}
    for parts in sorted(_files(root, os.path.join(store, b"manifests"), _DEPTH)):
        title = _title(parts)
        for digest in _layers(root, os.path.join(store, b"manifests", *parts)):
            blob = os.path.join(store, b"blobs", digest.replace(":", "-").encode())
            found.setdefault(blob, []).append(title)
    return {blob: tuple(dict.fromkeys(titles)) for blob, titles in found.items()}


def _files(root: Root, folder: bytes, depth: int) -> Iterator[tuple[bytes, ...]]:
    """The files exactly `depth` parts below a folder."""
    try:
        descriptor = root.folder(folder)
    except OSError:
        return
    try:
        with os.scandir(descriptor) as listed:
            names = [(os.fsencode(item.name), item.is_dir(follow_symlinks=False)) for item in listed]
    except OSError:
        return
    finally:
        os.close(descriptor)
    for name, is_folder in names:
        if is_folder and depth > 1:
            yield from ((name, *rest) for rest in _files(root, os.path.join(folder, name), depth - 1))
        elif not is_folder and depth == 1:
            yield (name,)


def _title(parts: tuple[bytes, ...]) -> str:
    registry, namespace, model, tag = (shown(part) for part in parts)
    if registry != _HOME:
        return f"{registry}/{namespace}/{model}:{tag}"
    return f"{model}:{tag}" if namespace == _NAMESPACE else f"{namespace}/{model}:{tag}"


def _layers(root: Root, path: bytes) -> list[str]:
    """Digests of the layers with weights."""
    try:
        with root.open(path) as file:
            text = file.read_at(0, min(file.size, _LARGEST))
        manifest = json.loads(text)
    except (FileProblem, ValueError, RecursionError):
        return []
    layers = manifest.get("layers") if isinstance(manifest, dict) else None
    return [layer["digest"] for layer in layers if _has_weights(layer)] if isinstance(layers, list) else []


def _has_weights(layer: object) -> bool:
    return (
        isinstance(layer, dict)
        and layer.get("mediaType") in _MODEL_LAYERS
        and isinstance(digest := layer.get("digest"), str)
        and _DIGEST.fullmatch(digest) is not None
    )
