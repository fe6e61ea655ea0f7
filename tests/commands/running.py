"""Running a command as a shell would: what it printed, and its exit code."""

from __future__ import annotations

import io
import json
from typing import TYPE_CHECKING, NamedTuple

from django.core.management import call_command

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path


class Ran(NamedTuple):
    """One run."""

    code: int
    out: str
    err: str

    @property
    def rows(self) -> list[Mapping[str, object]]:
        """The answers of `--json`, one a line."""
        return [json.loads(line) for line in self.out.splitlines()]


def run(name: str, *arguments: str | Path) -> Ran:
    """The command in this process."""
    out, err, code = io.StringIO(), io.StringIO(), 0
    try:
        call_command(name, *map(str, arguments), stdout=out, stderr=err)
    except SystemExit as end:
        code = int(end.code or 0)
    return Ran(code, out.getvalue(), err.getvalue())
