"""One read of each file of a claim, all its digests, and what they prove of its identity."""

from __future__ import annotations

from catalog.services.hashing.report import HashReport
from catalog.services.hashing.running import hash_claim

__all__ = ["HashReport", "hash_claim"]
