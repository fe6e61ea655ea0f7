"""`cache.json` of A1111: digests of its models by title, each with the time of the file that was read.

Source: AUTOMATIC1111/stable-diffusion-webui, modules/cache.py and modules/hashes.py. `hashes` holds SHA-256 digests,
`hashes-addnet` AutoV3 ones; titles are `checkpoint/<path>`, `lora/<stem>` and the like.
"""

from __future__ import annotations

from catalog.sidecars.base import Cached, Fields, Told, digest, fields_of, inner
from catalog.vocabulary import Algorithm, ClaimSource

SECTIONS = {"hashes": Algorithm.SHA256, "hashes-addnet": Algorithm.AUTOV3}
MOST_LINES = 200_000
_LONGEST_TITLE = 1000


def read(raw: bytes) -> Told:
    """Every line of the two sections that is sound."""
    fields = fields_of(raw, nested=MOST_LINES)
    if not isinstance(fields, dict):
        return Told(problem=fields)
    return Told(
        cached=tuple(line for name, algorithm in SECTIONS.items() for line in _of(inner(fields, name), algorithm))
    )


def _of(section: Fields, algorithm: Algorithm) -> list[Cached]:
    found = []
    for title, about in section.items():
        if isinstance(about, dict):
            found += cached(title, about.get("mtime"), about.get("sha256"), algorithm)
    return found[:MOST_LINES]


def cached(title: object, mtime: object, sha256: object, algorithm: Algorithm) -> list[Cached]:
    """A line as a list of one; of none that is unsound."""
    if not isinstance(title, str) or len(title) > _LONGEST_TITLE or isinstance(mtime, bool):
        return []
    if not isinstance(mtime, int | float) or not 0 < mtime < 2**40 or not isinstance(sha256, str):
        return []
    return [Cached(title, float(mtime), one) for one in digest(sha256, algorithm, ClaimSource.A1111, (64,))]
