"""What a new model is called, strongest source first."""

from __future__ import annotations

import hashlib
import json
from typing import TYPE_CHECKING

import pytest

from catalog.models import ExternalId, HashClaim, ModelRecord
from catalog.vocabulary import ClaimSource, NameSource
from tests.builders import gguf, weights, write_tree
from tests.identity.catalogue import add, model, probe_all, put, scan

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = pytest.mark.django_db

REPOSITORY = "models--stabilityai--sdxl-turbo/snapshots/71153311d3dbb46851df1931d3ca6e939de83304"


def name_of_only_model(folder: Path) -> tuple[str, str]:
    scan(add(folder))
    probe_all()
    found = ModelRecord.objects.get()
    return found.name, found.name_source


def test_the_title_in_the_header_is_the_strongest(tmp_path: Path) -> None:
    put(tmp_path, f"{REPOSITORY}/a.safetensors", model(1, {"modelspec.title": "  A fine\n model "}))

    assert name_of_only_model(tmp_path) == ("A fine model", NameSource.HEADER)


def test_a_repository_names_what_has_no_title(tmp_path: Path) -> None:
    put(tmp_path, f"{REPOSITORY}/a.safetensors", model(1))

    assert name_of_only_model(tmp_path) == ("stabilityai/sdxl-turbo", NameSource.REPOSITORY)


def test_a_library_inside_a_repository_knows_it_too(tmp_path: Path) -> None:
    put(tmp_path, f"{REPOSITORY}/a.safetensors", model(1))

    assert name_of_only_model(tmp_path / REPOSITORY) == ("stabilityai/sdxl-turbo", NameSource.REPOSITORY)


def test_the_file_names_what_nothing_else_does(tmp_path: Path) -> None:
    put(tmp_path, "loras/fine-model.v2.safetensors", model(1))

    assert name_of_only_model(tmp_path) == ("fine-model.v2", NameSource.FILE)


def test_a_name_that_is_no_text_is_shown_escaped(tmp_path: Path) -> None:
    (tmp_path / "x").mkdir()
    with open(bytes(tmp_path / "x") + b"/caf\xe9.safetensors", "wb") as file:
        file.write(model(1))

    assert name_of_only_model(tmp_path) == ("caf\\xe9", NameSource.FILE)


def test_ollama_names_its_blobs(tmp_path: Path) -> None:
    content = gguf(weights({"token_embd.weight": (8, 32)}, 5), {"general.architecture": "llama"})
    digest = hashlib.sha256(content).hexdigest()
    layer = {"mediaType": "application/vnd.ollama.image.model", "digest": f"sha256:{digest}", "size": len(content)}
    manifest = json.dumps({"schemaVersion": 2, "layers": [layer]}).encode()
    write_tree(
        tmp_path / "ollama",
        {
            f"blobs/sha256-{digest}": content,
            "manifests/registry.ollama.ai/library/llama3/8b": manifest,
        },
    )

    assert name_of_only_model(tmp_path) == ("llama3:8b", NameSource.OLLAMA)
    assert ExternalId.objects.get(scheme="ollama").value == "llama3:8b"
    assert ExternalId.objects.get(scheme="ollama-id").value == hashlib.sha256(manifest).hexdigest()
    claim = HashClaim.objects.get()
    assert (claim.algorithm, bytes(claim.digest).hex(), claim.source) == ("sha256", digest, ClaimSource.OLLAMA)
