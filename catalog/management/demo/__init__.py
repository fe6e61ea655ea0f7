"""A small library of structurally real models: true tensor names and files, scaled-down widths, seeded values."""

from __future__ import annotations

from catalog.management.demo.library import make_demo

__all__ = ["make_demo"]
