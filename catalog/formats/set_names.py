"""What the name of one file says of its place in a set: shard, container, dtype suffix, role."""

from __future__ import annotations

import os
import re
from dataclasses import dataclass

from catalog.storage.names import WEIGHTS, is_companion, suffix_of
from catalog.vocabulary import FileRole, Format

PIPELINE = b"model_index.json"
CONFIGS = frozenset((b"config.json", b"adapter_config.json"))
STEMS = ("model", "pytorch_model", "diffusion_pytorch_model", "adapter_model")
"""What diffusers, transformers and peft call weights that belong to the configuration beside them; first goes first."""

_CONTAINERS = frozenset(suffix[1:] for suffix in WEIGHTS)
_SELF_CONTAINED = frozenset(("gguf", "ggml", "llamafile"))
_MOST_MISSING = 100

# diffusers writes `stem.fp16-00001-of-00002.safetensors`, and wrote `stem-00001-of-00002.fp16.safetensors`.
_WEIGHTS_NAME = re.compile(
    rb"(?P<stem>.+?)(?:\.(?P<before>[A-Za-z0-9_-]{1,32}?))?(?P<shard>[-_](?P<number>\d{4,6})-of-(?P<total>\d{4,6}))?"
    rb"(?:\.(?P<after>[A-Za-z0-9_-]{1,32}))?\.(?P<container>[A-Za-z0-9]{1,12})",
    re.DOTALL,
)
_SHARD_NAME = re.compile(
    rb"(?P<stem>.+)(?P<shard>[-_](?P<number>\d{4,6})-of-(?P<total>\d{4,6}))(?:\.(?P<after>[A-Za-z0-9_-]{1,32}))?"
    rb"\.(?P<container>[A-Za-z0-9]{1,12})",
    re.DOTALL,
)
