"""What the catalogue took over from the programs that keep models, for tests to look at."""

from __future__ import annotations

from typing import TYPE_CHECKING

from catalog.models import ExternalId, HashClaim
from tests.builders import safetensors, weights
from tests.identity.catalogue import probe_all, scan

if TYPE_CHECKING:
    from catalog.models import Library, Variant


def read_headers(library: Library) -> None:
    """Walked, and every header read; nothing hashed."""
    scan(library)
    probe_all()


def ids(variant: Variant) -> set[tuple[str, str]]:
    """Scheme and value of each."""
    return set(ExternalId.objects.filter(variant=variant).values_list("scheme", "value"))


def claims(library: Library) -> set[tuple[str, str, str, str]]:
    """Source, algorithm, digits and the file that is meant, if one is."""
    return {
        (row.source, row.algorithm, bytes(row.digest).hex(), bytes(row.file.name).decode() if row.file else "")
        for row in HashClaim.objects.filter(location__library=library).select_related("file")
    }


def pipeline(seed: int) -> dict[str, bytes]:
    """The files of a small folder of diffusers."""
    return {
        "model_index.json": b'{"_class_name": "StableDiffusionPipeline"}',
        "unet/diffusion_pytorch_model.safetensors": safetensors(weights({"conv_in.weight": (4, 4)}, seed)),
        "vae/diffusion_pytorch_model.safetensors": safetensors(weights({"decoder.conv_in.weight": (4, 4)}, seed)),
    }
