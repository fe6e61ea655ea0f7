"""The locations of a claim with what is known of them, as the services that read files take them."""

from __future__ import annotations

import resource
from collections import defaultdict
from dataclasses import dataclass
from typing import TYPE_CHECKING

from catalog.errors import ChangedFile
from catalog.models import Location, LocationFile
from catalog.storage.keys import signed
from catalog.vocabulary import FindingCode, LocationState

if TYPE_CHECKING:
    from collections.abc import Mapping
    from contextlib import ExitStack

    from catalog.errors import FileProblem
    from catalog.models import Variant
    from catalog.services.claiming import Claim
    from catalog.storage.files import OpenFile
    from catalog.storage.root import Root

_DESCRIPTORS_BESIDES = 64


@dataclass(frozen=True, slots=True)
class Place:
    """A location with its files, in order, and its variant, if it has one yet."""

    location: Location
    files: tuple[LocationFile, ...]
    variant: Variant | None

    @property
    def id(self) -> int:
        """The number of the location."""
        return int(self.location.pk)

    @property
    def single(self) -> bool:
        """One loose file, no set."""
        return not self.location.set_name

    @property
    def edited(self) -> bool:
        """Its bytes are other than those of its variant, as far as size and time tell."""
        return self.location.state == LocationState.CHANGED

    @property
    def content(self) -> bytes | None:
        """Of the variant: 32 bytes once they were read."""
        return bytes(self.variant.content) if self.variant is not None and self.variant.content else None


@dataclass(frozen=True, slots=True)
class Failed:
    """A place that could not be read, and why."""

    place: Place
    problem: FileProblem


def load(claim: Claim) -> list[Place]:
    """The places of a claim that are still leased to it, in the order in which they were claimed."""
    rows = Location.objects.filter(pk__in=claim.location_ids, lease=claim.token).select_related("variant")
    rows = rows.defer("variant__settings", "variant__reasons")  # long, and nobody here reads them
    locations = {row.pk: row for row in rows}
    files: Mapping[int, list[LocationFile]] = defaultdict(list)
    for file in LocationFile.objects.filter(location_id__in=sorted(locations)).order_by("location_id", "position"):
        files[file.location_id].append(file)
    return [
        Place(locations[pk], tuple(files[pk]), locations[pk].variant) for pk in claim.location_ids if pk in locations
    ]


def open_all(root: Root, place: Place, stack: ExitStack) -> list[OpenFile]:
    """The files of a place in their order, open until the stack ends. Raises `FileProblem`."""
    _make_room(len(place.files))
    return [stack.enter_context(open_file(root, file)) for file in place.files]


def _make_room(files: int) -> None:
    """A set may have more files than a process may have open at first; it may ask for more."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = files + _DESCRIPTORS_BESIDES
    if soft < wanted <= hard:
        resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))


def open_file(root: Root, file: LocationFile) -> OpenFile:
    """The file, if it has the size and the time with which it was last seen. Raises `FileProblem`."""
    opened = root.open(bytes(file.path), name=bytes(file.name))
    now = opened.snapshot
    if (now.size, now.mtime_ns) != (file.size, file.mtime_ns):
        opened.close()
        raise ChangedFile(FindingCode.CHANGING)
    return opened


def as_seen(opened: OpenFile, file: LocationFile) -> bool:
    """Nothing at all happened to the file since the row was written: what was read of it then still holds."""
    now = opened.snapshot
    return (signed(now.ino), now.ctime_ns) == (file.ino, file.ctime_ns)
