"""`<stem>.cm-info.json` of StabilityMatrix: what it knows of the model that it fetched, and its user's title.

Source: https://github.com/LykosAI/StabilityMatrix, StabilityMatrix.Core/Models/ConnectedModelInfo.cs.
"""

from __future__ import annotations

from catalog.sidecars import civitai
from catalog.sidecars.base import Told, fields_of, inner, line, lines, number
from catalog.vocabulary import ClaimSource

_FROM_CIVITAI = ("Civitai", 0, None)


def read(raw: bytes) -> Told:
    """What the file says. Models of other sites have numbers of their own, which are none of Civitai's."""
    fields = fields_of(raw)
    if not isinstance(fields, dict):
        return Told(problem=fields)
    theirs = fields.get("Source") in _FROM_CIVITAI
    model_id = number(fields.get("ModelId")) if theirs else None
    version_id = number(fields.get("VersionId")) if theirs else None
    source = ClaimSource.CIVITAI if theirs else ClaimSource.SIDECAR
    return Told(
        name=line(fields.get("UserTitle")) or line(fields.get("ModelName")),
        version_name=line(fields.get("VersionName")),
        base=line(fields.get("BaseModel")),
        source=civitai.page(model_id, version_id),
        tags=lines(fields.get("Tags")),
        trigger_words=civitai.triggers(fields.get("TrainedWords")),
        ids=civitai.ids(model_id, version_id),
        hashes=civitai.hashes(inner(fields, "Hashes"), source),
    )
