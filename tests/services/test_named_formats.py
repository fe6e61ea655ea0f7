"""Formats whose tensors are not read, from the walk to their digests; and files that are no model."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

import pytest
from blake3 import blake3

from catalog.hashing.folders import folder_v1
from catalog.models import Finding, ModelHash
from catalog.vocabulary import FindingCode, Format, Outcome
from tests.builders.real import real
from tests.identity.catalogue import add, catalogue, put, variant_at

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = pytest.mark.django_db


def test_a_named_file_has_its_hashes_and_nothing_to_attend_to(tmp_path: Path) -> None:
    content = real("basic-pitch", "nmp.tflite").read_bytes()
    put(tmp_path, "pitch.tflite", content)
    library = add(tmp_path)
    catalogue(library)

    variant = variant_at(library, "pitch.tflite")
    assert (variant.format, variant.outcome) == (Format.TFLITE, Outcome.UNSUPPORTED)
    found = {row.algorithm: bytes(row.digest) for row in ModelHash.objects.filter(variant=variant)}
    assert (found["blake3"], found["sha256"]) == (blake3(content).digest(), hashlib.sha256(content).digest())
    assert not Finding.objects.exists()


def test_a_saved_model_is_one_variant_with_the_digest_of_its_folder(tmp_path: Path) -> None:
    files = {
        name: real("basic-pitch", f"nmp/{name}").read_bytes()
        for name in ("saved_model.pb", "variables/variables.index", "variables/variables.data-00000-of-00001")
    }
    for name, content in files.items():
        put(tmp_path, f"pitch/{name}", content)
    library = add(tmp_path)
    catalogue(library)

    variant = variant_at(library, "pitch")
    assert (variant.format, variant.outcome) == (Format.TENSORFLOW, Outcome.UNSUPPORTED)
    assert variant.size == sum(map(len, files.values()))
    digest = folder_v1([(name.encode(), blake3(content).digest()) for name, content in sorted(files.items())])
    assert bytes(variant.content or b"") == digest
    assert not Finding.objects.exists()


def test_a_page_under_the_name_of_a_model_is_found_and_said(tmp_path: Path) -> None:
    put(tmp_path, "model.safetensors", b"<html><title>Sign in</title></html>")
    library = add(tmp_path)
    catalogue(library)

    (finding,) = Finding.objects.all()
    assert finding.code == FindingCode.NOT_A_MODEL
    assert finding.params["what"] == "a web page that asks to sign in (“Sign in”)"
