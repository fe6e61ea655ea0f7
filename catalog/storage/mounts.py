"""The drive below a library: how full, how fast, and whether it is there at all."""

from __future__ import annotations

import os
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from catalog.errors import FileProblem, LibraryOffline
from catalog.storage.root import Root
from catalog.storage.values import shown

if TYPE_CHECKING:
    from collections.abc import Iterable

_NETWORK = frozenset(
    ("9p", "afs", "ceph", "cifs", "davfs", "drvfs", "glusterfs", "lustre", "ncpfs", "nfs", "nfs4", "smb3", "smbfs")
)
_NETWORK_FUSE = frozenset(("davfs2", "gcsfuse", "glusterfs", "gvfsd-fuse", "juicefs", "rclone", "s3fs", "sshfs"))
_OCTAL = re.compile(rb"\\([0-7]{3})")


@dataclass(frozen=True, slots=True)
class Drive:
    """The file system that a folder lies on. Sizes in bytes; `free` is what an ordinary user may still fill.

    `device` is its number as in a stat; it may be another one after the next start of the machine. `rotational` and
    `network` are False where the system does not say. `mount_point` is empty where it is not known.
    """

    device: int
    total: int
    free: int
    file_system: str = ""
    mount_point: bytes = b""
    read_only: bool = False
    rotational: bool = False
    network: bool = False

    @property
    def one_reader(self) -> bool:
        """Several readers at once are slower than one after the other."""
        return self.rotational or self.network


@dataclass(frozen=True, slots=True)
class Reach:
    """Whether a library's folder can be used, and if not, a sentence that says why."""

    reachable: bool
    reason: str = ""


def drive_of(root: Root) -> Drive:
    """The drive of an open library folder."""
    device = os.fstat(root.fileno()).st_dev
    space = os.statvfs(root.fileno())
    file_system, mount_point, source = _mount_of(root.fileno())
    return Drive(
        device=device,
        total=space.f_frsize * space.f_blocks,
        free=space.f_frsize * space.f_bavail,
        file_system=file_system,
        mount_point=mount_point,
        read_only=bool(space.f_flag & os.ST_RDONLY),
        rotational=_is_rotational(device, source),
        network=file_system in _NETWORK or file_system.removeprefix("fuse.") in _NETWORK_FUSE,
    )


def reach(path: bytes, *, device: int | None = None, known: Iterable[bytes] = ()) -> Reach:
    """Whether a library can be read now: its folder opens, and the first byte of one of the `known` files reads.

    `known` are paths below the library that were there a moment ago; none asks only for the folder. `device`, where
    given, is the device that the folder was on earlier in the same walk or read.
    """
    try:
        with Root(path) as root:
            if device is not None and root.snapshot.dev != device:
                return Reach(reachable=False, reason=f"{shown(path)} is on another drive than a moment ago.")
            if _one_reads(root, tuple(known)):
                return Reach(reachable=True)
            return Reach(reachable=False, reason=f"{shown(path)} is there, but none of its known files can be read.")
    except LibraryOffline as error:
        return Reach(reachable=False, reason=str(error))


def _one_reads(root: Root, known: tuple[bytes, ...]) -> bool:
    return not known or any(_reads(root, path) for path in known)


def _reads(root: Root, path: bytes) -> bool:
    try:
        with root.open(path) as file:
            file.read_at(0, min(1, file.size))
    except FileProblem:
        return False
    return True


def _mount_of(descriptor: int) -> tuple[str, bytes, bytes]:
    """File system, mount point and source of the mount that a descriptor is on: proc_pid_mountinfo(5)."""
    try:
        number = _mount_number(descriptor)
        with open("/proc/self/mountinfo", "rb") as table:
            for line in table:
                fields, _, rest = line.partition(b" - ")
                columns, (file_system, source, *_) = fields.split(), rest.split()
                if columns[0] == number:
                    return file_system.decode("ascii", "replace"), _plain(columns[4]), _plain(source)
    except (OSError, ValueError, IndexError):  # another kernel, or a container that hides it
        pass
    return "", b"", b""


def _mount_number(descriptor: int) -> bytes:
    with open(f"/proc/self/fdinfo/{descriptor}", "rb") as lines:
        return next((line.split()[1] for line in lines if line.startswith(b"mnt_id:")), b"")


def _plain(field: bytes) -> bytes:
    """Blank, tab, newline and backslash are written in octal there."""
    return _OCTAL.sub(lambda found: bytes([int(found[1], 8)]), field)


def _is_rotational(device: int, source: bytes) -> bool:
    """Of the block device itself, or of the disk that it is a partition of."""
    if os.major(device) == 0 and source.startswith(b"/dev/"):  # btrfs and its like number their volumes themselves
        try:
            device = os.stat(source).st_rdev
        except OSError:
            return False
    block = os.path.realpath(f"/sys/dev/block/{os.major(device)}:{os.minor(device)}")
    if "/virtio" in block:  # a virtual disk calls itself rotational whatever lies under it
        return False
    return any(_says_one(f"{folder}/queue/rotational") for folder in (block, os.path.dirname(block)))


def _says_one(path: str) -> bool:
    try:
        with open(path, encoding="ascii") as answer:
            return answer.read().strip() == "1"
    except OSError:
        return False
