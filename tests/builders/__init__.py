"""Tiny writers of every format, and the tensor names of real models; what the demo library is made with, for tests."""

from __future__ import annotations

from catalog.management.demo import make_demo
from catalog.management.demo.arrays import BRAIN, HALF, Array, Shape, Tensors, cast, weights
from catalog.management.demo.library import checkpoint, diffusers_folder, sharded
from catalog.management.demo.writers import Packed, Value, gguf, safetensors
from tests.builders.headers import header_only
from tests.builders.sources import MemorySource, set_source, write_tree

__all__ = [
    "BRAIN",
    "HALF",
    "Array",
    "MemorySource",
    "Packed",
    "Shape",
    "Tensors",
    "Value",
    "cast",
    "checkpoint",
    "diffusers_folder",
    "gguf",
    "header_only",
    "make_demo",
    "safetensors",
    "set_source",
    "sharded",
    "weights",
    "write_tree",
]
