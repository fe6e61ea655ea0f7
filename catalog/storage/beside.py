"""Files that other programs put beside models, told by their names alone: sidecars, previews, lists of digests.

A note belongs to the model whose name it begins with: `<stem>.civitai.info`, `<file>.sha256`, `<folder>.json`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from catalog.storage.names import STORE_PREFIX, WEIGHTS, suffix_of
from catalog.vocabulary import NoteKind

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from catalog.storage.values import Entry

_PICTURES = (".png", ".jpg", ".jpeg", ".webp", ".gif")
_ENDINGS = (
    (".civitai.info", NoteKind.CIVITAI_INFO),
    (".cm-info.json", NoteKind.STABILITY_MATRIX),
    (".metadata.json", NoteKind.LORA_MANAGER),
    (".api_info.json", NoteKind.API_INFO),
    *((f".preview{tail}", NoteKind.PICTURE) for tail in _PICTURES),
    (".sha256", NoteKind.SHA256),
    (".json", NoteKind.USER_METADATA),
    (".txt", NoteKind.TRIGGERS),
    *((tail, NoteKind.PICTURE) for tail in _PICTURES),
)
"""Ends of names, lower case, the longer ones before those that they end in."""

_BY_TAIL: dict[str, list[tuple[str, NoteKind]]] = {}
for _ending, _kind in _ENDINGS:
    _BY_TAIL.setdefault(_ending[_ending.rfind(".") :], []).append((_ending, _kind))

MAYBE_CONFIG = frozenset((".json", ".txt"))
"""Suffixes of notes that the configuration or tokenizer of a model may have, too."""

_CARD = "README.md"
CACHE = "cache.json"
CONFIGURED = frozenset(("model_index.json", "config.json", "adapter_config.json"))
"""Files that make a folder a model."""
_LIKED = (".safetensors", ".sft", ".gguf", ".ckpt")

CACHE_FOLDER, MODELS_FOLDER = "cache", "models"
DATABASES = (b"cache/hashes/cache.db", b"cache/hashes-addnet/cache.db")
"""Where A1111 keeps digests below its folder, the one with `cache` and `models` in it."""


class Beside(NamedTuple):
    """A note, and the path of the file or folder that it speaks of; of a cache, of the program's folder."""

    entry: Entry
    kind: NoteKind
    owner: bytes


class Matched(NamedTuple):
    """The name of a note in a folder. `owner` is a name in the same folder; empty for the folder itself."""

    name: str
    kind: NoteKind
    owner: str


def is_revision(folder: bytes) -> bool:
    """A revision of a repository in a cache of Hugging Face, `models--owner--name/snapshots/commit`."""
    parts = folder.split(b"/")
    return len(parts) > 2 and parts[-2] == b"snapshots" and parts[-3].startswith(STORE_PREFIX.encode())


def match(
    notes: Iterable[str], *, weights: Sequence[str], folders: Iterable[str], itself: str | None, carded: bool = False
) -> Iterator[Matched]:
    """The names of one folder that speak of a model in it, of a folder in it, or of the folder itself.

    `weights` are the files with weights in it, `folders` the folders; `itself` is the folder's own name when it is a
    model, else None. `carded`: all models below it are spoken of by its card.
    """
    owners = _owners(weights, folders)
    if itself:
        owners.setdefault(itself, "")
    for name in notes:
        if name == _CARD:
            if itself is not None or carded:
                yield Matched(name, NoteKind.MODEL_CARD, "")
        elif name == CACHE:
            yield Matched(name, NoteKind.A1111_CACHE, "")
        elif (found := _match(name, owners)) is not None:
            yield found


def _owners(weights: Sequence[str], folders: Iterable[str]) -> dict[str, str]:
    """What a note may begin with -> the name that it speaks of. Of files with one stem, the safest format; a whole
    name before the stem of another.
    """
    owners = {name: name for name in folders}
    stems: dict[str, str] = {}
    for name in weights:
        dot = name.rfind(".")
        if dot > 0 and name[dot:].lower() in WEIGHTS:
            other = stems.setdefault(name[:dot], name)
            if other is not name:
                stems[name[:dot]] = min(other, name, key=_rank)
    owners.update(stems)
    owners.update(zip(weights, weights, strict=True))
    return owners


def _rank(name: str) -> tuple[int, str]:
    tail = suffix_of(name)
    return _LIKED.index(tail) if tail in _LIKED else len(_LIKED), name


def _match(name: str, owners: dict[str, str]) -> Matched | None:
    lower = name.lower()
    for ending, kind in _BY_TAIL.get(lower[lower.rfind(".") :], ()):
        if lower.endswith(ending) and (owner := owners.get(name[: -len(ending)])) is not None:
            return Matched(name, kind, owner)
    return None
