"""Small rows for tests that ask about a catalogue without scanning one."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

from catalog.models import (
    FormerName,
    HashClaim,
    Library,
    Location,
    LocationFile,
    ModelHash,
    ModelRecord,
    Variant,
    VariantFile,
)
from catalog.vocabulary import Format, Outcome

if TYPE_CHECKING:
    from collections.abc import Mapping


def library(path: bytes = b"/models") -> Library:
    """A library folder; the folder itself need not be there."""
    key = hashlib.sha256(path).digest()
    found = Library.objects.filter(path_key=key).first()
    return found or Library.objects.create(name=path.decode(), path=path, path_key=key, path_text=path.decode())


def variant(name: str = "a model", *, model: ModelRecord | None = None, size: int = 100) -> Variant:
    """A hashed variant with one file and a model of its own, or of `model`."""
    made = Variant.objects.create(
        model=model or ModelRecord.objects.create(name=name),
        format=Format.SAFETENSORS,
        precision="fp16",
        bits=16,
        size=size,
        outcome=Outcome.OK,
    )
    VariantFile.objects.create(variant=made, name=f"{name}.safetensors".encode(), size=size, role="weights")
    return made


def hashes(of: Variant, digests: Mapping[str, str]) -> None:
    """Computed digests of the variant's one file, given in hexadecimal."""
    file = of.files.get()
    ModelHash.objects.bulk_create(
        ModelHash(variant=of, file=file, algorithm=name, digest=bytes.fromhex(digest))
        for name, digest in digests.items()
    )


def location(of: Variant, path: bytes, *, state: str = "present", where: Library | None = None) -> Location:
    """A place of a single-file variant."""
    text = path.decode("utf-8", "backslashreplace")
    made = Location.objects.create(
        library=where or library(),
        path=path,
        path_key=hashlib.sha256(path + b"\0").digest(),
        path_text=text,
        variant=of,
        state=state,
        outcome=of.outcome,
        size=of.size,
    )
    LocationFile.objects.create(
        location=made, file=of.files.first(), path=path, name=path.rsplit(b"/", 1)[-1], role="weights",
        size=of.size, mtime_ns=1, ctime_ns=1, ino=made.pk, dev=1,
    )  # fmt: skip
    return made


def listed(at: Location, algorithm: str, digest: str, source: str = "civitai") -> HashClaim:
    """A digest that somebody else states for a place."""
    return HashClaim.objects.create(
        location=at, variant=at.variant, algorithm=algorithm, digest=bytes.fromhex(digest), source=source
    )


def former_name(of: Variant, path: bytes) -> FormerName:
    """A name under which the variant was seen once."""
    text = path.decode("utf-8", "backslashreplace")
    return FormerName.objects.create(
        variant=of,
        library=library(),
        path=path,
        path_key=hashlib.sha256(path).digest(),
        path_text=text,
        stem=text.rsplit("/", 1)[-1].rsplit(".", 1)[0],
    )
