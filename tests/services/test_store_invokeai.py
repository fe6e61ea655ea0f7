"""What InvokeAI says of its models reaches the catalogue, and its folder stays as it is."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from blake3 import blake3

from catalog.models import ModelRecord
from catalog.queries import lookup
from catalog.services import findings
from catalog.vocabulary import ClaimSource, FindingCode, NameSource
from tests.builders import write_tree
from tests.builders.stores import as_it_is, invokeai
from tests.identity.catalogue import add, catalogue, model, put, scan, variant_at
from tests.identity.known import claims, ids, pipeline, read_headers

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = pytest.mark.django_db

KEY = "12345678-1234-4234-8234-123456789abc"


def installed(tmp_path: Path, **record: object) -> Path:
    """A LoRA in an installation of version 6."""
    put(tmp_path, f"models/{KEY}/style.safetensors", model(1))
    noted(tmp_path, **record)
    return tmp_path


def noted(tmp_path: Path, **record: object) -> None:
    """What InvokeAI says of it, in a new database."""
    invokeai(tmp_path, [{"key": KEY, "path": f"{KEY}/style.safetensors", "name": "My style", **record}], version=6)


@pytest.mark.parametrize("folder", ["", "models"])
def test_invokeai_tells_name_key_hash_source_and_words(tmp_path: Path, folder: str) -> None:
    digest = blake3(model(1)).hexdigest()
    root = installed(
        tmp_path / "invoke", hash=f"blake3:{digest}", source="https://user:secret@civitai.com/api/download/models/77?token=s",
        source_type="url", trigger_phrases=["stylish", "stylish", "very\n stylish"],
    )  # fmt: skip
    before = as_it_is(tmp_path)
    library = add(root / folder)
    read_headers(library)

    variant = variant_at(library, ("" if folder else "models/") + f"{KEY}/style.safetensors")
    record = variant.model
    assert (record.name, record.name_source) == ("My style", NameSource.INVOKEAI)
    assert record.source == "https://civitai.com/api/download/models/77"
    assert record.trigger_words == ["stylish", "very stylish"]
    assert ids(variant) == {("invokeai-key", KEY), ("civitai-version", "77")}
    assert claims(library) == {(ClaimSource.INVOKEAI, "blake3", digest, "")}
    assert as_it_is(tmp_path) == before
    for text in (KEY, f"invokeai-key:{KEY}", f"blake3:{digest}", digest[:8], digest[:10], digest[:12]):
        assert [hit.variant for hit in lookup.find(text).hits] == [variant.pk], text
    assert lookup.find(digest).hits[0].listed

    catalogue(library)

    assert not lookup.find(digest).hits[0].listed
    assert not findings.open_findings().exists()


def test_a_name_that_invokeai_took_from_the_file_leaves_the_title_in_the_header(tmp_path: Path) -> None:
    put(tmp_path, "models/sdxl/lora/style.safetensors", model(1, {"modelspec.title": "From the header"}))
    invokeai(tmp_path, [{"path": "sdxl/lora/style.safetensors", "name": "style"}])
    read_headers(add(tmp_path))

    assert ModelRecord.objects.get().name == "From the header"


def test_a_folder_has_the_digest_of_folders_and_a_stale_one_is_no_alarm(tmp_path: Path) -> None:
    """After a conversion the record keeps the digest of the file that it came from."""
    write_tree(tmp_path / "models/sdxl/main/pipe", pipeline(1))
    invokeai(tmp_path, [{"path": "sdxl/main/pipe", "hash": "blake3:" + "ab" * 32}])
    library = add(tmp_path)
    catalogue(library)

    assert claims(library) == {(ClaimSource.INVOKEAI, "invoke-dir:blake3", "ab" * 32, "")}
    assert not findings.open_findings().exists()
    assert lookup.find("blake3:" + "ab" * 32).hits[0].listed


def test_a_file_in_the_folder_of_a_record_is_that_model(tmp_path: Path) -> None:
    put(tmp_path, "models/sd-1/embedding/dog/learned_embeds.safetensors", model(1))
    invokeai(tmp_path, [{"path": "sd-1/embedding/dog", "name": "My dog", "key": KEY, "hash": "blake3:" + "ab" * 32}])
    library = add(tmp_path)
    catalogue(library)

    assert ModelRecord.objects.get().name == "My dog"
    assert not findings.open_findings().exists()


def test_a_wrong_digest_of_a_file_is_a_finding_until_it_is_right(tmp_path: Path) -> None:
    root = installed(tmp_path, hash="blake3:" + "ab" * 32)
    library = add(root)
    catalogue(library)
    [found] = findings.open_findings()
    assert found.code == FindingCode.CLAIM_DIFFERS

    noted(tmp_path, hash=f"blake3:{blake3(model(1)).hexdigest()}")
    scan(library)

    assert not findings.open_findings().exists()


@pytest.mark.parametrize(
    "digest", ["random:" + "ab" * 32, "blake3:", "blake3:xyz", "ab" * 32, "no:" + "ab" * 32, "", 7]
)
def test_what_is_no_digest_is_not_listed(tmp_path: Path, digest: object) -> None:
    library = add(installed(tmp_path, hash=digest))
    read_headers(library)

    assert claims(library) == set()


def test_text_that_a_database_would_refuse_is_made_fit(tmp_path: Path) -> None:
    root = installed(
        tmp_path, name="a\0b\ud800 " + "x" * 9000, trigger_phrases=["\0", "\ud800"], source="javascript:alert(1)",
        source_type="url",
    )  # fmt: skip
    library = add(root)
    read_headers(library)

    record = ModelRecord.objects.get()
    assert record.name.startswith("a␀b\ufffd xxx")
    assert record.source == ""


def test_what_invokeai_learns_later_is_taken_at_the_next_scan(tmp_path: Path) -> None:
    put(tmp_path, f"models/{KEY}/style.safetensors", model(1))
    library = add(tmp_path)
    catalogue(library)
    variant = variant_at(library, f"models/{KEY}/style.safetensors")
    assert variant.model.name == "style"

    noted(tmp_path, hash="md5:" + "ab" * 16)
    scan(library)

    variant.model.refresh_from_db()
    assert variant.model.name == "My style"
    assert ids(variant) == {("invokeai-key", KEY)}
    assert claims(library) == {(ClaimSource.INVOKEAI, "md5", "ab" * 16, "")}

    noted(tmp_path, hash="random:1", name="Another name")
    scan(library)

    variant.model.refresh_from_db()
    assert variant.model.name == "Another name"
    assert claims(library) == set()


def test_what_a_person_said_stays(tmp_path: Path) -> None:
    put(tmp_path, f"models/{KEY}/style.safetensors", model(1))
    library = add(tmp_path)
    read_headers(library)
    ModelRecord.objects.update(name="Mine", name_source="person", edited=["name", "trigger_words"])

    noted(tmp_path, trigger_phrases=["theirs"])
    scan(library)

    record = ModelRecord.objects.get()
    assert (record.name, record.trigger_words) == ("Mine", [])


def test_a_broken_database_is_a_finding_until_it_is_mended(tmp_path: Path) -> None:
    database = invokeai(installed(tmp_path), [])
    database.write_bytes(b"SQLite format 3\0" + b"\xff" * 5000)
    library = add(tmp_path)
    read_headers(library)

    [found] = findings.open_findings()
    assert (found.code, found.library, found.params["path"]) == (FindingCode.NOTE_UNREADABLE, library, str(database))
    assert ModelRecord.objects.get().name == "style"

    noted(tmp_path)
    scan(library)

    assert not findings.open_findings().exists()
    assert ModelRecord.objects.get().name == "My style"


def test_what_invokeai_uses_where_it_lies_is_told_to_that_library(tmp_path: Path) -> None:
    path = put(tmp_path / "comfy", "models/loras/style.safetensors", model(1))
    comfy, invoke = add(tmp_path / "comfy"), add(tmp_path / "invoke" / "models")
    catalogue(comfy)

    invokeai(tmp_path / "invoke", [{"key": KEY, "path": str(path), "name": "My style"}])
    scan(invoke)
    scan(comfy)

    assert ids(variant_at(comfy, "models/loras/style.safetensors")) == {("invokeai-key", KEY)}


def test_a_file_that_was_edited_in_place_takes_its_key_along(tmp_path: Path) -> None:
    root = installed(tmp_path)
    library = add(root)
    catalogue(library)
    before = variant_at(library, f"models/{KEY}/style.safetensors")

    put(tmp_path, f"models/{KEY}/style.safetensors", model(2))
    catalogue(library)

    after = variant_at(library, f"models/{KEY}/style.safetensors")
    assert after != before
    assert ids(after) == {("invokeai-key", KEY)}
    assert after.model.name == "My style"
