"""What `doctor` looks at. Each check says how something is and, where it is wrong, what to do; none raises."""

from __future__ import annotations

import os
import platform
import shutil
import sys
from contextlib import ExitStack
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path
from typing import TYPE_CHECKING

from django.conf import settings
from django.core import checks
from django.db import DatabaseError

from catalog.errors import CatalogError
from catalog.fingerprints import kernels
from catalog.models import Library
from catalog.queries import parts
from catalog.storage.mounts import reach
from catalog.vocabulary.sizes import human_size
from config import migrating, serving

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

_OLDEST_PYTHON = (3, 11)
_OLDEST_GLIBC = (2, 28)
_LEAST_FREE = 2 * 10**9
_REQUIREMENTS = Path(settings.BASE_DIR) / "requirements.txt"


@dataclass(frozen=True, slots=True)
class Checked:
    """One line: what was looked at, whether it is well, how it is, and what to do if not."""

    name: str
    ok: bool
    text: str
    fix: str = ""


def python() -> Checked:
    """The interpreter and the C library below it."""
    library, version = platform.libc_ver()
    here = f"{platform.system()} {platform.machine()}, {library or 'libc'} {version}".strip()
    text = f"{platform.python_version()} on {here}"
    if sys.version_info < _OLDEST_PYTHON:
        return Checked(
            "Python", ok=False, text=text, fix="Install Python 3.11 or newer, and make the .venv anew with it."
        )
    known = tuple(int(part) for part in version.split(".")[:2] if part.isdecimal())
    if library != "glibc" or known < _OLDEST_GLIBC:
        return Checked("Python", ok=False, text=text, fix="The servers need glibc 2.28 or newer: use a newer Linux.")
    return Checked("Python", ok=True, text=text)


def packages() -> Checked:
    """Every package that requirements.txt pins is installed in that version."""
    wrong = []
    try:
        lines = _REQUIREMENTS.read_text().splitlines()
    except OSError:
        return Checked("Packages", ok=True, text="not compared, since there is no requirements.txt here")
    for line in lines:
        name, pinned, version = line.partition("==")
        if not pinned or line.startswith("#"):
            continue
        found = _installed(name.split("[")[0])
        if found != version.strip():
            wrong.append(f"{name} {found or 'is missing'} (wanted {version.strip()})")
    if wrong:
        fix = f"Install them: {sys.executable} -m pip install -r {_REQUIREMENTS}"
        return Checked("Packages", ok=False, text=f"{', '.join(wrong)}.", fix=fix)
    return Checked("Packages", ok=True, text="as pinned in requirements.txt")


def _installed(name: str) -> str:
    try:
        return metadata.version(name)
    except metadata.PackageNotFoundError:
        return ""


def fingerprints() -> Checked:
    """How fast the values of tensors are counted."""
    if kernels.kernels().name == "numba":
        return Checked("Fingerprints", ok=True, text="computed by compiled code")
    return Checked("Fingerprints", ok=True, text="computed without numba, which takes some twenty times as long")


def configuration() -> Checked:
    """What Django and we say of the settings."""
    found = [one for one in checks.run_checks() if one.level >= checks.WARNING]
    if found:
        said = " ".join(f"{one.msg} {one.hint or ''}".strip() for one in found)
        return Checked("Settings", ok=False, text=said, fix="Correct the environment variables named.")
    return Checked("Settings", ok=True, text=f"data in {settings.ISOTOPE_DATA}, queue {settings.QUEUE!r}")


def space() -> Checked:
    """Room for the database."""
    folder = settings.ISOTOPE_DATA
    while not folder.exists():
        folder = folder.parent
    free = shutil.disk_usage(folder).free
    text = f"{human_size(free)} free where Isotope keeps its data"
    if free < _LEAST_FREE:
        return Checked("Disk space", ok=False, text=f"{text}.", fix="Make room, or set ISOTOPE_DATA to a larger drive.")
    if not os.access(folder, os.W_OK):
        fix = "Give the folder to the user that runs Isotope, or set ISOTOPE_DATA to another one."
        return Checked("Disk space", ok=False, text=f"{folder} may not be written.", fix=fix)
    return Checked("Disk space", ok=True, text=text)


def servers() -> Checked:
    """Database and broker start, or answer; the tables are made or can be."""
    try:
        with serving.servers_alone():
            pending = migrating.pending()
            versions = {part.name: part for part in parts.versions()}
    except (CatalogError, DatabaseError) as problem:
        return Checked("Servers", ok=False, text=str(problem).strip())
    database, broker = versions["PostgreSQL"], versions["Broker"]
    text = f"PostgreSQL {database.version} ({database.note}), {broker.version or 'no broker'} ({broker.note})"
    if not broker.version and settings.CACHES["default"].get("LOCATION"):
        return Checked("Servers", ok=False, text="The broker does not answer.", fix="Start it, or correct BROKER_URL.")
    return Checked("Servers", ok=True, text=text + (", tables are made at the next start" if pending else ""))


def service() -> Checked:
    """Whether `up` runs; either is well."""
    running = serving.running()
    return Checked("Isotope", ok=True, text=f"runs at {running.url}" if running else "does not run: manage.py up")


CHECKS: tuple[Callable[[], Checked], ...] = (python, packages, fingerprints, configuration, space, service, servers)


def checks_of_libraries() -> Iterator[Checked]:
    """Each library folder of this host can be read."""
    with ExitStack() as stack:
        try:
            stack.enter_context(serving.servers_alone())
            rows = list(Library.objects.filter(removed_at=None, queue=settings.QUEUE).order_by("pk"))
        except (CatalogError, DatabaseError):
            return  # the servers, or their tables, are not there: said before
    for library in rows:
        found = reach(bytes(library.path))
        name = f"Library folder {library.path_text}"
        if not found.reachable:
            yield Checked(name, ok=False, text=found.reason, fix="Mount the drive, or give us the right to read it.")
        elif library.paused:
            yield Checked(name, ok=True, text="can be read; hashing is paused")
        else:
            yield Checked(name, ok=True, text="can be read")
