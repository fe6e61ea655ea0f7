"""A version of a model as Civitai's API gives it; several programs keep it whole.

Source: https://developer.civitai.com, model-versions; the digests as civitai's model-scanner prints them
(`Tasks/HashTask.cs`): AutoV1 8, AutoV2 10, AutoV3 12 or 64 digits, CRC-32 with its bytes reversed.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from catalog.sidecars.base import (
    Fields,
    Named,
    Stated,
    StatedFile,
    Told,
    digest,
    inner,
    items,
    line,
    lines,
    number,
    once,
)
from catalog.vocabulary import Algorithm, ClaimSource

if TYPE_CHECKING:
    from collections.abc import Mapping

    from catalog.sidecars.base import Json

SITE = "https://civitai.com/models/"
_KIB = 1024
_ECOSYSTEMS: Mapping[str, str] = {"SD 1.4": "sd1", "SD 1.5": "sd1", "SDXL 0.9": "sdxl", "SDXL 1.0": "sdxl"}
_TYPES: Mapping[str, str] = {"Checkpoint": "checkpoint", "LORA": "lora", "TextualInversion": "embedding", "VAE": "vae"}


def version(fields: Fields) -> Told:
    """What the object of a version says. Its model is known by name, type and number; tags where they were added."""
    model = inner(fields, "model")
    model_id, version_id = number(fields.get("modelId")), number(fields.get("id"))
    return Told(
        name=line(model.get("name")),
        version_name=line(fields.get("name")),
        base=line(fields.get("baseModel")),
        source=page(model_id, version_id),
        tags=lines(model.get("tags")),
        trigger_words=triggers(fields.get("trainedWords")),
        ids=ids(model_id, version_id, air=_air(fields, model_id, version_id)),
        files=tuple(_file(item) for item in items(fields.get("files"))),
    )


def page(model_id: int | None, version_id: int | None) -> str:
    """Where people find it; empty without a number of the model."""
    if model_id is None:
        return ""
    return f"{SITE}{model_id}" + (f"?modelVersionId={version_id}" if version_id is not None else "")


def ids(model_id: int | None, version_id: int | None, *, air: str = "") -> tuple[Named, ...]:
    """The numbers that there are."""
    found = (
        Named("civitai-model", str(model_id or ""), of_model=True),
        Named("civitai-version", str(version_id or ""), of_model=False),
        Named("air", air, of_model=False),
    )
    return tuple(one for one in found if one.value)


def triggers(value: Json) -> tuple[str, ...]:
    """Words that call what was trained. Each text of the list is one, or several with commas between."""
    if isinstance(value, str):
        return lines(value)
    parts = value[:400] if isinstance(value, list) else []
    return once(word for part in parts if isinstance(part, str) for word in lines(part))


def hashes(stated: Fields, source: ClaimSource) -> tuple[Stated, ...]:
    """The digests of one file. AutoV2 is the beginning of SHA-256, so it counts only where that is missing."""
    by_name = {name.upper(): value for name, value in stated.items()}
    whole = digest(by_name.get("SHA256"), Algorithm.SHA256, source, (64,))
    return (
        *(whole or digest(by_name.get("AUTOV2"), Algorithm.SHA256, source, (10,))),
        *digest(by_name.get("BLAKE3"), Algorithm.BLAKE3, source, (64,)),
        *digest(by_name.get("AUTOV3"), Algorithm.AUTOV3, source, (12, 64)),
        *digest(by_name.get("AUTOV1"), Algorithm.AUTOV1, source, (8,)),
        *(_turned(one) for one in digest(by_name.get("CRC32"), Algorithm.CRC32, source, (8,))),
    )


def _turned(stated: Stated) -> Stated:
    return stated._replace(digest=stated.digest[::-1])


def _file(item: Fields) -> StatedFile:
    size = item.get("sizeKB")
    return StatedFile(
        name=line(item.get("name")),
        size=round(size * _KIB) if isinstance(size, int | float) and 0 < size < 2**42 else None,
        primary=item.get("primary") is True,
        hashes=hashes(inner(item, "hashes"), ClaimSource.CIVITAI),
    )


def _air(fields: Fields, model_id: int | None, version_id: int | None) -> str:
    """`urn:air:{ecosystem}:{type}:civitai:{model}@{version}`: as given, or made where both words are beyond doubt."""
    given = line(fields.get("air"))
    if given.startswith("urn:air:"):
        return given
    ecosystem = _ECOSYSTEMS.get(line(fields.get("baseModel")))
    kind = _TYPES.get(line(inner(fields, "model").get("type")))
    if ecosystem is None or kind is None or model_id is None or version_id is None:
        return ""
    return f"urn:air:{ecosystem}:{kind}:civitai:{model_id}@{version_id}"
