"""What a cache of Hugging Face says of its files reaches the catalogue, and it stays as it is."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import pytest

from catalog.models import ExternalId, HashClaim, ModelRecord
from catalog.queries import lookup
from catalog.services import findings, libraries
from catalog.vocabulary import ClaimSource, FindingCode, NameSource
from tests.builders import write_tree
from tests.builders.stores import COMMIT, OLDER, as_it_is, digest_of, hub, tree_list
from tests.identity.catalogue import add, at, catalogue, model, put
from tests.identity.known import claims, ids, pipeline, read_headers

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = pytest.mark.django_db


def test_a_cache_names_repository_commits_and_digests(tmp_path: Path) -> None:
    content = model(1)
    hub(
        tmp_path, "org/name", {COMMIT: {"x/a.safetensors": content}, OLDER: {"x/a.safetensors": content}},
        refs={"main": COMMIT},
    )  # fmt: skip
    before = as_it_is(tmp_path)
    library = add(tmp_path)
    read_headers(library)

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
    read_headers(add(tmp_path))

    assert [hit.name for hit in lookup.find(text).hits] == ["Other"]


def test_a_revision_with_a_name_of_its_own_is_a_version(tmp_path: Path) -> None:
    hub(tmp_path, "org/name", {COMMIT: {"a.safetensors": model(1)}}, refs={"fp16": COMMIT, "main": OLDER})
    read_headers(add(tmp_path))

    assert str(ModelRecord.objects.get()) == "org/name fp16"


def test_an_old_snapshot_is_told_by_its_commit(tmp_path: Path) -> None:
    snapshots = {COMMIT: {"a.safetensors": model(1)}, OLDER: {"a.safetensors": model(2)}}
    hub(tmp_path, "org/name", snapshots, refs={"main": COMMIT})
    read_headers(add(tmp_path))

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
    [hit] = lookup.find(wanted["model_index.json"]).hits
    assert (hit.variant, hit.file, hit.listed) == (variant.pk, "model_index.json", False)
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
    read_headers(library)

    assert claims(library) == {
        (ClaimSource.HUGGING_FACE, "sha256", digest_of("a.safetensors", files["a.safetensors"]), "")
    }


def test_a_blob_without_a_snapshot_lists_its_own_name(tmp_path: Path) -> None:
    folder = hub(tmp_path, "org/name", {COMMIT: {"a.safetensors": model(1)}})
    (folder / "snapshots" / COMMIT / "a.safetensors").unlink()
    digest = digest_of("a.safetensors", model(1))
    library = libraries.add(path=os.fsencode(folder / "blobs"), only=digest.encode())
    read_headers(library)

    assert claims(library) == {(ClaimSource.HUGGING_FACE, "sha256", digest, "")}


def test_a_download_into_an_ordinary_folder_lists_too(tmp_path: Path) -> None:
    write_tree(tmp_path / "lib/in", pipeline(1))
    name = "unet/diffusion_pytorch_model.safetensors"
    note = f"{COMMIT}\n{'1' * 64}\n99999999999\n".encode()
    write_tree(tmp_path / "lib/in/.cache/huggingface/download", {f"{name}.metadata": note})
    before = as_it_is(tmp_path)
    library = add(tmp_path / "lib")
    read_headers(library)

    assert claims(library) == {(ClaimSource.HUGGING_FACE, "sha256", "1" * 64, name)}
    assert as_it_is(tmp_path) == before


def test_a_link_with_a_lying_name_in_another_repository_lists_nothing(tmp_path: Path) -> None:
    hub(tmp_path, "org/other", {OLDER: {"a.safetensors": model(1)}})
    place = tmp_path / f"models--evil--name/snapshots/{COMMIT}/z.safetensors"
    place.parent.mkdir(parents=True)
    place.symlink_to(f"../../../models--org--other/snapshots/{OLDER}/a.safetensors")
    library = add(tmp_path)
    read_headers(library)

    assert {row[2] for row in claims(library)} <= {digest_of("a.safetensors", model(1))}


def test_a_set_that_leaves_the_cache_takes_its_digests_along(tmp_path: Path) -> None:
    hub(tmp_path / "cache", "org/pipe", {COMMIT: pipeline(1)}, links=False)
    write_tree(tmp_path / "cache/models--org--pipe/trees", {f"{COMMIT}.json": tree_list(pipeline(1)).encode()})
    library = add(tmp_path)
    read_headers(library)
    before = claims(library)

    os.rename(tmp_path / f"cache/models--org--pipe/snapshots/{COMMIT}", tmp_path / "pipe")
    read_headers(library)

    assert at(library, "pipe").variant is not None
    assert len(before) == 3
    assert claims(library) == before


def test_a_new_revision_is_one_more_id_at_the_next_scan(tmp_path: Path) -> None:
    hub(tmp_path, "org/name", {COMMIT: {"a.safetensors": model(1)}}, refs={"main": COMMIT})
    library = add(tmp_path)
    catalogue(library)

    hub(tmp_path, "org/name", {OLDER: {"a.safetensors": model(1)}})
    catalogue(library)

    assert ExternalId.objects.filter(value=f"org/name@{OLDER}/a.safetensors").count() == 1


def test_a_set_that_goes_to_another_library_does_so_too(tmp_path: Path) -> None:
    hub(tmp_path / "one", "org/pipe", {COMMIT: pipeline(1)}, links=False)
    write_tree(tmp_path / "one/models--org--pipe/trees", {f"{COMMIT}.json": tree_list(pipeline(1)).encode()})
    one, two = add(tmp_path / "one"), add(tmp_path / "two")
    catalogue(one)
    before = claims(one)

    os.rename(tmp_path / f"one/models--org--pipe/snapshots/{COMMIT}", tmp_path / "two/pipe")
    put(tmp_path / "one", "other.safetensors", model(7))
    catalogue(one, two)

    assert (claims(one), claims(two)) == (set(), before)
    assert not findings.open_findings().exists()


def test_only_what_is_there_and_is_a_model_is_taken_from_a_cache(tmp_path: Path) -> None:
    hub(tmp_path, "org/name", {COMMIT: {"a.safetensors": model(1)}})
    write_tree(
        tmp_path,
        {
            f"models--org--name/.no_exist/{COMMIT}/model.safetensors": b"",
            ".locks/models--org--name/x.lock": b"",
            "models--org--name/blobs/" + "1" * 64 + ".incomplete": b"x",
            f"datasets--org--data/snapshots/{COMMIT}/train.bin": b"x",
            f"spaces--org--demo/snapshots/{COMMIT}/weights.pt": b"x",
        },
    )
    read_headers(add(tmp_path))

    assert [record.name for record in ModelRecord.objects.all()] == ["org/name"]
    assert not findings.open_findings().exists()
