"""What InvokeAI notes of its models: the table `models` of `databases/invokeai.db`, beside the folder `models`.

Source: https://github.com/invoke-ai/InvokeAI, sqlite_migrator/migrations/migration_7.py (version 4.0: `id` and the
record as JSON in `config`, other columns computed from it) and migration_22.py (6.8: `path` is `<key>/<file>`). Paths
are relative to `models`, or absolute for files that InvokeAI uses where they lie.
"""

from __future__ import annotations

import json
import os
from time import monotonic
from typing import TYPE_CHECKING, NamedTuple

from catalog.errors import LibraryOffline
from catalog.storage.root import Root
from catalog.storage.sqlite import SIDES, rows
from catalog.storage.values import Snapshot

if TYPE_CHECKING:
    from collections.abc import Mapping

DATABASE = b"databases/invokeai.db"
MODELS = b"models"
_MOST_MODELS = 20_000
_MOST_WORDS = 100
_MOST_KEPT = 4
_MOMENT = 60.0
"""Seconds for which an answer does while InvokeAI is at work: each picture that it makes changes its log."""
_last: dict[bytes, _Answer] = {}


class _Answer(NamedTuple):
    stamp: tuple[Snapshot | None, ...]
    records: Mapping[bytes, Record]
    read: float

    def holds(self, now: tuple[Snapshot | None, ...]) -> bool:
        in_use = any(side is not None and side.size for side in now[1:])
        return self.stamp == now or (in_use and monotonic() - self.read < _MOMENT)


class Record(NamedTuple):
    """One model as InvokeAI has it; texts as they stand there.

    `hash` is `algorithm:digits`. `kind` is that of the source: `url`, `hf_repo`, `path`.
    """

    key: str
    name: str = ""
    hash: str = ""
    source: str = ""
    kind: str = ""
    words: tuple[str, ...] = ()


def stamp(install: bytes) -> tuple[Snapshot | None, ...]:
    """Changes when the notes of the installation at this absolute path change; empty where there are none."""
    seen = [_look(os.path.join(install, DATABASE) + side) for side in (b"", *SIDES)]
    return tuple(seen) if seen[0] is not None else ()


def records(install: bytes) -> Mapping[bytes, Record]:
    """Absolute path of a model, a file or a folder -> what is noted of it; nothing where there is no database.

    The last answers are kept while nothing changes, and for a minute of a database that is in use. Raises
    `FileProblem` when the database cannot be read.
    """
    now = stamp(install)
    if not now:
        return {}
    known = _last.get(install)
    if known is None or not known.holds(now):
        if len(_last) >= _MOST_KEPT:
            _last.clear()
        known = _last[install] = _Answer(now, _read(install), monotonic())
    return known.records


def _look(path: bytes) -> Snapshot | None:
    try:
        return Snapshot.of(os.stat(path))
    except OSError:
        return None


def _read(install: bytes) -> Mapping[bytes, Record]:
    try:
        with Root(install) as root:
            found = rows(root, DATABASE, "models", ("id", "config"), _MOST_MODELS)
    except LibraryOffline:
        return {}
    models = os.path.join(install, MODELS)
    placed = [(_place(models, config), key, config) for key, config in map(_parsed, found)]
    return {place: _record(key, config) for place, key, config in placed if place and key}


def _parsed(row: tuple[object, ...]) -> tuple[str, Mapping[str, object]]:
    """Key and record; empty where they are not what they should be."""
    try:
        config = json.loads(row[1]) if isinstance(row[1], bytes) else None
        key = row[0].decode() if isinstance(row[0], bytes) else ""
    except (ValueError, RecursionError):
        return "", {}
    return key, config if isinstance(config, dict) else {}


def _place(models: bytes, config: Mapping[str, object]) -> bytes:
    """The absolute path; empty for none, for one that climbs, and for the folder of all models itself."""
    path = config.get("path")
    if not isinstance(path, str) or not path or "\0" in path:
        return b""
    raw = path.replace("\\", "/").encode("utf-8", "surrogatepass")
    if b".." in raw.split(b"/"):
        return b""
    place = os.path.normpath(os.path.join(models, raw))
    return b"" if (models + b"/").startswith(place.rstrip(b"/") + b"/") else place


def _record(key: str, config: Mapping[str, object]) -> Record:
    name, digest, source, kind = (_text(config.get(column)) for column in ("name", "hash", "source", "source_type"))
    words = config.get("trigger_phrases")
    phrases = words[:_MOST_WORDS] if isinstance(words, list) else []
    return Record(key, name, digest, source, kind, tuple(word for word in phrases if isinstance(word, str)))


def _text(value: object) -> str:
    return value if isinstance(value, str) else ""
