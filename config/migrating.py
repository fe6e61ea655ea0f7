"""Bringing the database's tables up to date: one process at a time, and never without a dump before."""

from __future__ import annotations

import os
import subprocess
import time
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

from django.conf import settings
from django.core.management import call_command
from django.db import connection
from django.db.migrations.executor import MigrationExecutor

from config.embedded.owner import ourselves
from config.embedded.problems import ServersProblem
from config.embedded.programs import postgres_programs

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

_LOCK = 0x15070_0002
_KEPT_DUMPS = 10


@dataclass(frozen=True, slots=True)
class Migrated:
    """What was done: the names of the migrations applied, the dump made before, and a word if none could be made."""

    applied: tuple[str, ...]
    dump: Path | None = None
    warning: str = ""


def bring_up_to_date() -> Migrated:
    """Applies what is missing. Raises `ServersProblem` when the database is newer than this program."""
    with _alone():
        executor = MigrationExecutor(connection)
        _refuse_newer(executor)
        plan = executor.migration_plan(executor.loader.graph.leaf_nodes())
        if not plan:
            return Migrated(())
        dump, warning = (None, "") if not executor.loader.applied_migrations else _dump()
        call_command("migrate", verbosity=0, interactive=False)
    return Migrated(tuple(f"{migration.app_label}.{migration.name}" for migration, _backwards in plan), dump, warning)


def pending() -> bool:
    """Are there tables still to be made? Raises `ServersProblem` when the database is newer than this program."""
    executor = MigrationExecutor(connection)
    _refuse_newer(executor)
    return bool(executor.migration_plan(executor.loader.graph.leaf_nodes()))


@contextmanager
def _alone() -> Iterator[None]:
    """An advisory lock of this session; the server lets go of it when we die."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_lock(%s)", [_LOCK])
        try:
            yield
        finally:
            cursor.execute("SELECT pg_advisory_unlock(%s)", [_LOCK])


def _refuse_newer(executor: MigrationExecutor) -> None:
    known = executor.loader.disk_migrations
    newer = sorted(
        name for app, name in executor.loader.applied_migrations if app == "catalog" and (app, name) not in known
    )
    if newer:
        raise ServersProblem(
            f"The database was made by a newer Isotope (it knows {newer[-1]}, this one, {settings.VERSION}, does not). "
            "Start that one again, or restore a dump from the folder of backups."
        )


def _dump() -> tuple[Path | None, str]:
    """A dump in pg_dump's own format, readable by us alone; the oldest ones are removed.

    Of a server that is not ours, whoever runs it makes backups: there a failure is only a warning.
    """
    found = settings.PLACES
    target = found.backups / time.strftime("before-migration-%Y%m%d-%H%M%S.dump", time.gmtime())
    part = target.with_suffix(".part")
    handle = os.open(part, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with open(handle, "wb") as output:
        done = subprocess.run(  # noqa: S603 - the wheel's own program
            [postgres_programs(found.programs, ourselves()) / "pg_dump", "-Fc", "-d", settings.DATABASE_URL],
            stdout=output, stderr=subprocess.PIPE, check=False,
            env=os.environ | {"PGPASSWORD": settings.DATABASES["default"].get("PASSWORD", "")},
        )  # fmt: skip
    if done.returncode != 0:
        part.unlink()
        said = done.stderr.decode(errors="replace").strip().splitlines()
        word = f"no dump could be made before migrating: {said[-1] if said else 'pg_dump failed'}"
        if settings.EMBEDDED["database"]:
            raise ServersProblem(f"Nothing was changed, since {word}. Is the disk of {found.backups} full?")
        return None, word
    part.rename(target)
    for old in sorted(found.backups.glob("before-migration-*.dump"))[:-_KEPT_DUMPS]:
        old.unlink()
    return target, ""
