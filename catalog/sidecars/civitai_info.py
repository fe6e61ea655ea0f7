"""`<stem>.civitai.info`: the version object of Civitai, with the description and tags of its model put into `model`.

Source: Civitai Helper (Stable-Diffusion-Webui-Civitai-Helper), `ch_lib/model.py` and `ch_lib/civitai.py`.
"""

from __future__ import annotations

from catalog.sidecars import civitai
from catalog.sidecars.base import Told, fields_of


def read(raw: bytes) -> Told:
    """What the file says."""
    fields = fields_of(raw)
    return civitai.version(fields) if isinstance(fields, dict) else Told(problem=fields)
