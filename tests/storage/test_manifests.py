"""Blobs of Ollama are models because a manifest says so, and carry the names it gives."""

from __future__ import annotations

import json
import os
from typing import TYPE_CHECKING

import pytest

from catalog.storage.root import Root
from catalog.storage.walk import Walk, walk
from catalog.vocabulary import SkipReason
from tests.builders import write_tree

if TYPE_CHECKING:
    from pathlib import Path

WEIGHTS, TEMPLATE, VISION = "a" * 64, "b" * 64, "c" * 64


def _manifest(*layers: tuple[str, str]) -> bytes:
    kinds = [{"mediaType": f"application/vnd.ollama.image.{kind}", "digest": f"sha256:{hexa}"} for kind, hexa in layers]
    return json.dumps({"schemaVersion": 2, "layers": kinds}).encode()


def _walk(place: Path) -> Walk:
    with Root(os.fsencode(place)) as root:
        return walk(root)


def test_weights_and_projectors_are_taken_with_every_name(tmp_path: Path) -> None:
    both = _manifest(("model", WEIGHTS), ("template", TEMPLATE), ("projector", VISION))
    write_tree(
        tmp_path / "ollama",
        {
            "manifests/registry.ollama.ai/library/llava/7b": both,
            "manifests/registry.ollama.ai/someone/mine/latest": _manifest(("model", WEIGHTS)),
            "manifests/hf.co/org/repo/Q4_K_M": _manifest(("model", WEIGHTS)),
            **{f"blobs/sha256-{digest}": b"x" for digest in (WEIGHTS, TEMPLATE, VISION)},
        },
    )
    found = _walk(tmp_path)
    weights, vision = f"ollama/blobs/sha256-{WEIGHTS}".encode(), f"ollama/blobs/sha256-{VISION}".encode()
    assert [entry.path for entry in found.entries] == [weights, vision]
    assert found.names == {
        weights: ("hf.co/org/repo:Q4_K_M", "llava:7b", "someone/mine:latest"),
        vision: ("llava:7b",),
    }
    assert found.skipped == {SkipReason.NOT_A_MODEL: 4}, "three manifests and the template"


@pytest.mark.parametrize(
    "text",
    [
        b"",
        b"[]",
        b'{"layers": {}}',
        b'{"layers": [1, null, {"mediaType": 3}]}',
        b"[" * 100_000,
        b"\xff\xfe",
        json.dumps(
            {"layers": [{"mediaType": "application/vnd.ollama.image.model", "digest": "sha256:../../../etc/passwd"}]}
        ).encode(),
        _manifest(("model", "d" * 64)),
    ],
)
def test_an_unsound_manifest_names_nothing(tmp_path: Path, text: bytes) -> None:
    write_tree(tmp_path, {"manifests/r/n/m/t": text, f"blobs/sha256-{WEIGHTS}": b"x"})
    assert _walk(tmp_path).entries == ()


def test_a_folder_called_manifests_alone_means_nothing(tmp_path: Path) -> None:
    write_tree(tmp_path, {"manifests/a/b.gguf": b"x"})
    found = _walk(tmp_path)
    assert [entry.path for entry in found.entries] == [b"manifests/a/b.gguf"]
    assert found.names == {}
