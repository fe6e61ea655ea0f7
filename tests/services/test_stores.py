"""What the programs that keep models say of them reaches the catalogue, and their folders stay as they are."""

from __future__ import annotations

import hashlib
import json
import os
from typing import TYPE_CHECKING

import pytest
from blake3 import blake3

from catalog.models import ExternalId, HashClaim, LocationFile, ModelRecord
from catalog.queries import lookup
from catalog.services import findings, libraries
from catalog.vocabulary import ClaimSource, FindingCode, NameSource
from tests.builders import gguf, safetensors, weights, write_tree
from tests.builders.stores import COMMIT, OLDER, as_it_is, digest_of, hub, invokeai, ollama, tree_list
from tests.identity.catalogue import add, at, catalogue, model, probe_all, put, scan, variant_at

if TYPE_CHECKING:
    from pathlib import Path

    from catalog.models import Library, Variant

pytestmark = pytest.mark.django_db

KEY = "12345678-1234-4234-8234-123456789abc"


def read_only(library: Library) -> None:
    """Walked, and every header read; nothing hashed."""
    scan(library)
    probe_all()


def ids(variant: Variant) -> set[tuple[str, str]]:
    return set(ExternalId.objects.filter(variant=variant).values_list("scheme", "value"))


def claims(library: Library) -> set[tuple[str, str, str, str]]:
    """Source, algorithm, digits and the file that is meant, if one is."""
    return {
        (row.source, row.algorithm, bytes(row.digest).hex(), bytes(row.file.name).decode() if row.file else "")
        for row in HashClaim.objects.filter(location__library=library).select_related("file")
    }


def tiny(title: str | None = None, seed: int = 5) -> bytes:
    facts = {"general.architecture": "llama"} | ({"general.name": title} if title else {})
    return gguf(weights({"token_embd.weight": (8, 32)}, seed), facts)


# --- InvokeAI ---------------------------------------------------------------------------------------------------------


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
    read_only(library)

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
    read_only(add(tmp_path))

    assert ModelRecord.objects.get().name == "From the header"


def pipeline(seed: int) -> dict[str, bytes]:
    return {
        "model_index.json": b'{"_class_name": "StableDiffusionPipeline"}',
        "unet/diffusion_pytorch_model.safetensors": safetensors(weights({"conv_in.weight": (4, 4)}, seed)),
        "vae/diffusion_pytorch_model.safetensors": safetensors(weights({"decoder.conv_in.weight": (4, 4)}, seed)),
    }


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
    read_only(library)

    assert claims(library) == set()


def test_text_that_a_database_would_refuse_is_made_fit(tmp_path: Path) -> None:
    root = installed(
        tmp_path, name="a\0b\ud800 " + "x" * 9000, trigger_phrases=["\0", "\ud800"], source="javascript:alert(1)",
        source_type="url",
    )  # fmt: skip
    library = add(root)
    read_only(library)

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
    read_only(library)
    ModelRecord.objects.update(name="Mine", name_source="person", edited=["name", "trigger_words"])

    noted(tmp_path, trigger_phrases=["theirs"])
    scan(library)

    record = ModelRecord.objects.get()
    assert (record.name, record.trigger_words) == ("Mine", [])


def test_a_broken_database_is_a_finding_until_it_is_mended(tmp_path: Path) -> None:
    database = invokeai(installed(tmp_path), [])
    database.write_bytes(b"SQLite format 3\0" + b"\xff" * 5000)
    library = add(tmp_path)
    read_only(library)

    [found] = findings.open_findings()
    assert (found.code, found.library, found.params["path"]) == (FindingCode.NOTE_UNREADABLE, library, str(database))
    assert ModelRecord.objects.get().name == "style"

    noted(tmp_path)
    scan(library)

    assert not findings.open_findings().exists()
    assert ModelRecord.objects.get().name == "My style"


# --- Hugging Face -----------------------------------------------------------------------------------------------------


def test_a_cache_names_repository_commits_and_digests(tmp_path: Path) -> None:
    content = model(1)
    hub(
        tmp_path, "org/name", {COMMIT: {"x/a.safetensors": content}, OLDER: {"x/a.safetensors": content}},
        refs={"main": COMMIT},
    )  # fmt: skip
    before = as_it_is(tmp_path)
    library = add(tmp_path)
    read_only(library)

    record = ModelRecord.objects.get()
    [variant] = record.variants.all()
    assert (str(record), record.name_source) == ("org/name", NameSource.REPOSITORY)
    assert record.source == "https://huggingface.co/org/name"
    both = {f"org/name@{commit}/x/a.safetensors" for commit in (COMMIT, OLDER)}
    assert ids(variant) == {("hf", value) for value in {"org/name", *both}}
    assert claims(library) == {(ClaimSource.HUGGING_FACE, "sha256", digest_of("a.safetensors", content), "")}
    assert as_it_is(tmp_path) == before
    assert HashClaim.objects.get().location.files.get().size == len(content)


@pytest.mark.parametrize(
    "text",
    [
        "org/name", "hf:org/name", "hf.co/org/name", "https://huggingface.co/org/name",
        "huggingface.co/org/name/tree/main",
        f"org/name@{COMMIT}", f"org/name@{COMMIT}/a.safetensors",
        f"https://huggingface.co/org/name/blob/{COMMIT}/a.safetensors",
        f"https://huggingface.co/org/name/resolve/{COMMIT}/a.safetensors?download=true",
    ],
)  # fmt: skip
def test_a_repository_is_found_however_it_is_written(tmp_path: Path, text: str) -> None:
    hub(tmp_path, "org/name", {COMMIT: {"a.safetensors": model(1, {"modelspec.title": "Other"})}})
    read_only(add(tmp_path))

    assert [hit.name for hit in lookup.find(text).hits] == ["Other"]


def test_a_revision_with_a_name_of_its_own_is_a_version(tmp_path: Path) -> None:
    hub(tmp_path, "org/name", {COMMIT: {"a.safetensors": model(1)}}, refs={"fp16": COMMIT, "main": OLDER})
    read_only(add(tmp_path))

    assert str(ModelRecord.objects.get()) == "org/name fp16"


def test_an_old_snapshot_is_told_by_its_commit(tmp_path: Path) -> None:
    snapshots = {COMMIT: {"a.safetensors": model(1)}, OLDER: {"a.safetensors": model(2)}}
    hub(tmp_path, "org/name", snapshots, refs={"main": COMMIT})
    read_only(add(tmp_path))

    assert {str(record) for record in ModelRecord.objects.all()} == {"org/name", "org/name bbbbbbb"}


def test_each_file_of_a_set_has_its_digest_and_the_wrong_one_is_named(tmp_path: Path) -> None:
    files = pipeline(1)
    folder = hub(tmp_path, "org/pipe", {COMMIT: files}, refs={"main": COMMIT})
    library = add(tmp_path)
    catalogue(library)

    algorithm = {64: "sha256", 40: "git-sha1"}
    wanted = {name: digest_of(name, content) for name, content in files.items()}
    assert claims(library) == {
        (ClaimSource.HUGGING_FACE, algorithm[len(digest)], digest, name) for name, digest in wanted.items()
    }
    assert not findings.open_findings().exists()
    [variant] = ModelRecord.objects.get().variants.all()
    assert ("hf", f"org/pipe@{COMMIT}") in ids(variant)
    found = lookup.find(f"org/pipe@{COMMIT}/vae/diffusion_pytorch_model.safetensors")
    assert [hit.variant for hit in found.hits] == [variant.pk]

    wrong = folder / "blobs" / wanted["vae/diffusion_pytorch_model.safetensors"]
    content = bytearray(wrong.read_bytes())
    content[-1] ^= 1
    wrong.write_bytes(content)
    os.utime(wrong, ns=(1_500_000_000_000_000_000,) * 2)
    catalogue(library)

    [finding] = findings.open_findings()
    assert (finding.code, finding.params["algorithm"]) == (FindingCode.CLAIM_DIFFERS, "SHA-256")
    assert finding.place.endswith("vae/diffusion_pytorch_model.safetensors")


def test_a_cache_without_links_lists_by_its_trees(tmp_path: Path) -> None:
    files = {"a.safetensors": model(1), "b.safetensors": model(2)}
    folder = hub(tmp_path, "org/name", {COMMIT: files}, links=False)
    write_tree(folder, {f"trees/{COMMIT}.json": tree_list(files | {"b.safetensors": b"of another size"}).encode()})
    library = add(tmp_path)
    read_only(library)

    assert claims(library) == {
        (ClaimSource.HUGGING_FACE, "sha256", digest_of("a.safetensors", files["a.safetensors"]), "")
    }


def test_a_blob_without_a_snapshot_lists_its_own_name(tmp_path: Path) -> None:
    folder = hub(tmp_path, "org/name", {COMMIT: {"a.safetensors": model(1)}})
    (folder / "snapshots" / COMMIT / "a.safetensors").unlink()
    digest = digest_of("a.safetensors", model(1))
    library = libraries.add(path=os.fsencode(folder / "blobs"), only=digest.encode())
    read_only(library)

    assert claims(library) == {(ClaimSource.HUGGING_FACE, "sha256", digest, "")}


def test_a_download_into_an_ordinary_folder_lists_too(tmp_path: Path) -> None:
    write_tree(tmp_path / "lib/in", pipeline(1))
    name = "unet/diffusion_pytorch_model.safetensors"
    note = f"{COMMIT}\n{'1' * 64}\n99999999999\n".encode()
    write_tree(tmp_path / "lib/in/.cache/huggingface/download", {f"{name}.metadata": note})
    before = as_it_is(tmp_path)
    library = add(tmp_path / "lib")
    read_only(library)

    assert claims(library) == {(ClaimSource.HUGGING_FACE, "sha256", "1" * 64, name)}
    assert as_it_is(tmp_path) == before


def test_a_link_with_a_lying_name_in_another_repository_lists_nothing(tmp_path: Path) -> None:
    hub(tmp_path, "org/other", {OLDER: {"a.safetensors": model(1)}})
    place = tmp_path / f"models--evil--name/snapshots/{COMMIT}/z.safetensors"
    place.parent.mkdir(parents=True)
    place.symlink_to(f"../../../models--org--other/snapshots/{OLDER}/a.safetensors")
    library = add(tmp_path)
    read_only(library)

    assert {row[2] for row in claims(library)} <= {digest_of("a.safetensors", model(1))}


def test_a_set_that_leaves_the_cache_takes_its_digests_along(tmp_path: Path) -> None:
    hub(tmp_path / "cache", "org/pipe", {COMMIT: pipeline(1)}, links=False)
    write_tree(tmp_path / "cache/models--org--pipe/trees", {f"{COMMIT}.json": tree_list(pipeline(1)).encode()})
    library = add(tmp_path)
    read_only(library)
    before = claims(library)

    os.rename(tmp_path / f"cache/models--org--pipe/snapshots/{COMMIT}", tmp_path / "pipe")
    read_only(library)

    assert at(library, "pipe").variant is not None
    assert len(before) == 3
    assert claims(library) <= before


def test_a_new_revision_is_one_more_id_at_the_next_scan(tmp_path: Path) -> None:
    hub(tmp_path, "org/name", {COMMIT: {"a.safetensors": model(1)}}, refs={"main": COMMIT})
    library = add(tmp_path)
    catalogue(library)

    hub(tmp_path, "org/name", {OLDER: {"a.safetensors": model(1)}})
    catalogue(library)

    assert ExternalId.objects.filter(value=f"org/name@{OLDER}/a.safetensors").count() == 1


# --- Ollama and LM Studio ---------------------------------------------------------------------------------------------


def test_every_tag_of_a_blob_and_the_id_of_its_model_lead_to_it(tmp_path: Path) -> None:
    content = tiny()
    layers = {"model": content, "license": b"\n  MIT License\n\nPermission is hereby granted", "params": b"{}"}
    manifest = ollama(tmp_path, "registry.ollama.ai/library/llama3/8b", layers)
    ollama(tmp_path, "registry.ollama.ai/library/llama3/latest", layers)
    ollama(tmp_path, "hf.co/org/repo/Q4_K_M", {"model": content})
    before = as_it_is(tmp_path)
    library = add(tmp_path)
    read_only(library)

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
    read_only(add(tmp_path))

    names = set(ModelRecord.objects.values_list("name", "source"))
    assert names == {(name, "https://ollama.com/library/llava") for name in ("llava:7b", "llava:7b (projector)")}


def test_a_licence_without_a_title_is_left_out(tmp_path: Path) -> None:
    ollama(tmp_path, "registry.ollama.ai/library/x/y", {"model": tiny(), "license": b"x" * 200})
    read_only(add(tmp_path))

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
    read_only(add(tmp_path))

    assert not ExternalId.objects.exists()
    assert not findings.open_findings().exists()


def test_lm_studio_keeps_repositories_by_their_names(tmp_path: Path) -> None:
    put(tmp_path, ".lmstudio/models/bartowski/Tiny-GGUF/tiny-Q4_K_M.gguf", tiny("Tiny"))
    put(tmp_path, ".lmstudio/models/imported-models/uncategorized/x.gguf", tiny(seed=9))
    read_only(add(tmp_path / ".lmstudio" / "models"))

    assert set(ModelRecord.objects.values_list("name", "source")) == {
        ("Tiny", "https://huggingface.co/bartowski/Tiny-GGUF"),
        ("x", ""),
    }
    assert LocationFile.objects.count() == 2
