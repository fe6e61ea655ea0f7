"""`<stem>.json`: what a person wrote of a model in A1111's cards, and what CivitAI Browser+ adds to it.

Source: AUTOMATIC1111/stable-diffusion-webui, modules/ui_extra_networks_user_metadata.py and
extensions-builtin/Lora/ui_edit_user_metadata.py; sd-civitai-browser-plus adds `modelId`, `modelVersionId`, `sha256`.
Many programs write a `.json` beside a model: one with none of these fields says nothing.
"""

from __future__ import annotations

from catalog.sidecars import civitai
from catalog.sidecars.base import Told, digest, fields_of, line, lines, number, text
from catalog.vocabulary import Algorithm, ClaimSource

_NO_VERSION = "Unknown"


def read(raw: bytes) -> Told:
    """What the file says. Words that call the model are its `activation text`."""
    fields = fields_of(raw)
    if not isinstance(fields, dict):
        return Told(problem=fields)
    model_id, version_id = number(fields.get("modelId")), number(fields.get("modelVersionId"))
    base = line(fields.get("sd version"))
    return Told(
        base="" if base == _NO_VERSION else base,
        source=civitai.page(model_id, version_id),
        trigger_words=lines(fields.get("activation text")),
        notes=text(fields.get("notes")),
        ids=civitai.ids(model_id, version_id),
        hashes=tuple(digest(fields.get("sha256"), Algorithm.SHA256, ClaimSource.SIDECAR, (64,))),
    )
