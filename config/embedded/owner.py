"""Who the servers run as: ourselves, or, since PostgreSQL refuses to be root, another user."""

from __future__ import annotations

import os
import pwd
import subprocess
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypedDict

from config.embedded.places import Places, owner_of
from config.embedded.problems import ServersProblem

if TYPE_CHECKING:
    from pathlib import Path

_NO_SWITCH = (
    "This process is root and may not act for another user, but PostgreSQL refuses to run as root. "
    "Start Isotope as an ordinary user (in a container: --user 1000), or set DATABASE_URL and BROKER_URL."
)


class SpawnOptions(TypedDict, total=False):
    """What `subprocess` needs to start a program as this user."""

    user: int
    group: int
    extra_groups: list[int]


@dataclass(frozen=True, slots=True)
class Owner:
    """The user that owns and runs the servers; `switch` says that it is another one than ourselves."""

    uid: int
    gid: int
    switch: bool

    def options(self) -> SpawnOptions:
        """Keyword arguments for `subprocess.Popen`; empty for ourselves."""
        if not self.switch:
            return {}
        return {"user": self.uid, "group": self.gid, "extra_groups": []}

    def has_name(self) -> bool:
        """Is the user in the list of users (/etc/passwd or what stands for it)?"""
        try:
            pwd.getpwuid(self.uid)
        except KeyError:
            return False
        return True

    def private(self, folder: Path) -> Path:
        """Makes `folder` if need be; it belongs to this user alone (0700). Refuses another user's folder."""
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        seen = folder.lstat()
        if seen.st_uid not in {self.uid, os.geteuid()} or not folder.is_dir() or folder.is_symlink():
            raise ServersProblem(
                f"{folder} belongs to another user ({_name(seen.st_uid)}). "
                "Start Isotope as that user, or set ISOTOPE_DATA to a folder of your own."
            )
        if self.switch and seen.st_uid != self.uid:
            _give(folder, self)
        folder.chmod(0o700)
        return folder


def owner(found: Places) -> Owner:
    """The servers' user: whoever owns the cluster already, else the owner of the data folder, else `nobody`."""
    if os.geteuid() != 0:
        return ourselves()
    uid = owner_of(found.cluster) if found.cluster.exists() else owner_of(found.data)
    chosen = Owner(uid=uid, gid=_group(uid), switch=True)
    _try(chosen)
    return chosen


def ourselves() -> Owner:
    """Whoever this process runs as."""
    return Owner(uid=os.geteuid(), gid=os.getegid(), switch=False)


def _give(folder: Path, user: Owner) -> None:
    try:
        os.chown(folder, user.uid, user.gid)
    except PermissionError as problem:
        raise ServersProblem(_NO_SWITCH) from problem


def _try(chosen: Owner) -> None:
    """Capabilities, user namespaces and sandboxes differ: only doing it tells whether it is allowed."""
    try:
        subprocess.run(["/bin/true"], check=True, **chosen.options())
    except (OSError, subprocess.SubprocessError) as problem:
        raise ServersProblem(_NO_SWITCH) from problem


def _group(uid: int) -> int:
    try:
        return pwd.getpwuid(uid).pw_gid
    except KeyError:
        return uid


def _name(uid: int) -> str:
    try:
        return pwd.getpwuid(uid).pw_name
    except KeyError:
        return f"user {uid}"
