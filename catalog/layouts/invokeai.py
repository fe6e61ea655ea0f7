"""InvokeAI: `models/<key>/<file>`, until version 5 `models/<base>/<type>/<name>`; the program keeps the list.

Source: https://github.com/invoke-ai/InvokeAI, invokeai/app/services/model_install/model_install_default.py
(`<models>/<key>`, and the README.txt that says who manages the folder), backend/model_manager/taxonomy.py.
"""

from __future__ import annotations

import re

from catalog.layouts.base import Claim, Layout, Spot, shown, words

_KEY = re.compile(rb"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}")
_BASES = words("any sd-1 sd-2 sd-3 sdxl sdxl-refiner flux cogview4")
_TYPES = words(
    """main vae lora control_lora controlnet t2i_adapter ip_adapter embedding clip_vision clip_embed t5_encoder
    spandrel_image_to_image siglip flux_redux onnx llava_onevision"""
)
_README = b"README.txt"
_PROGRAM = words("invokeai.yaml databases")
_MODELS = b"models"


def claim(spot: Spot) -> Claim | None:
    """Where every model lies as the program puts them; with a file of the program beside, also where some do not."""
    own = [name for name in spot.folders if _is_own(spot, name)]
    if not own:
        return None
    named = spot.name == _MODELS
    program = Spot(spot.tree, spot.above)
    marks = int(_README in spot.marks) + (len(_PROGRAM & program.marks) if named and not spot.top else 0)
    foreign = spot.models - sum(spot.within(name).models for name in spot.folders if name in own or name[:1] == b".")
    if foreign and not marks:
        return None
    return Claim((1 + marks, int(named), len(own), len(own)), (spot.path,), proven=bool(marks))


def _is_own(spot: Spot, name: bytes) -> bool:
    if _KEY.fullmatch(name):
        return True
    return name in _BASES and bool(spot.within(name).folders) and spot.within(name).folders <= _TYPES


def title(path: bytes, sha256: str | None, kind: str) -> str:
    """The key. Names are known from the program's own database."""
    first = path.removeprefix(_MODELS + b"/").split(b"/")[0]
    return shown(first) if _KEY.fullmatch(first) else ""


LAYOUT = Layout("invokeai", "InvokeAI", "In", claim, title, managed=True, scheme="invokeai-key")
