"""Text out of foreign files, made fit for PostgreSQL: no U+0000, no lone surrogates, no NaN, bounded length."""

from __future__ import annotations

import math
import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from catalog.formats.base import Json

NUL_MARK = "\u2400"
"""`␀`, the visible picture of U+0000."""

MAX_TEXT = 4_194_304
"""Characters kept of one metadata value; the tag counts of a LoRA training reach a million."""

_SURROGATES = re.compile("[\ud800-\udfff]")


def clean_text(text: str, limit: int = MAX_TEXT) -> str:
    """`text` with U+0000 as `␀` and lone surrogates as U+FFFD, cut with a mark when longer than `limit`."""
    if len(text) > limit:
        text = f"{text[:limit]}… ({len(text):,} characters)"
    return _SURROGATES.sub("\ufffd", text.replace("\0", NUL_MARK))


def clean_name(name: str) -> str:
    """A tensor's name without U+0000, different for different names: `␀` is doubled, U+0000 becomes `␀0`."""
    if NUL_MARK not in name and "\0" not in name:
        return name
    return name.replace(NUL_MARK, NUL_MARK * 2).replace("\0", NUL_MARK + "0")


def clean_json(value: Json) -> Json:
    """A parsed JSON value with every text cleaned, NaN and infinities as text."""
    if isinstance(value, str):
        return clean_text(value)
    if isinstance(value, float):
        return value if math.isfinite(value) else str(value)
    if isinstance(value, list):
        return [clean_json(item) for item in value]
    if isinstance(value, dict):
        return {clean_text(key): clean_json(item) for key, item in value.items()}
    return value
