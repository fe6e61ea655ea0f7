"""Finding what a variant is to others: candidates compared by what is kept of them, then files read in full."""

from __future__ import annotations
