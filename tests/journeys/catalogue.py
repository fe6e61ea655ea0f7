"""A believable catalogue in rows: what the browser tests look at, and whoever works on the pages."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import TYPE_CHECKING
from uuid import uuid4

from django.utils import timezone

from catalog.formats.base import Probe, TensorInfo
from catalog.formats.packing import pack
from catalog.matching import packing
from catalog.models import (
    Component,
    Decision,
    ExternalId,
    Finding,
    FormerName,
    HashClaim,
    Job,
    Library,
    Location,
    LocationFile,
    Match,
    ModelHash,
    ModelRecord,
    TensorIndex,
    Variant,
    VariantFile,
)
from catalog.services import totals
from catalog.storage.keys import path_key, place_key
from catalog.vocabulary import Algorithm, Base, Certainty, Format, Kind, Outcome, Relation
from tests.builders.evidence import evidence
from tests.journeys import recognised

if TYPE_CHECKING:
    from collections.abc import Sequence

GB = 1_000_000_000
_TENSORS = 240


@dataclass(frozen=True, slots=True)
class Sort:
    """A variant to be made: format, precision, bits, bytes."""

    format: str
    precision: str
    bits: int
    size: int


FP32, FP16, BF16 = (
    Sort("safetensors", "fp32", 32, 7 * GB),
    Sort("safetensors", "fp16", 16, 3_470_000_000),
    Sort("safetensors", "bf16", 16, 23_800_000_000),
)
MODELS: Sequence[tuple[str, str, str, str, tuple[Sort, ...]]] = (
    (
        "SDXL base 1.0",
        "",
        "checkpoint",
        "sdxl",
        (
            Sort("safetensors", "fp16", 16, 6_938_040_682),
            Sort("diffusers", "fp32", 32, 13_900_000_000),
            Sort("diffusers", "fp16", 16, 6_950_000_000),
        ),
    ),
    (
        "FLUX.1",
        "dev",
        "diffusion-model",
        "flux",
        (
            BF16,
            Sort("diffusers", "bf16", 16, 23_800_000_001),
            Sort("safetensors", "fp8_e4m3", 8, 11_900_000_000),
            Sort("gguf", "Q8_0", 8, 12_700_000_000),
            Sort("gguf", "Q4_K_S", 4, 6_800_000_000),
        ),
    ),
    ("DreamShaper 8", "", "checkpoint", "sd-1", (FP32, FP16, Sort("pickle", "fp16", 16, 2_100_000_000))),
    (
        "Llama-3.2-3B-Instruct",
        "",
        "llm",
        "llama",
        (Sort("transformers", "bf16", 16, 6_430_000_000), Sort("gguf", "Q4_K_M", 4, 2_020_000_000)),
    ),
    ("T5-XXL v1.1 encoder", "", "text-encoder", "t5", (Sort("safetensors", "fp16", 16, 9_790_000_000),)),
    ("add-detail-xl", "", "lora", "sdxl", (Sort("safetensors", "fp16", 16, 228_000_000),)),
    ("LCM LoRA SDXL", "", "lora", "sdxl", (Sort("safetensors", "fp16", 16, 394_000_000),)),
    (
        "SD VAE ft-MSE 840000",
        "",
        "vae",
        "sd-1",
        (Sort("safetensors", "fp32", 32, 334_000_000), Sort("pickle", "fp32", 32, 335_000_000)),
    ),
    ("4x_foolhardy_Remacri", "", "upscaler", "unknown", (Sort("pickle", "unknown", 0, 67_000_000),)),
    ("control-canny", "", "controlnet", "sd-1", (FP16,)),
    (
        "a_very_long_file_name_without_any_blank_in_it_as_downloads_like_to_have_v2_final_pruned_emaonly",
        "",
        "unknown",
        "unknown",
        (Sort("other", "unknown", 0, 4_200),),
    ),
    ("<script>alert('name')</script>", '"><img src=x>', "embedding", "sd-2", (Sort("safetensors", "fp32", 32, 9_000),)),
)


def fill() -> list[ModelRecord]:
    """Two library folders and one that is offline, a dozen models, jobs in every state, some findings."""
    comfy, cache, archive = _libraries()
    models = [_model(number, *row, where=comfy) for number, row in enumerate(MODELS)]
    flux, sdxl, shaper = models[1], models[0], models[2]
    _place(flux.variants.order_by("number")[0], cache, b"models--flux/snapshots/0ef5fff/flux1-dev.safetensors", 900)
    _place(sdxl.variants.order_by("number")[0], archive, b"sd/sdxl_base.safetensors", 901, state="offline")
    _history(flux, shaper)
    _claims(flux)
    _gone(models[6])
    _jobs(comfy, cache)
    _findings(comfy, archive, models)
    recognised.know_more(sdxl, flux, models[5])
    models[-1:-1] = recognised.troubled(comfy)
    for library in (comfy, cache, archive):
        totals.refresh(library_id=library.pk)
    return models


def _libraries() -> tuple[Library, Library, Library]:
    now = timezone.now()
    rows = [
        Library(
            name=name,
            path=path,
            path_key=path_key(path),
            path_text=path.decode(),
            layout=layout,
            online=online,
            last_scan_at=now - timedelta(minutes=minutes),
            last_report=report,
        )
        for name, path, layout, online, minutes, report in (
            (
                "ComfyUI",
                b"/tmp",
                "ComfyUI",
                True,
                4,
                {
                    "new": 412,
                    "edited": 2,
                    "moved": 1,
                    "missing": 0,
                    "revived": 0,
                    "unchanged": 96,
                    "links": 0,
                    "skipped": {"not_a_model": 1204, "hidden": 12},
                    "findings": 3,
                    "seconds": 2.4,
                    "complete": True,
                },
            ),
            ("Hugging Face cache", b"/home/anna/.cache/huggingface/hub", "Hugging Face", True, 5, {}),
            ("Archive drive", b"/mnt/archive/sd", "", False, 60 * 24 * 12, {}),
        )
    ]
    return tuple(Library.objects.bulk_create(rows))  # type: ignore[return-value]  # three of them


def _model(
    number: int, name: str, version: str, kind: str, base: str, sorts: tuple[Sort, ...], *, where: Library
) -> ModelRecord:
    made = ModelRecord.objects.create(
        name=name,
        version_name=version,
        kind=Kind(kind),
        base=Base(base),
        source="",
        tags=["style"] if number == 2 else [],
    )
    for place, sort in enumerate(sorts):
        variant = _variant(made, sort, kind, base)
        stem = "".join(c if c.isalnum() else "_" for c in name.lower())
        suffix = "" if sort.format in ("diffusers", "transformers") else f".{sort.format}"
        path = f"{kind}/{stem}-{sort.precision}{suffix}".encode()
        location = _place(variant, where, path, 10 * number + place)
        FormerName.objects.create(
            variant=variant, library=where, path=path, path_key=path_key(path), path_text=location.path_text, stem=stem
        )
    return made


def _variant(model: ModelRecord, sort: Sort, kind: str, base: str) -> Variant:
    digest = hashlib.sha256(f"{model.name}{sort}".encode()).digest()
    known = sort.format not in (Format.OTHER, Format.PICKLE)
    made = Variant.objects.create(
        model=model,
        content=digest,
        format=sort.format,
        precision=sort.precision,
        bits=sort.bits,
        kind=kind,
        base=base,
        parameters=sort.size * 8 // sort.bits if sort.bits else 0,
        size=sort.size,
        hashed_at=timezone.now(),
        outcome=Outcome.OK if known else Outcome.UNSUPPORTED,
        settings={"prediction_type": "epsilon"},
        reasons=[["kind", "tensors named model.diffusion_model"], ["base model", "the context is 2048 wide"]],
    )
    names = [b"model_index.json", b"unet/diffusion_pytorch_model.safetensors", b"vae/config.json"]
    several = sort.format in (Format.DIFFUSERS, Format.TRANSFORMERS)
    for position, name in enumerate(names if several else [f"{model.name}.{sort.format}".encode()]):
        file = VariantFile.objects.create(
            variant=made,
            position=position,
            name=name,
            size=sort.size,
            role="weights" if b"safetensors" in name or not several else "config",
        )
        _hashes(made, file)
    if several:
        ModelHash.objects.create(variant=made, algorithm=Algorithm.FOLDER, digest=digest)
    if known:
        _tensors(made)
    return made


def _hashes(variant: Variant, file: VariantFile) -> None:
    seed = f"{variant.pk}{file.position}".encode()
    lengths = {
        Algorithm.SHA256: 32,
        Algorithm.BLAKE3: 32,
        Algorithm.AUTOV1: 4,
        Algorithm.AUTOV3: 32,
        Algorithm.CRC32: 4,
    }
    ModelHash.objects.bulk_create(
        ModelHash(
            variant=variant, file=file, algorithm=name, digest=hashlib.sha256(name.encode() + seed).digest()[:size]
        )
        for name, size in lengths.items()
    )


def _tensors(variant: Variant) -> None:
    tensors = tuple(
        TensorInfo(
            f"model.diffusion_model.input_blocks.{at}.0.in_layers.2.weight", "F16", (320, 320, 3, 3), at * 1000, 1000, 0
        )
        for at in range(_TENSORS)
    )
    probe = Probe(
        format=Format.SAFETENSORS, outcome=Outcome.OK, tensors=tensors, metadata={"format": "pt", "note": "<b>bold</b>"}
    )
    TensorIndex.objects.create(variant=variant, packed=pack(probe), tensors=len(tensors))
    Component.objects.create(variant=variant, name="unet", algorithm="fp:v1", tensors=180, values=860_000_000)
    Component.objects.create(variant=variant, name="vae", algorithm="fp:v1", tensors=60, values=83_000_000)


def _place(variant: Variant, where: Library, path: bytes, ino: int, *, state: str = "present") -> Location:
    made = Location.objects.create(
        library=where,
        path=path,
        path_key=place_key(path),
        path_text=path.decode(),
        variant=variant,
        state=state,
        outcome=variant.outcome,
        size=variant.size,
        hashed_at=timezone.now() - timedelta(hours=3),
        missing_since=None if state == "present" else timezone.now() - timedelta(days=12),
    )
    LocationFile.objects.create(
        location=made,
        file=variant.files.order_by("position")[0],
        path=path,
        name=path.rsplit(b"/", 1)[-1],
        role="weights",
        size=variant.size,
        mtime_ns=1,
        ctime_ns=1,
        ino=ino,
        dev=1,
    )
    return made


def _history(model: ModelRecord, other: ModelRecord) -> None:
    first, second, *_rest = model.variants.order_by("number")
    alias = ModelRecord.objects.create(name="flux1-dev (converted)", merged_into=model)
    joined = Decision.objects.create(kind="join", rule="same_tensors", reason="the same tensors, proven by hash")
    joined.models_touched.set([model, alias])
    left, right = sorted((first, second), key=lambda row: row.pk)
    Match.objects.create(left=left, right=right, relation="same_tensors", certainty="proven", algorithm="tensors:v1")
    stranger = other.variants.order_by("number")[0]
    left, right = sorted((first, stranger), key=lambda row: row.pk)
    shown = replace(evidence(), relation=Relation.SHARES_PARTS, certainty=Certainty.SAMPLES, detection_limit=0.002)
    Match.objects.create(
        left=left, right=right, relation=shown.relation, certainty=shown.certainty, same_model="partial",
        algorithm=shown.version, packed=packing.pack(shown), evidence={"obstacle": "kinds"},
    )  # fmt: skip
    ExternalId.objects.create(scheme="civitai-version", value="691639", variant=first)


def _claims(model: ModelRecord) -> None:
    first = model.variants.order_by("number")[0]
    place = first.locations.order_by("pk")[0]
    digests = {row.algorithm: bytes(row.digest) for row in first.hashes.all()}
    HashClaim.objects.create(
        location=place, variant=first, algorithm="sha256", digest=digests["sha256"], source="civitai"
    )
    HashClaim.objects.create(
        location=place, variant=first, algorithm="autov3", digest=b"\xb7\xf8\xd1\xa0\x2c\x40", source="header"
    )


def _gone(model: ModelRecord) -> None:
    long_ago = timezone.now() - timedelta(days=40)
    Location.objects.filter(variant__model=model).update(state="missing", missing_since=long_ago)


def _jobs(comfy: Library, cache: Library) -> None:
    now = timezone.now()
    Job.objects.create(kind="scan", library=cache, state="running", files_done=86, started_at=now)
    Job.objects.create(
        kind="hash",
        library=comfy,
        state="running",
        bytes_done=317 * GB,
        bytes_total=719 * GB,
        files_done=464,
        files_total=612,
        started_at=now - timedelta(minutes=4),
    )
    Job.objects.create(kind="verify", library=comfy, state="paused", bytes_total=90 * GB, files_total=40)
    Job.objects.create(
        kind="hash",
        library=cache,
        state="failed",
        error="The worker was lost three times over it.",
        finished_at=now,
        started_at=now,
    )
    Job.objects.create(
        kind="scan",
        library=comfy,
        state="done",
        files_done=511,
        started_at=now,
        finished_at=now,
        report=comfy.last_report,
    )
    reading = Location.objects.filter(library=comfy, state="present").order_by("-size")[:2]
    Location.objects.filter(pk__in=[row.pk for row in reading]).update(
        lease=uuid4(), leased_until=now + timedelta(days=1), stage="hash", done_bytes=1_500_000_000
    )


def _findings(comfy: Library, archive: Library, models: list[ModelRecord]) -> None:
    place = Location.objects.filter(variant__model=models[2]).order_by("pk")[0]
    odd = Location.objects.filter(variant__model=models[8]).order_by("pk")[0]
    Finding.objects.create(code="truncated", params={"expected": "6.94 GB", "actual": "4.1 GB"}, location=place)
    Finding.objects.create(code="unsupported", params={"format": "PyTorch pickle"}, location=odd)
    Finding.objects.create(code="library_offline", params={"path": "/mnt/archive/sd", "count": 91}, library=archive)
    Finding.objects.create(
        code="disk_read_error", params={"where": "1.2 GB", "reason": "Input/output error"}, location=place
    )
    Finding.objects.create(
        code="not_a_file", params={"what": "FIFO"}, library=comfy, place="odd/<b>pipe</b>.safetensors"
    )
    Finding.objects.create(code="from_a_newer_release", library=comfy, place="x.safetensors")
