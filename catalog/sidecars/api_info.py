"""`<stem>.api_info.json` of CivitAI Browser+: what Civitai's API answered, a version or a model with its versions.

Source: https://github.com/BlafKing/sd-civitai-browser-plus, scripts/civitai_file_manage.py.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from catalog.sidecars import civitai
from catalog.sidecars.base import Told, fields_of, items

if TYPE_CHECKING:
    from catalog.sidecars.base import Fields


def read(raw: bytes) -> Told:
    """What the file says; of a model with several versions, what holds of the model."""
    fields = fields_of(raw)
    if not isinstance(fields, dict):
        return Told(problem=fields)
    listed = next((item for item in items(fields.get("items"))), None)
    model = listed if listed is not None else fields
    versions = list(items(model.get("modelVersions")))
    return _of_model(model, versions) if versions else civitai.version(model)


def _of_model(model: Fields, versions: list[Fields]) -> Told:
    about: Fields = {"name": model.get("name"), "type": model.get("type"), "tags": model.get("tags")}
    if len(versions) == 1:
        return civitai.version({**versions[0], "modelId": model.get("id"), "model": about})
    return civitai.version({"modelId": model.get("id"), "model": about})
