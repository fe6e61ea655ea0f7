"""`<stem>.metadata.json` of ComfyUI-Lora-Manager: its own fields, and Civitai's version object under `civitai`.

Source: https://github.com/willmiao/ComfyUI-Lora-Manager, py/utils/models.py (`BaseModelMetadata`).
"""

from __future__ import annotations

from dataclasses import replace

from catalog.sidecars import civitai
from catalog.sidecars.base import Told, digest, fields_of, inner, line, lines, once, text
from catalog.vocabulary import Algorithm, ClaimSource

_UNKNOWN = "Unknown"


def read(raw: bytes) -> Told:
    """What the file says. `model_name` is the name of the file until Civitai was asked or the user gave another."""
    fields = fields_of(raw)
    if not isinstance(fields, dict):
        return Told(problem=fields)
    whole = civitai.version(inner(fields, "civitai"))
    name, base = line(fields.get("model_name")), line(fields.get("base_model"))
    return replace(
        whole,
        name="" if name == line(fields.get("file_name")) else name or whole.name,
        base=whole.base or ("" if base == _UNKNOWN else base),
        tags=once([*lines(fields.get("tags")), *whole.tags]),
        notes=text(fields.get("notes")),
        hashes=(
            *digest(fields.get("sha256"), Algorithm.SHA256, ClaimSource.SIDECAR, (64,)),
            *digest(fields.get("autov3"), Algorithm.AUTOV3, ClaimSource.SIDECAR, (12, 64)),
        ),
    )
