"""What is not there although nobody removed it: its drive is not mounted.

Devices are numbered anew when a machine starts, so numbers of before and of now are set side by side through the files
that were found on both.
"""

from __future__ import annotations

import os
from collections import defaultdict
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from catalog.storage.keys import signed

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping

    from catalog.services.scanning.known import KnownPlace
    from catalog.storage.root import Root
    from catalog.storage.walk import Walk

_MANY = 10


@dataclass(frozen=True, slots=True)
class Drives:
    """What a scan keeps of the drives of a library: its folder, and every device that files of it ever were on."""

    folder: tuple[int, int] | None = None
    devices: frozenset[int] = field(default_factory=frozenset)

    def after(self, root: Root, walked: Walk) -> Drives:
        """With what a walk saw. A device whose folders have another number is no drive, but an overlay."""
        sample = {entry.snapshot.dev: entry.path for entry in walked.entries if entry.real is None}
        real = {dev for dev, path in sample.items() if _device(root, os.path.dirname(path)) == dev}
        folder = (signed(root.snapshot.dev), signed(root.snapshot.ino))
        return Drives(folder, self.devices | {folder[0], *map(signed, real)})

    @classmethod
    def from_json(cls, kept: object) -> Drives:
        """From the report of an earlier scan; nothing is known where it is none."""
        if not isinstance(kept, dict):
            return cls()
        dev, ino = kept["folder"]
        return cls((dev, ino), frozenset(kept["devices"]))

    def as_json(self) -> dict[str, list[int]]:
        """For the report."""
        return {"folder": list(self.folder or ()), "devices": sorted(self.devices)}


def is_empty_mount_point(root: Root, walked: Walk, before: Drives, known: int) -> bool:
    """The folder holds nothing at all, and that is no work of the person who owns it.

    It is not the folder that it was, or held so many models that nobody empties it so.
    """
    if walked.seen or not known or walked.only is not None or walked.part:
        return False
    return before.folder != (signed(root.snapshot.dev), signed(root.snapshot.ino)) or known >= _MANY


def on_lost_drives(
    root: Root, gone: Iterable[KnownPlace], before: Drives, found: Collection[tuple[int, int]]
) -> Mapping[bytes, list[KnownPlace]]:
    """Folder below the library -> the places below it whose drive is not there.

    `found` are pairs of the device that a file was on before and is on now, as the tables keep them.
    """
    here = {old for old, _ in found}
    lost: dict[bytes, list[KnownPlace]] = defaultdict(list)
    seen: dict[bytes, tuple[bytes, int]] = {}
    for place in gone:
        device = place.files[0].dev
        if device in here or device not in before.devices:
            continue
        folder, now = _above(root, os.path.dirname(place.files[0].path), seen)
        same_device = {old for old, new in found if new == now} or {now}
        if device not in same_device:
            lost[folder].append(place)
    return lost


def _above(root: Root, folder: bytes, seen: dict[bytes, tuple[bytes, int]]) -> tuple[bytes, int]:
    """The nearest folder that is there, and its device."""
    if folder not in seen:
        device = _device(root, folder)
        if device is not None:
            seen[folder] = folder, signed(device)
        else:
            seen[folder] = _above(root, os.path.dirname(folder), seen)
    return seen[folder]


def _device(root: Root, folder: bytes) -> int | None:
    if not folder:
        return root.snapshot.dev
    try:
        return root.look(folder).dev
    except OSError:
        return None
