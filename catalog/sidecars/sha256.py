"""`<file>.sha256`: digests as `sha256sum` prints them, plain or in BSD's way; or a digest alone.

Source: GNU coreutils, manual of `md5sum`: the digest, a space, a space or `*`, the name.
"""

from __future__ import annotations

import re

from catalog.sidecars.base import MOST_FILES, StatedFile, Told, digest
from catalog.vocabulary import Algorithm, ClaimSource

_LARGEST = 65_536
_LINE = re.compile(r"\\?(?P<digest>[0-9A-Fa-f]{64})(?:[ \t]+\*?(?P<name>.*))?")
_BSD = re.compile(r"SHA256 ?\((?P<name>.*)\) ?= ?(?P<digest>[0-9A-Fa-f]{64})")


def read(raw: bytes) -> Told:
    """A digest without a name is of the file that it lies beside; others are of the files named."""
    if len(raw) > _LARGEST:
        return Told(problem="it is longer than any list of digests beside one model")
    files, alone = [], []
    for row in raw.decode("utf-8", "replace").lstrip("\ufeff").splitlines()[:MOST_FILES]:
        found = _LINE.fullmatch(row.strip()) or _BSD.fullmatch(row.strip())
        stated = digest(found["digest"], Algorithm.SHA256, ClaimSource.SIDECAR) if found else []
        if found and (name := (found["name"] or "").replace("\\", "/").rpartition("/")[2]):
            files.append(StatedFile(name, None, primary=False, hashes=tuple(stated)))
        else:
            alone += stated
    if not files and not alone:
        return Told(problem="it lists no SHA-256 digest")
    return Told(hashes=tuple(alone[:1]), files=tuple(files))
