"""The order of query and key rows in GGUF files: llama.cpp's converter reorders them for its rotary embedding.

It takes each head of D rows as two halves and writes them alternately: row i * D/2 + j of a head, i = 0 or 1, becomes
row 2j + i (`permute` in llama.cpp's conversion/llama.py). Samples are taken in Hugging Face's order, so that they meet.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Mapping

    from catalog.fingerprints.positions import Places
    from catalog.formats.base import Json

_FAMILIES = "llama deci arctic minicpm granite granitemoe granitehybrid internlm2 baichuan xverse olmo deepseek"
_FAMILIES += " bailingmoe llada smollm3 arcee mistral3 eagle3 llama-embed"
REORDERED = frozenset(_FAMILIES.split())
"""`general.architecture` of the models whose converter permutes; the others rotate halves as Hugging Face does."""

_QUERY_OR_KEY = re.compile(r"blk\.(\d{1,6})\.attn_([qk])\.(?:weight|bias)(?:\.lora_b)?")
_MOST_ROWS = 1 << 16


class Heads(NamedTuple):
    """How many heads the queries and the keys have, and how many rows each: the same for all blocks, or a list."""

    queries: Json = None
    keys: Json = None
    rows: Json = None

    def rows_of(self, name: str, rows: int) -> int:
        """Rows of each head of the tensor of this name, which has `rows`; 0 where its rows are in plain order.

        0, too, where the header does not say how many heads there are.
        """
        found = _QUERY_OR_KEY.fullmatch(name) if self != NOWHERE else None
        if found is None:
            return 0
        heads = _number(self.keys if found[2] == "k" else self.queries, int(found[1]))
        each = rows // heads if heads and rows % heads == 0 else _number(self.rows, int(found[1]))
        return each if 0 < each <= _MOST_ROWS and each % 2 == 0 and rows % each == 0 else 0


NOWHERE = Heads()


def heads_of(metadata: Mapping[str, Json]) -> Heads:
    """The heads that a GGUF header states, where its architecture is one whose rows are reordered."""
    header = _header(metadata)
    family = header.get("general.architecture")
    if not isinstance(family, str) or family not in REORDERED:
        return NOWHERE
    queries = header.get(f"{family}.attention.head_count")
    keys = header.get(f"{family}.attention.head_count_kv", queries)
    rows = header.get(f"{family}.attention.key_length", header.get(f"{family}.rope.dimension_count"))
    return Heads(queries, keys, rows)


def stored_rows(wanted: Places, each: int) -> Places:
    """Where the rows with these numbers in Hugging Face's order are stored, `each` rows a head."""
    head, row = np.divmod(wanted, each)
    half, place = np.divmod(row, each // 2)
    found: Places = head * each + 2 * place + half
    return found


def _header(metadata: Mapping[str, Json]) -> Mapping[str, Json]:
    """The header itself, or that of the first file of a set that has one."""
    if "general.architecture" in metadata:
        return metadata
    inner = (value for value in metadata.values() if isinstance(value, dict) and "general.architecture" in value)
    return next(inner, metadata)


def _number(stated: Json, block: int) -> int:
    """A count as the header states it: for all blocks, or block by block."""
    value = stated[block] if isinstance(stated, list) and block < len(stated) else stated
    return value if isinstance(value, int) and not isinstance(value, bool) and value > 0 else 0
