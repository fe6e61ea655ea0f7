"""What recognition, readers and other programs can say, in rows: added to the catalogue that pages are shown with."""

from __future__ import annotations

import hashlib
import struct
import zlib
from typing import TYPE_CHECKING

from catalog.models import (
    ExternalId,
    Finding,
    HashClaim,
    Location,
    LocationFile,
    ModelRecord,
    Preview,
    Variant,
    VariantFile,
)
from catalog.storage.keys import place_key
from catalog.vocabulary import Algorithm, FindingCode, Format, Outcome

if TYPE_CHECKING:
    from catalog.models import Library

SIDE = 64
TROUBLES = (
    ("pickled-surprise", Format.PICKLE, Outcome.UNSAFE, FindingCode.UNSAFE,
     {"what": "it calls os.system", "where": "opcode 12 of data.pkl"}),
    ("old-training-run", Format.PICKLE, Outcome.SUSPICIOUS, FindingCode.FOREIGN_OBJECTS,
     {"names": "pytorch_lightning.callbacks.ModelCheckpoint"}),
    ("half-a-download", Format.SAFETENSORS, Outcome.INVALID, FindingCode.TRUNCATED,
     {"expected": "6.94 GB", "actual": "4.1 GB"}),
    ("mobilenet-v3", Format.KERAS, Outcome.UNSUPPORTED, FindingCode.UNSUPPORTED, {"format": "Keras"}),
)  # fmt: skip
"""Files that were not simply read: name, format, outcome, and the finding that says why."""


def know_more(sdxl: ModelRecord, flux: ModelRecord, lora: ModelRecord) -> None:
    """Gives three models what sidecars, stores and recognition tell of them."""
    _known_elsewhere(sdxl)
    _recognised(flux)
    _words(lora)
    _listed_by_stores(sdxl)


def troubled(where: Library) -> list[ModelRecord]:
    """A model for each way in which a file can be no ordinary one."""
    return [_trouble(number, where) for number in range(len(TROUBLES))]


def picture(side: int = SIDE) -> bytes:
    """A PNG of a dusk over water."""
    rows = b"".join(
        b"\0" + b"".join(bytes((40 + 2 * y, 60 + y + x // 2, 150 - y)) for x in range(side)) for y in range(side)
    )
    header = struct.pack(">IIBBBBB", side, side, 8, 2, 0, 0, 0)
    parts = ((b"IHDR", header), (b"IDAT", zlib.compress(rows)), (b"IEND", b""))
    return b"\x89PNG\r\n\x1a\n" + b"".join(
        struct.pack(">I", len(body)) + name + body + struct.pack(">I", zlib.crc32(name + body)) for name, body in parts
    )


def _known_elsewhere(model: ModelRecord) -> None:
    ModelRecord.objects.filter(pk=model.pk).update(
        name_source="sidecar",
        version_name="VAE fix",
        source="https://civitai.com/models/101055",
        licence="CreativeML Open RAIL++-M",
        tags=["base model", "photography"],
    )
    first = model.variants.order_by("number")[0]
    Preview.objects.create(variant=first, image=picture(), media_type="image/png", width=SIDE, height=SIDE)
    for scheme, value in (
        ("civitai-model", "101055"), ("civitai-version", "128078"), ("invokeai-key", "3f2a9c1e-7c3b-4a55-9f0e"),
        ("hf", "stabilityai/stable-diffusion-xl-base-1.0@462165984030d82259a11f4367a4eed129e94a7b"),
    ):  # fmt: skip
        ExternalId.objects.create(scheme=scheme, value=value, variant=first)


def _recognised(model: ModelRecord) -> None:
    model.variants.update(
        traits=["dev"],
        reasons=[
            ["kind", "tensors named double_blocks and single_blocks, and no text encoder or VAE beside them"],
            ["base", "img_in is 64 wide and takes 16 channels of 2 x 2"],
            ["traits", "guidance_in is there: schnell has none"],
            ["precision", "the dtype of nine values in ten"],
        ],
        candidates=[["base", "chroma", "the same blocks; but distilled_guidance_layer is missing"]],
        dtypes={"BF16": 11_746_000_000, "F32": 155_000_000},
    )
    fp8 = model.variants.filter(precision="fp8_e4m3")
    fp8.update(
        precision="mixed",
        quantisation="fp8 scaled",
        dtypes={"F8_E4M3": 9_300_000_000, "BF16": 2_450_000_000, "F32": 151_000_000},
    )


def _words(model: ModelRecord) -> None:
    words = ["add detail", "masterpiece, best quality, intricate", *(f"word number {number}" for number in range(14))]
    ModelRecord.objects.filter(pk=model.pk).update(trigger_words=words)


def _listed_by_stores(model: ModelRecord) -> None:
    """InvokeAI lists the set; Hugging Face one file of it, rightly, and Civitai that file, wrongly."""
    folder = model.variants.filter(format=Format.DIFFUSERS).order_by("number")[0]
    place = Location.objects.filter(variant=folder)[0]
    weights = folder.files.get(role="weights")
    file = LocationFile.objects.create(
        location=place, file=weights, position=1, path=bytes(place.path) + b"/" + bytes(weights.name),
        name=bytes(weights.name), role="weights", size=weights.size, mtime_ns=1, ctime_ns=1, ino=7_001, dev=1,
    )  # fmt: skip
    sha = bytes(weights.hashes.get(algorithm=Algorithm.SHA256).digest)
    claims = (
        (None, Algorithm.INVOKE_BLAKE3, hashlib.sha256(b"invoke").digest(), "invokeai"),
        (file, Algorithm.SHA256, sha, "huggingface"),
        (file, Algorithm.BLAKE3, hashlib.sha256(b"another").digest(), "a1111"),
    )
    for meant, algorithm, digest, source in claims:
        HashClaim.objects.create(
            location=place, file=meant, variant=folder, algorithm=algorithm, digest=digest, source=source
        )


def _trouble(number: int, where: Library) -> ModelRecord:
    name, container, outcome, code, params = TROUBLES[number]
    model = ModelRecord.objects.create(name=name)
    path = f"odd/{name}.{container}".encode()
    digest = hashlib.sha256(path).digest()
    variant = Variant.objects.create(
        model=model, content=digest, format=container, precision="unknown", size=2_000_000_000 + number,
        outcome=outcome,
    )  # fmt: skip
    file = VariantFile.objects.create(variant=variant, name=path[4:], size=variant.size, role="weights")
    file.hashes.create(variant=variant, algorithm=Algorithm.SHA256, digest=digest)
    place = Location.objects.create(
        library=where, path=path, path_key=place_key(path), path_text=path.decode(), variant=variant,
        outcome=outcome, size=variant.size,
    )  # fmt: skip
    LocationFile.objects.create(
        location=place, file=file, path=path, name=path[4:], role="weights", size=variant.size, mtime_ns=1,
        ctime_ns=1, ino=8_000 + number, dev=1,
    )  # fmt: skip
    Finding.objects.create(code=code, params=params, location=place)
    return model
