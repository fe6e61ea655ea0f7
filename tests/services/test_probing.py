"""Headers of real files, read in a claim: births, findings, and what waits for the next scan."""

from __future__ import annotations

import os
import resource
import uuid
from typing import TYPE_CHECKING

import pytest
from django.conf import settings
from django.db import connection
from django.test.utils import CaptureQueriesContext

from catalog.errors import LeaseLost, LibraryOffline
from catalog.formats.packing import unpack
from catalog.models import Component, Finding, FormerName, HashClaim, Library, Location, ModelRecord, Variant
from catalog.services import claiming, findings, probing
from catalog.services.identity.editing import edit
from catalog.vocabulary import FileRole, FindingCode, Format, Kind, NameSource, Outcome, Precision, Stage
from tests.builders import BRAIN, cast, gguf, safetensors, sharded, weights, write_tree
from tests.builders.shapes import lora_kohya
from tests.identity.catalogue import add, at, catalogue, model, probe_all, put, scan, variant_at

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from django.contrib.auth.models import User

    from catalog.services.claiming import Claim

pytestmark = pytest.mark.django_db


def claimed() -> Claim:
    """All headers that wait, up to a hundred."""
    found = claiming.claim(queue=settings.QUEUE, stages=[Stage.PROBE], limit_bytes=2**62)
    assert found is not None
    return found


def scanned(folder: Path) -> Library:
    """The folder as a library, walked once."""
    library = add(folder)
    scan(library)
    return library


def codes(library: Library, path: str) -> set[str]:
    """The open findings of a location."""
    open_ones = findings.open_findings().filter(location=at(library, path))
    return set(open_ones.values_list("code", flat=True))


def test_a_header_gives_birth_to_a_model_and_a_variant(tmp_path: Path) -> None:
    content = safetensors(cast(weights(lora_kohya(768), 3), BRAIN), {"ss_network_alpha": "8", "note": "hello"})
    put(tmp_path, "loras/style.safetensors", content)
    library = scanned(tmp_path)

    report = probing.probe(claim=claimed())

    place, variant = at(library, "loras/style.safetensors"), variant_at(library, "loras/style.safetensors")
    assert report == probing.ProbeReport(born=1)
    assert (place.stage, place.outcome, place.lease) == (Stage.HASH, Outcome.OK, None)
    assert (variant.format, variant.precision, variant.kind) == (Format.SAFETENSORS, Precision.BF16, Kind.LORA)
    assert variant.content is None
    assert variant.size == len(content)
    assert variant.settings["alpha"] == 8
    assert variant.reasons
    assert (variant.model.name, variant.model.name_source) == ("style", NameSource.FILE)
    assert variant.model.kind == Kind.LORA
    index = unpack(bytes(variant.tensor_index.packed))
    assert len(index.tensors) == variant.tensor_index.tensors == 3
    assert index.metadata["note"] == "hello"
    assert index.digests is None


def test_the_file_its_quick_id_and_its_name_are_remembered(tmp_path: Path) -> None:
    put(tmp_path, "a.safetensors", model(1))
    library = scanned(tmp_path)
    probe_all()

    variant = variant_at(library, "a.safetensors")
    seen, file = at(library, "a.safetensors").files.get(), variant.files.get()
    assert seen.file == file
    assert seen.quick is not None
    assert (bytes(file.name), file.role, file.position) == (b"a.safetensors", FileRole.WEIGHTS, 0)
    name = FormerName.objects.get(variant=variant)
    assert (name.stem, name.path_text, name.library) == ("a", "a.safetensors", library)


def test_a_folder_is_one_variant_with_a_part_for_each_component(tmp_path: Path) -> None:
    unet, vae = weights({"conv_in.weight": (4, 4)}, 1), weights({"decoder.conv_in.weight": (4, 4)}, 2)
    files = {
        "model_index.json": b'{"_class_name": "StableDiffusionPipeline"}',
        "unet/diffusion_pytorch_model.safetensors": safetensors(unet),
        "vae/config.json": b'{"_class_name": "AutoencoderKL"}',
        "vae/diffusion_pytorch_model.safetensors": safetensors(vae),
    }
    write_tree(tmp_path / "pipe", files)
    library = scanned(tmp_path)
    probe_all()

    variant = variant_at(library, "pipe")
    assert variant.format == Format.DIFFUSERS
    assert variant.model.name == "pipe"
    parts = Component.objects.filter(variant=variant)
    assert {(part.name, part.tensors, part.values) for part in parts} == {("unet", 1, 16), ("vae", 1, 16)}
    assert {bytes(part.tensors_digest or b"") for part in parts} == {b""}
    names = [bytes(file.name) for file in variant.files.order_by("position")]
    assert names == [name.encode() for name in sorted(files)]


def test_a_file_that_makes_up_parts_without_end_is_one_part(tmp_path: Path) -> None:
    put(tmp_path, "a.safetensors", safetensors(weights({f"text_encoders.{n}.weight": (1,) for n in range(99)}, 1)))
    catalogue(add(tmp_path))

    [part] = Component.objects.all()
    assert (part.name, part.tensors) == ("", 99)
    assert part.tensors_digest is not None


def test_a_hundred_files_take_as_many_statements_as_three(tmp_path: Path) -> None:
    counts = []
    for folder, files in (("few", 3), ("many", 100)):
        for number in range(files):
            put(tmp_path / folder, f"{number}.safetensors", model(number, size=2))
        scanned(tmp_path / folder)
        with CaptureQueriesContext(connection) as captured:
            assert probing.probe(claim=claimed()).born == files
        counts.append(len(captured))

    assert counts[0] == counts[1] < 40


@pytest.mark.parametrize(
    ("name", "content", "outcome", "code"),
    [
        ("cut.safetensors", model(1)[:-9], Outcome.INVALID, FindingCode.TRUNCATED),
        ("empty.safetensors", b"", Outcome.INVALID, FindingCode.EMPTY),
        ("lies.safetensors", b"\xff" * 64, Outcome.INVALID, FindingCode.HEADER_TOO_LARGE),
        ("page.safetensors", b"<!DOCTYPE html><html>Not found</html>", Outcome.INVALID, FindingCode.NOT_A_MODEL),
        ("net.engine", b"ftrt" + b"\0" * 200, Outcome.UNSUPPORTED, None),
    ],
)
def test_a_bad_file_gets_an_id_too_and_its_finding(
    tmp_path: Path, name: str, content: bytes, outcome: Outcome, code: FindingCode | None
) -> None:
    put(tmp_path, name, content)
    put(tmp_path, "good.safetensors", model(2))
    library = scanned(tmp_path)

    report = probing.probe(claim=claimed())

    place = at(library, name)
    assert report.born == 2
    assert (place.outcome, place.stage) == (outcome, Stage.HASH)
    assert variant_at(library, name).kind == Kind.UNKNOWN
    assert codes(library, name) == ({code} if code is not None else set())
    assert codes(library, "good.safetensors") == set()


def test_each_missing_shard_is_named(tmp_path: Path) -> None:
    files = sharded(weights({f"layers.{number}.weight": (4, 4) for number in range(9)}, 7), 4)
    for name in sorted(files)[1:3]:
        del files[name]
    write_tree(tmp_path / "llm", files)
    library = scanned(tmp_path)
    probe_all()

    place = Location.objects.get(library=library)
    raised = findings.open_findings().filter(location=place, code=FindingCode.MISSING_SHARD)
    assert place.outcome == Outcome.INVALID
    assert place.variant is not None
    assert len({row.params["shard"] for row in raised}) == 2


@pytest.fixture
def few_descriptors() -> Iterator[int]:
    """This process may not have more files open, unless it asks."""
    before = resource.getrlimit(resource.RLIMIT_NOFILE)
    few = max(map(int, os.listdir("/proc/self/fd"))) + 20
    resource.setrlimit(resource.RLIMIT_NOFILE, (few, before[1]))
    yield few
    resource.setrlimit(resource.RLIMIT_NOFILE, before)


def test_a_set_may_have_more_files_than_may_be_open_at_first(tmp_path: Path, few_descriptors: int) -> None:
    files = sharded(weights({f"layers.{number}.weight": (2,) for number in range(99)}, 7), 99)
    write_tree(tmp_path / "llm", files)
    library = scanned(tmp_path)
    probe_all()

    assert Location.objects.get(library=library).outcome == Outcome.OK


def test_a_file_that_vanished_waits_without_an_id_and_stops_no_other(tmp_path: Path) -> None:
    put(tmp_path, "a.safetensors", model(1)).with_name("b.safetensors").write_bytes(model(2))
    library = scanned(tmp_path)
    (tmp_path / "a.safetensors").unlink()

    report = probing.probe(claim=claimed())

    gone = at(library, "a.safetensors")
    assert (report.born, report.failed) == (1, 1)
    assert (gone.variant, gone.outcome, gone.stage, gone.lease) == (None, Outcome.CHANGED, Stage.NONE, None)
    assert codes(library, "a.safetensors") == {FindingCode.VANISHED}
    assert variant_at(library, "b.safetensors")


def test_a_file_that_was_written_since_the_walk_is_read_after_the_next(tmp_path: Path) -> None:
    put(tmp_path, "a.safetensors", model(1))
    library = scanned(tmp_path)
    put(tmp_path, "a.safetensors", model(2))
    probe_all()
    assert codes(library, "a.safetensors") == {FindingCode.CHANGING}
    assert at(library, "a.safetensors").variant is None

    scan(library)
    probe_all()

    assert codes(library, "a.safetensors") == set()
    assert at(library, "a.safetensors").outcome == Outcome.OK


def test_a_file_below_a_link_that_now_leaves_is_not_opened(tmp_path: Path) -> None:
    secret = put(tmp_path / "outside", "secret.safetensors", model(1))
    put(tmp_path / "library", "sub/a.safetensors", model(1))
    library = scanned(tmp_path / "library")
    (tmp_path / "library" / "sub" / "a.safetensors").unlink()
    (tmp_path / "library" / "sub" / "a.safetensors").symlink_to(secret)
    probe_all()

    assert at(library, "sub/a.safetensors").variant is None
    assert codes(library, "sub/a.safetensors") == {FindingCode.LINK_LEAVES}


def test_a_library_that_is_gone_is_told_and_nothing_is_written(tmp_path: Path) -> None:
    put(tmp_path / "drive", "a.safetensors", model(1))
    library = scanned(tmp_path / "drive")
    os.rename(tmp_path / "drive", tmp_path / "unmounted")

    with pytest.raises(LibraryOffline):
        probing.probe(claim=claimed())

    assert not Finding.objects.filter(location__library=library).exists()
    assert at(library, "a.safetensors").outcome == Outcome.PENDING


def test_a_lost_lease_writes_nothing(tmp_path: Path) -> None:
    put(tmp_path, "a.safetensors", model(1))
    library = scanned(tmp_path)
    claim = claimed()
    Location.objects.update(lease=uuid.uuid4())

    with pytest.raises(LeaseLost):
        probing.probe(claim=claim)

    assert not Variant.objects.exists()
    assert at(library, "a.safetensors").stage == Stage.PROBE


def test_only_what_was_taken_away_is_dropped(tmp_path: Path) -> None:
    put(tmp_path, "a.safetensors", model(1))
    put(tmp_path, "b.safetensors", model(2))
    library = scanned(tmp_path)
    claim = claimed()
    Location.objects.filter(path=b"a.safetensors").update(lease=None, leased_until=None)

    assert probing.probe(claim=claim).born == 1

    assert at(library, "a.safetensors").variant is None
    assert variant_at(library, "b.safetensors")


def test_a_download_that_goes_on_keeps_its_id(tmp_path: Path, admin_user: User) -> None:
    whole = safetensors(weights({"a.weight": (8, 8)}, 1), {"modelspec.title": "The whole"})
    put(tmp_path, "a.safetensors", whole[:-100])
    library = scanned(tmp_path)
    probe_all()
    before = variant_at(library, "a.safetensors")
    edit(model=before.model, fields={"notes": "mine", "kind": Kind.VAE.value}, user=admin_user)

    put(tmp_path, "a.safetensors", whole)
    scan(library)
    report = probing.probe(claim=claimed())

    after = variant_at(library, "a.safetensors")
    assert report.known == 1
    assert after == before
    assert (after.outcome, after.size, after.files.get().size) == (Outcome.OK, len(whole), len(whole))
    assert after.tensor_index.tensors == 1
    assert (after.model.name, after.model.name_source) == ("The whole", NameSource.HEADER)
    assert (after.model.notes, after.model.kind) == ("mine", Kind.VAE)
    assert codes(library, "a.safetensors") == set()


def test_a_set_that_grows_before_it_was_read_keeps_its_ids(tmp_path: Path) -> None:
    files = sharded(weights({f"layers.{number}.weight": (4, 4) for number in range(9)}, 7), 3)
    late = sorted(files)[1]
    write_tree(tmp_path / "llm", {name: content for name, content in files.items() if name != late})
    library = scanned(tmp_path)
    probe_all()
    before = Variant.objects.get()
    ids = {bytes(file.name): file.pk for file in before.files.all()}

    write_tree(tmp_path / "llm", {late: files[late]})
    scan(library)
    probe_all()

    after = Variant.objects.get()
    now = {bytes(file.name): file.pk for file in after.files.all()}
    assert after == before
    assert after.outcome == Outcome.OK
    assert ids.items() <= now.items()
    assert [bytes(file.name) for file in after.files.order_by("position")] == sorted(now)


def test_a_hashed_file_with_another_inode_is_only_verified(tmp_path: Path) -> None:
    path = put(tmp_path, "a.safetensors", model(1))
    library = add(tmp_path)
    catalogue(library)
    path.chmod(0o600)
    Location.objects.update(stage=Stage.PROBE)

    probing.probe(claim=claimed())

    place = at(library, "a.safetensors")
    assert (place.stage, place.priority) == (Stage.VERIFY, 9)
    assert place.hashed_at is not None


def test_files_that_share_their_size_are_read_first(tmp_path: Path) -> None:
    put(tmp_path, "a.safetensors", model(1))
    put(tmp_path, "b.safetensors", model(2))
    put(tmp_path, "c.safetensors", model(3, {"longer": "than the others"}))
    library = scanned(tmp_path)
    probe_all()

    priorities = [at(library, f"{name}.safetensors").priority for name in "abc"]
    assert priorities[0] == priorities[1] < priorities[2]


def test_hashes_in_the_header_are_listed(tmp_path: Path) -> None:
    told = {"sshs_model_hash": "AB" * 32, "modelspec.hash_sha256": "0x" + "cd" * 32}
    put(tmp_path, "a.safetensors", model(1, told))
    library = scanned(tmp_path)
    probe_all()

    rows = HashClaim.objects.filter(location=at(library, "a.safetensors"))
    assert {row.algorithm: bytes(row.digest).hex() for row in rows} == {
        "autov3": "ab" * 32,
        "modelspec.hash_sha256": "cd" * 32,
    }
    assert {row.variant for row in rows} == {variant_at(library, "a.safetensors")}


def test_what_a_header_lists_no_more_is_forgotten(tmp_path: Path) -> None:
    put(tmp_path, "a.safetensors", model(1, {"sshs_model_hash": "ab" * 32, "modelspec.hash_sha256": "cd" * 32}))
    library = scanned(tmp_path)
    probe_all()
    put(tmp_path, "a.safetensors", model(2, {"sshs_model_hash": "ef" * 32}))
    scan(library)
    assert probing.probe(claim=claimed()).known == 1

    rows = HashClaim.objects.filter(location=at(library, "a.safetensors"))
    assert {row.algorithm: bytes(row.digest).hex() for row in rows} == {"autov3": "ef" * 32}


def test_a_gguf_is_known_by_its_own_words(tmp_path: Path) -> None:
    facts = {"general.architecture": "llama", "general.name": "Tiny Llama", "general.license": "mit"}
    put(tmp_path, "x.gguf", gguf(weights({"token_embd.weight": (8, 32)}, 5), facts))
    library = scanned(tmp_path)
    probe_all()

    found = ModelRecord.objects.get()
    assert variant_at(library, "x.gguf").format == Format.GGUF
    assert (found.name, found.name_source, found.licence) == ("Tiny Llama", NameSource.HEADER, "mit")
