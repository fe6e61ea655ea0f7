"""A folder walked, grouped and probed as the product does it."""

from __future__ import annotations

import os
from contextlib import ExitStack
from dataclasses import dataclass
from typing import TYPE_CHECKING

from catalog.formats import Probe, SetMember, SetSource, probe_file, probe_set
from catalog.formats.sets import group, printed
from catalog.storage.root import Root
from catalog.storage.walk import walk

if TYPE_CHECKING:
    from pathlib import Path


@dataclass(frozen=True, slots=True)
class Probed:
    """One set: its probe, and the names of its files by `TensorInfo.file`."""

    probe: Probe
    files: tuple[bytes, ...]


def probe_tree(folder: Path) -> dict[str, Probed]:
    """Every set below a folder, by its printed path."""
    found: dict[str, Probed] = {}
    with Root(os.fsencode(folder)) as root:
        walked = walk(root)
        for one in group(walked.entries, walked.twins):
            with ExitStack() as opened:
                sources = [opened.enter_context(root.open(file.entry.path, name=file.name)) for file in one.files]
                members = tuple(
                    SetMember(file.name, file.role, source) for file, source in zip(one.files, sources, strict=True)
                )
                probe = probe_file(sources[0]) if one.single else probe_set(SetSource(members))
            found[printed(one.path, one.set)] = Probed(probe, tuple(file.name for file in one.files))
    return found
