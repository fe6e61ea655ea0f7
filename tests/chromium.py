"""Finding a Chromium, or fetching one without being root: Debian's packages unpacked, else playwright's own."""

from __future__ import annotations

import fcntl
import os
import shutil
import subprocess
import sys
from dataclasses import dataclass, field
from pathlib import Path

NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
PACKAGES = ("chromium", "chromium-common", "fonts-dejavu-core")
"""Fetched even where the system says that it has them: they look for each other in the same folder."""
_FETCH_SECONDS = 900


@dataclass(frozen=True, slots=True)
class Chromium:
    """A browser's program, and what its environment needs."""

    program: Path
    fetched: bool = False
    env: dict[str, str] = field(default_factory=dict)


def find(playwrights_own: str) -> Chromium | None:
    """The one named by ISOTOPE_CHROMIUM, else the system's, else playwright's own, else one fetched; None if none."""
    named = [os.environ.get("ISOTOPE_CHROMIUM"), *map(shutil.which, NAMES), playwrights_own]
    for path in named:
        if path and os.access(path, os.X_OK):
            return Chromium(Path(path))
    return fetch(_cache()) or _fetch_playwrights(playwrights_own)


def fetch(folder: Path) -> Chromium | None:
    """Debian's Chromium with every library it needs, unpacked below `folder` once; None where that cannot be done."""
    if not all(map(shutil.which, ("apt-get", "dpkg"))):
        return None
    folder.mkdir(parents=True, exist_ok=True)
    with open(folder / "lock", "w") as lock:  # parallel test processes: one fetches, the others wait
        fcntl.flock(lock, fcntl.LOCK_EX)
        whole = folder / "whole"
        try:
            if not whole.exists():
                _unpack(folder)
                whole.touch()
        except (OSError, subprocess.SubprocessError):
            return None
    return _unpacked(folder / "root")


def _unpack(folder: Path) -> None:
    apt = _apt_options(folder)
    _run(["apt-get", *apt, "update"], folder)
    told = _run(["apt-get", *apt, "install", "--simulate", "--no-install-recommends", *PACKAGES], folder)
    missing = {line.split()[1] for line in told.splitlines() if line.startswith("Inst ")}
    debs = folder / "debs"
    debs.mkdir(exist_ok=True)
    _run(["apt-get", *apt, "download", *sorted(missing.union(PACKAGES))], debs)
    for deb in sorted(debs.glob("*.deb")):
        _run(["dpkg", "-x", str(deb), str(folder / "root")], folder)
    for spent in (debs, folder / "lists", folder / "cache"):
        shutil.rmtree(spent)


def _apt_options(folder: Path) -> list[str]:
    """Lists and cache of our own: the system's may be missing, and are root's."""
    lists, cache = folder / "lists", folder / "cache"
    for made in (lists / "partial", cache / "archives" / "partial"):
        made.mkdir(parents=True, exist_ok=True)
    return ["-q", "-o", f"Dir::State::Lists={lists}", "-o", f"Dir::Cache={cache}", "-o", "Debug::NoLocking=1"]


def _run(argv: list[str], folder: Path) -> str:
    done = subprocess.run(argv, cwd=folder, check=True, capture_output=True, text=True, timeout=_FETCH_SECONDS)
    return done.stdout


def _unpacked(root: Path) -> Chromium | None:
    program = root / "usr" / "lib" / "chromium" / "chromium"
    libraries = [path.parent for path in root.glob("usr/lib/*-linux-gnu/libnss3.so")]
    inner = [folder for library in libraries for folder in (library, library / "nss", library / "pulseaudio")]
    env = {
        "LD_LIBRARY_PATH": os.pathsep.join(map(str, inner)),
        "FONTCONFIG_FILE": str(_fonts(root)),
    }
    return Chromium(program, fetched=True, env=env) if program.exists() else None


def _fonts(root: Path) -> Path:
    """A fontconfig of its own, which knows the unpacked fonts and the system's."""
    path = root / "fonts.conf"
    folders = "".join(f"<dir>{folder}</dir>" for folder in (root / "usr/share/fonts", "/usr/share/fonts"))
    path.write_text(
        f"<?xml version='1.0'?><fontconfig>{folders}<cachedir>{root / 'fonts-cache'}</cachedir></fontconfig>"
    )
    return path


def _fetch_playwrights(program: str) -> Chromium | None:
    """Playwright's own download, where its host is reached."""
    try:
        _run([sys.executable, "-m", "playwright", "install", "chromium"], Path.cwd())
    except (OSError, subprocess.SubprocessError):
        return None
    return Chromium(Path(program), fetched=True) if os.access(program, os.X_OK) else None


def _cache() -> Path:
    home = os.environ.get("XDG_CACHE_HOME") or str(Path.home() / ".cache")
    return Path(home) / "isotope-tests" / "chromium"
