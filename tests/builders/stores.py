"""The stores of programs that keep models: InvokeAI with its database, a cache of Hugging Face, Ollama."""

from __future__ import annotations

import hashlib
import json
import os
import sqlite3
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from pathlib import Path

COMMIT, OLDER = "a" * 40, "b" * 40

_COLUMNS = ("hash", "base", "type", "path", "format", "name", "source", "source_type")
_OPTIONAL = ("description", "source_api_response", "trigger_phrases")


def _schema() -> str:
    """The table of version 4.0; columns but `id` and `config` are computed from the record."""
    computed = [_computed(name, " NOT NULL") for name in _COLUMNS] + [_computed(name) for name in _OPTIONAL]
    return f"""
        CREATE TABLE models (
            id TEXT NOT NULL PRIMARY KEY,
            {", ".join(computed)},
            config TEXT NOT NULL,
            created_at DATETIME NOT NULL DEFAULT(STRFTIME('%Y-%m-%d %H:%M:%f', 'NOW')),
            updated_at DATETIME NOT NULL DEFAULT(STRFTIME('%Y-%m-%d %H:%M:%f', 'NOW')),
            UNIQUE(name, base, type)
        );
        CREATE TRIGGER models_updated_at AFTER UPDATE ON models FOR EACH ROW
        BEGIN UPDATE models SET updated_at = STRFTIME('%Y-%m-%d %H:%M:%f', 'NOW') WHERE id = old.id; END;
        CREATE INDEX base_index ON models(base);
        CREATE UNIQUE INDEX path_index ON models(path);
        """  # noqa: S608 - names of ours


def _computed(name: str, rule: str = "") -> str:
    return f"{name} TEXT GENERATED ALWAYS as (json_extract(config, '$.{name}')) VIRTUAL{rule}"


def invokeai(install: Path, records: Iterable[Mapping[str, object]], *, version: int = 4) -> Path:
    """An installation's database with these records over ordinary ones; the path of the database."""
    database = install / "databases" / "invokeai.db"
    database.parent.mkdir(parents=True, exist_ok=True)
    database.unlink(missing_ok=True)
    connection = sqlite3.connect(database)
    connection.executescript(_schema())
    if version > 5:
        connection.execute(
            "ALTER TABLE models ADD COLUMN file_size INTEGER "
            "GENERATED ALWAYS as (json_extract(config, '$.file_size')) VIRTUAL"
        )
    for number, record in enumerate(records):
        add_record(connection, record, number)
    connection.commit()
    connection.close()
    return database


def add_record(connection: sqlite3.Connection, record: Mapping[str, object], number: int = 0) -> None:
    """One row, as InvokeAI inserts it."""
    config = {
        "key": f"00000000-0000-4000-8000-{number:012}", "hash": "random:1234", "base": "sdxl", "type": "main",
        "path": f"nowhere/{number}", "format": "checkpoint", "name": f"name {number}", "description": "a model",
        "source": "/downloads/x.safetensors", "source_type": "path", "trigger_phrases": None, "file_size": 1,
        **record,
    }  # fmt: skip
    connection.execute("INSERT INTO models (id, config) VALUES (?, ?)", (config["key"], json.dumps(config)))


def hub(
    cache: Path,
    repository: str,
    snapshots: Mapping[str, Mapping[str, bytes]],
    *,
    refs: Mapping[str, str] | None = None,
    links: bool = True,
) -> Path:
    """A repository in a cache: commit -> path -> content. Weights are named by SHA-256, the rest as Git does it."""
    folder = cache / f"models--{repository.replace('/', '--')}"
    for commit, files in snapshots.items():
        for path, content in files.items():
            place = folder / "snapshots" / commit / path
            place.parent.mkdir(parents=True, exist_ok=True)
            if not links:
                place.write_bytes(content)
                continue
            blob = folder / "blobs" / digest_of(path, content)
            blob.parent.mkdir(parents=True, exist_ok=True)
            if not blob.exists():
                blob.write_bytes(content)
            place.symlink_to(os.path.relpath(blob, place.parent))
    for name, commit in (refs or {}).items():
        ref = folder / "refs" / name
        ref.parent.mkdir(parents=True, exist_ok=True)
        ref.write_text(commit)
    return folder


def digest_of(path: str, content: bytes) -> str:
    """The name of a blob: SHA-256 of what is stored apart from the repository, else Git's digest."""
    if path.endswith((".safetensors", ".gguf", ".bin")):
        return hashlib.sha256(content).hexdigest()
    return hashlib.sha1(b"blob %d\0" % len(content) + content, usedforsecurity=False).hexdigest()


def tree_list(files: Mapping[str, bytes]) -> str:
    """`trees/<commit>.json` of these files."""
    entries: dict[str, dict[str, object]] = {}
    for path, content in files.items():
        digest = digest_of(path, content)
        entries[path] = {"size": len(content), "blob_id": digest if len(digest) == 40 else "c" * 40}
        if len(digest) == 64:
            entries[path] |= {"lfs_sha256": digest, "lfs_size": len(content), "xet_hash": "d" * 64}
    return json.dumps({"format_version": 1, "files": entries})


def ollama(store: Path, title: str, layers: Mapping[str, bytes]) -> bytes:
    """A model in Ollama's store, `registry/namespace/name/tag`: kind of layer -> content. Returns the manifest."""
    rows = []
    for kind, content in layers.items():
        digest = hashlib.sha256(content).hexdigest()
        blob = store / "blobs" / f"sha256-{digest}"
        blob.parent.mkdir(parents=True, exist_ok=True)
        if not blob.exists():
            blob.write_bytes(content)
        media = f"application/vnd.ollama.image.{kind}"
        rows.append({"mediaType": media, "digest": f"sha256:{digest}", "size": len(content)})
    config = {"mediaType": "application/vnd.docker.container.image.v1+json", "digest": f"sha256:{'e' * 64}", "size": 5}
    text = json.dumps({"schemaVersion": 2, "config": config, "layers": rows}).encode()
    manifest = store / "manifests" / title
    manifest.parent.mkdir(parents=True, exist_ok=True)
    manifest.write_bytes(text)
    return text


def as_it_is(folder: Path) -> dict[str, tuple[int, int, int, bytes]]:
    """Every name below a folder with its mode, size and times, and its bytes: what must be the same afterwards."""
    found = {}
    for path in sorted(folder.rglob("*")):
        now = path.lstat()
        content = path.read_bytes() if path.is_file() and not path.is_symlink() else b""
        found[str(path.relative_to(folder))] = (now.st_mode, now.st_size, now.st_mtime_ns, content)
    return found
