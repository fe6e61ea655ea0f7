"""What can go wrong with the embedded servers."""

from __future__ import annotations


class ServersProblem(Exception):
    """The embedded servers cannot be started or reached; the text says why and what to do."""
