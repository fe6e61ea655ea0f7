"""What Ollama says of its blobs: `manifests/<registry>/<namespace>/<model>/<tag>` beside `blobs/sha256-<digest>`.

Source: https://github.com/ollama/ollama, manifest/manifest.go and types/model/name.go.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
from itertools import islice
from typing import TYPE_CHECKING, NamedTuple

from catalog.errors import FileProblem
from catalog.storage.values import shown

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from catalog.storage.root import Root

_LAYER = "application/vnd.ollama.image."
_WEIGHTS = ("model", "projector", "adapter")
_LICENCE = "license"
_DIGEST = re.compile(r"sha256[:-]([0-9a-f]{64})")
_LARGEST = 4 << 20
_LICENCE_READ = 4096
_MOST_IN_FOLDER = 20_000
_MOST_LAYERS = 1000
_DEPTH = 4
_HOME = "registry.ollama.ai"
_NAMESPACE = "library"


class Use(NamedTuple):
    """One model of Ollama that uses a blob. `role` is `model`, `projector` or `adapter`.

    `manifest` is the digest of the manifest, whose first twelve digits `ollama list` shows as the id. `licence` is the
    blob with the text of the licence, relative to the library; empty where there is none.
    """

    registry: str
    namespace: str
    model: str
    tag: str
    role: str
    manifest: str
    licence: bytes = b""

    @property
    def title(self) -> str:
        """As people type it: `llama3:8b`, `someone/mine:latest`, `hf.co/org/repo:Q4_K_M`."""
        if not self.at_home:
            return f"{self.registry}/{self.namespace}/{self.model}:{self.tag}"
        return (
            f"{self.model}:{self.tag}" if self.namespace == _NAMESPACE else f"{self.namespace}/{self.model}:{self.tag}"
        )

    @property
    def at_home(self) -> bool:
        """It is of Ollama's own registry."""
        return self.registry == _HOME

    @property
    def page(self) -> str:
        """Where it is from; empty for a registry without pages."""
        if self.at_home:
            return f"https://ollama.com/{self.namespace}/{self.model}"
        if self.registry in ("hf.co", "huggingface.co"):
            return f"https://huggingface.co/{self.namespace}/{self.model}"
        return ""


def named_blobs(root: Root, store: bytes) -> dict[bytes, tuple[str, ...]]:
    """Path of a blob with weights, relative to the library -> the names (`llama3:8b`) of the models that use it.

    `store` is the folder with `manifests` and `blobs`. A manifest that is unsound names nothing.
    """
    return {blob: tuple(dict.fromkeys(use.title for use in uses)) for blob, uses in used_blobs(root, store).items()}


def used_blobs(root: Root, store: bytes) -> Mapping[bytes, tuple[Use, ...]]:
    """The same with all that the manifests say of each use, in the order of the names."""
    found: dict[bytes, list[Use]] = {}
    for parts in sorted(_files(root, os.path.join(store, b"manifests"), _DEPTH)):
        text = _text(root, os.path.join(store, b"manifests", *parts))
        registry, namespace, model, tag = (shown(part) for part in parts)
        layers = _layers(text)
        licence = next((_blob(store, digest) for role, digest in layers if role == _LICENCE), b"")
        for role, digest in layers:
            if role in _WEIGHTS:
                use = Use(registry, namespace, model, tag, role, hashlib.sha256(text).hexdigest(), licence)
                found.setdefault(_blob(store, digest), []).append(use)
    return {blob: tuple(uses) for blob, uses in found.items()}


def licence_line(root: Root, blob: bytes) -> str:
    """The first line of a licence's text that says anything."""
    try:
        with root.open(blob) as file:
            text = file.read_at(0, min(file.size, _LICENCE_READ))
    except FileProblem:
        return ""
    return next((line.strip() for line in shown(text).splitlines() if line.strip()), "")


def _blob(store: bytes, digest: str) -> bytes:
    return os.path.join(store, b"blobs", b"sha256-" + digest.encode())


def _files(root: Root, folder: bytes, depth: int) -> Iterator[tuple[bytes, ...]]:
    """The files exactly `depth` parts below a folder."""
    try:
        descriptor = root.folder(folder)
    except OSError:
        return
    try:
        with os.scandir(descriptor) as listed:
            some = islice(listed, _MOST_IN_FOLDER)
            names = [(os.fsencode(item.name), item.is_dir(follow_symlinks=False)) for item in some]
    except OSError:
        return
    finally:
        os.close(descriptor)
    for name, is_folder in names:
        if is_folder and depth > 1:
            yield from ((name, *rest) for rest in _files(root, os.path.join(folder, name), depth - 1))
        elif not is_folder and depth == 1:
            yield (name,)


def _text(root: Root, path: bytes) -> bytes:
    try:
        with root.open(path) as file:
            return file.read_at(0, min(file.size, _LARGEST))
    except FileProblem:
        return b""


def _layers(text: bytes) -> list[tuple[str, str]]:
    """Kind and digits of each sound layer."""
    try:
        manifest = json.loads(text)
    except (ValueError, RecursionError):
        return []
    layers = manifest.get("layers") if isinstance(manifest, dict) else None
    found = (_layer(layer) for layer in layers[:_MOST_LAYERS]) if isinstance(layers, list) else ()
    return [layer for layer in found if layer is not None]


def _layer(layer: object) -> tuple[str, str] | None:
    if not isinstance(layer, dict):
        return None
    kind, digest = layer.get("mediaType"), layer.get("digest")
    if not isinstance(kind, str) or not isinstance(digest, str):
        return None
    digits = _DIGEST.fullmatch(digest)
    return (kind.removeprefix(_LAYER), digits[1]) if digits is not None and kind.startswith(_LAYER) else None
