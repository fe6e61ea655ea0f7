"""SD.Next: the folders of A1111 and more; its checkpoints are named without their suffix.

Source: https://github.com/vladmandic/sdnext, modules/sd_checkpoint.py (`CheckpointInfo`), modules/paths.py.
"""

from __future__ import annotations

from catalog.layouts import a1111
from catalog.layouts.base import Layout, Rooms, shown, stem, without_suffix, words

ROOMS = Rooms(
    models=b"models",
    telling=words("UNET CLIP Diffusers Text-encoder"),
    further=a1111.ROOMS.telling | a1111.ROOMS.further | words("ONNX Reference YOLO control tunable-op wildcards yolo"),
    marks=words("installer.py"),
    beside=words("embeddings extensions extensions-builtin"),
)
_LORA = ("Lora", "LyCORIS")


def title(path: bytes, sha256: str | None, kind: str) -> str:
    """`sub/foo [6ce0161689]`, `<lora:name:1>`, the word of an embedding, else the path without its suffix."""
    folder, rest = ROOMS.split(path)
    if path.startswith(b"embeddings/") or folder == "embeddings":
        return stem(shown(path))
    if folder in _LORA:
        return f"<lora:{stem(rest)}:1>"
    name = without_suffix(rest)
    return a1111.checkpoint(name, sha256) if folder == "Stable-diffusion" else name


LAYOUT = Layout("sdnext", "SD.Next", "Sn", ROOMS.claim, title, by_digest=True)
