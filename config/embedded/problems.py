"""What can go wrong with the servers."""

from __future__ import annotations

from catalog.errors import CatalogError


class ServersProblem(CatalogError):
    """A server cannot be started or reached; the text says why and what to do."""
