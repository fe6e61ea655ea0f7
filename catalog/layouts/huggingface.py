"""The cache of huggingface_hub, which diffusers, transformers, vLLM and others share.

`<cache>/models--<org>--<name>/{blobs,refs,snapshots}`; a file of a snapshot is a link to a blob.
Source: https://github.com/huggingface/huggingface_hub, file_download.py (`repo_folder_name`), docs "Manage cache".
"""

from __future__ import annotations

import re

from catalog.layouts.base import Claim, Layout, Spot, shown, words

_STARTS = (b"models--", b"datasets--", b"spaces--")
_ROOMS = words("snapshots blobs")
_REPOSITORY = re.compile(rb"(?:^|/)models--([^/]+)/snapshots/([^/]+)(?:/(.*))?$", re.DOTALL)
_MOST_ROOTS = 200
_COMMIT_DIGITS = 7


def claim(spot: Spot) -> Claim | None:
    """The cache where nothing else lies in it, else each of its repositories."""
    own = [name for name in spot.folders if name.startswith(_STARTS) and _ROOMS & spot.within(name).folders]
    if not own:
        return None
    alone = spot.models == sum(spot.within(name).models for name in spot.folders if name.startswith(_STARTS))
    roots = (spot.path,) if alone else tuple(spot.join(name) for name in sorted(own)[:_MOST_ROOTS])
    return Claim((2, 1, len(own), len(own)), roots, proven=True)


def title(path: bytes, sha256: str | None, kind: str) -> str:
    """`org/name @ 1a2b3c4 : unet/model.safetensors`"""
    found = _REPOSITORY.search(path)
    if found is None:
        return ""
    repository, commit, rest = (shown(part or b"") for part in found.groups())
    name = f"{repository.replace('--', '/')} @ {commit[:_COMMIT_DIGITS]}"
    return f"{name} : {rest}" if rest else name


LAYOUT = Layout("huggingface", "Hugging Face cache", "Hf", claim, title, managed=True, scheme="hf")
