"""What other programs wrote beside the models: read once, told to the models, and read again when it changes."""

from __future__ import annotations

from catalog.services.notes.running import NotesReport, read_waiting

__all__ = ["NotesReport", "read_waiting"]
