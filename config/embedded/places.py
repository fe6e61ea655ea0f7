"""Where everything of one `ISOTOPE_DATA` lies. Pure arithmetic on paths: every process comes to the same answer."""

from __future__ import annotations

import hashlib
import os
import stat
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote

SYSTEM_FOLDER = Path("/var/lib/isotope")
"""Used by root where its home may not be entered by the user that the servers run as."""
NOBODY = 65534
"""The user id of `nobody` on every Linux."""
LONGEST_SOCKET_PATH = 107  # unix(7): sun_path has 108 bytes, the last one is NUL
POSTGRES_SOCKET = ".s.PGSQL.5432"
VALKEY_SOCKET = "valkey.sock"
DATABASE = "isotope"
_ELSEWHERE = "servers-folder"


@dataclass(frozen=True, slots=True)
class Places:
    """The paths below one data folder."""

    data: Path
    servers: Path
    """Parent of the cluster: the data folder itself, unless the servers' user cannot get there."""

    @property
    def cluster(self) -> Path:
        """PostgreSQL's own data folder."""
        return self.servers / "postgres"

    @property
    def valkey(self) -> Path:
        """The folder Valkey runs in; it keeps nothing there."""
        return self.servers / "valkey"

    @property
    def programs(self) -> Path:
        """Copies of the servers' programs, made when the originals are unreadable to their user."""
        return self.servers / "programs"

    @property
    def sockets(self) -> Path:
        """The folder of the unix sockets: below the data, or below /tmp where that path would be too long."""
        near = self.servers / "run"
        if len(os.fsencode(near / POSTGRES_SOCKET)) <= LONGEST_SOCKET_PATH:
            return near
        return Path(f"/tmp/isotope-{os.geteuid()}-{_mark(self.data)}")  # noqa: S108 - made 0700, its owner is checked

    @property
    def logs(self) -> Path:
        """Logs of every process."""
        return self.data / "logs"

    @property
    def backups(self) -> Path:
        """Dumps made before migrations."""
        return self.data / "backups"

    @property
    def database_url(self) -> str:
        """How clients reach the embedded PostgreSQL."""
        return database_url(self.sockets, DATABASE)

    @property
    def broker_url(self) -> str:
        """How clients reach the embedded Valkey."""
        return broker_url(self.sockets / VALKEY_SOCKET)


def database_url(sockets: Path, name: str) -> str:
    """The address of database `name` at the server whose socket lies in `sockets`."""
    return f"postgresql://postgres@/{name}?host={quote(str(sockets), safe='')}"


def broker_url(socket: Path) -> str:
    """The address of a Valkey that listens at `socket`, as Celery writes it."""
    return f"redis+socket://{quote(str(socket))}"


def data_folder(named: str, data_home: str) -> Path:
    """`ISOTOPE_DATA` if it is named, else `isotope` under the user's data home (root: see `SYSTEM_FOLDER`)."""
    if named:
        return Path(named).expanduser().resolve()
    folder = Path(data_home or "~/.local/share").expanduser().resolve() / "isotope"
    if os.geteuid() == 0 and not may_enter(folder.parent, NOBODY):
        return SYSTEM_FOLDER
    return folder


def places(data: Path) -> Places:
    """The places of the data folder `data`; what was noted there once stays, even if permissions change."""
    try:
        return Places(data=data, servers=Path((data / _ELSEWHERE).read_text().strip()))
    except OSError:
        pass
    if os.geteuid() != 0 or may_enter(data.parent, owner_of(data)):
        return Places(data=data, servers=data)
    return Places(data=data, servers=SYSTEM_FOLDER / "elsewhere" / _mark(data))


def note(found: Places) -> None:
    """Writes down in the data folder that the servers' files lie elsewhere."""
    if found.servers != found.data:
        (found.data / _ELSEWHERE).write_text(f"{found.servers}\n")


def owner_of(data: Path) -> int:
    """The user that root's servers run as: whoever owns the data folder, else `NOBODY`."""
    try:
        return data.stat().st_uid or NOBODY
    except OSError:
        return NOBODY


def may_enter(folder: Path, uid: int) -> bool:
    """Can user `uid` pass through `folder` and all its parents, judged by owner and others alone?"""
    for part in (folder, *folder.parents):
        try:
            seen = part.stat()
        except FileNotFoundError:
            continue  # we make it ourselves, open enough
        except OSError:
            return False
        needed = stat.S_IXUSR if seen.st_uid == uid else stat.S_IXOTH
        if not seen.st_mode & needed:
            return False
    return True


def _mark(data: Path) -> str:
    return hashlib.sha256(os.fsencode(data)).hexdigest()[:12]
