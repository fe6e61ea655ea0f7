"""What Ollama and LM Studio say of their files reaches the catalogue, and their folders stay as they are."""

from __future__ import annotations

import hashlib
import json
from typing import TYPE_CHECKING

import pytest

from catalog.models import ExternalId, LocationFile, ModelRecord
from catalog.queries import lookup
from catalog.services import findings
from catalog.vocabulary import NameSource
from tests.builders import gguf, weights, write_tree
from tests.builders.stores import as_it_is, ollama
from tests.identity.catalogue import add, catalogue, put, scan
from tests.identity.known import read_headers

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = pytest.mark.django_db


def tiny(title: str | None = None, seed: int = 5) -> bytes:
    facts = {"general.architecture": "llama"} | ({"general.name": title} if title else {})
    return gguf(weights({"token_embd.weight": (8, 32)}, seed), facts)


def test_every_tag_of_a_blob_and_the_id_of_its_model_lead_to_it(tmp_path: Path) -> None:
    content = tiny()
    layers = {"model": content, "license": b"\n  MIT License\n\nPermission is hereby granted", "params": b"{}"}
    manifest = ollama(tmp_path, "registry.ollama.ai/library/llama3/8b", layers)
    ollama(tmp_path, "registry.ollama.ai/library/llama3/latest", layers)
    ollama(tmp_path, "hf.co/org/repo/Q4_K_M", {"model": content})
    before = as_it_is(tmp_path)
    library = add(tmp_path)
    read_headers(library)

    record = ModelRecord.objects.get(name_source=NameSource.OLLAMA)
    [variant] = record.variants.all()
    number = hashlib.sha256(manifest).hexdigest()
    assert (record.name, record.licence) == ("llama3:8b", "MIT License")
    assert record.source == "https://ollama.com/library/llama3"
    for text in (
        "llama3:8b", "llama3", "library/llama3:8b", "registry.ollama.ai/library/llama3:8b", "ollama:llama3:8b",
        "https://ollama.com/library/llama3:8b", "hf.co/org/repo:Q4_K_M", "hf.co/org/repo", "org/repo", number[:12],
        number, number[:8], f"sha256:{hashlib.sha256(content).hexdigest()}",
    ):  # fmt: skip
        assert variant.pk in [hit.variant for hit in lookup.find(text).hits], text
    assert as_it_is(tmp_path) == before


def test_a_projector_is_named_after_its_model(tmp_path: Path) -> None:
    ollama(tmp_path, "registry.ollama.ai/library/llava/7b", {"model": tiny(), "projector": tiny(seed=6)})
    read_headers(add(tmp_path))

    names = set(ModelRecord.objects.values_list("name", "source"))
    assert names == {(name, "https://ollama.com/library/llava") for name in ("llava:7b", "llava:7b (projector)")}


def test_a_licence_without_a_title_is_left_out(tmp_path: Path) -> None:
    ollama(tmp_path, "registry.ollama.ai/library/x/y", {"model": tiny(), "license": b"x" * 200})
    read_headers(add(tmp_path))

    assert ModelRecord.objects.get().licence == ""


def test_a_tag_that_is_given_later_is_taken_at_the_next_scan(tmp_path: Path) -> None:
    ollama(tmp_path, "registry.ollama.ai/library/x/y", {"model": tiny()})
    library = add(tmp_path)
    catalogue(library)

    ollama(tmp_path, "registry.ollama.ai/me/mine/latest", {"model": tiny()})
    scan(library)

    assert lookup.find("me/mine").hits


def test_hostile_manifests_and_names_only_stay_silent(tmp_path: Path) -> None:
    blob = f"blobs/sha256-{'a' * 64}"
    evil = {"layers": [{"mediaType": "application/vnd.ollama.image.license", "digest": "sha256:../../../etc/passwd"}]}
    write_tree(
        tmp_path,
        {
            blob: tiny(),
            "manifests/r/../n/t": b"x",
            "manifests/registry.ollama.ai/library/evil/tag": json.dumps(evil).encode(),
            "manifests/registry.ollama.ai/library/deep/tag": b"[" * 100_000,
        },
    )
    read_headers(add(tmp_path))

    assert not ExternalId.objects.exists()
    assert not findings.open_findings().exists()


def test_lm_studio_keeps_repositories_by_their_names(tmp_path: Path) -> None:
    put(tmp_path, ".lmstudio/models/bartowski/Tiny-GGUF/tiny-Q4_K_M.gguf", tiny("Tiny"))
    put(tmp_path, ".lmstudio/models/imported-models/uncategorized/x.gguf", tiny(seed=9))
    read_headers(add(tmp_path / ".lmstudio" / "models"))

    assert set(ModelRecord.objects.values_list("name", "source")) == {
        ("Tiny", "https://huggingface.co/bartowski/Tiny-GGUF"),
        ("x", ""),
    }
    assert LocationFile.objects.count() == 2
