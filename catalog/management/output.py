"""How every command answers: sentences for a person, one JSON object a line for a program, and its exit code.

0 = done, 1 = the answer is no, 2 = could not be done. With `--json` only the answers are on standard output.
"""

from __future__ import annotations

import json
import os
import re
import sys
from typing import IO, TYPE_CHECKING, ClassVar, cast

from django.core.management.base import BaseCommand
from rich.console import Console
from rich.text import Text

from catalog.errors import CatalogError

if TYPE_CHECKING:
    from argparse import ArgumentParser
    from collections.abc import Mapping

    from django.core.management.base import OutputWrapper
    from rich.console import RenderableType

DONE, NO, FAILED, INTERRUPTED = 0, 1, 2, 130

_CONTROL = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u200e\u200f\u202a-\u202e\u2066-\u2069]")
_PLAIN_WIDTH = 10_000


class CatalogCommand(BaseCommand):
    """A command of the catalog. Subclasses give `arguments` and `work`, and answer with `emit`, `show` and `say`."""

    requires_system_checks = ()
    suppressed_base_arguments = {  # noqa: RUF012 - an instance's variable, as the base class has it
        "--force-color",
        "--no-color",
        "--pythonpath",
        "--settings",
        "--traceback",
        "--verbosity",
        "--version",
    }
    needs_servers: ClassVar[bool] = False
    """Database and broker answer while `work` runs; ours are started for it if they do not run."""

    def add_arguments(self, parser: ArgumentParser) -> None:
        """`--json`, and what the command adds."""
        parser.add_argument("--json", action="store_true", help="one JSON object a line on standard output")
        self.arguments(parser)

    def arguments(self, parser: ArgumentParser) -> None:
        """The command's own arguments."""

    def work(self, options: Mapping[str, object]) -> int:
        """Do it, and give back the exit code. A `CatalogError` ends the command with its sentence and code 2."""
        raise NotImplementedError

    def handle(self, *args: object, **options: object) -> None:
        """Run `work`; always ends by `SystemExit` unless all is done."""
        self.json = bool(options["json"])
        self._out, self._err = _console(self.stdout), _console(self.stderr)
        try:
            code = self._work_with_servers(options) if self.needs_servers else self.work(options)
            self.stdout.flush()
        except CatalogError as error:
            self.say(str(error))
            code = FAILED
        except KeyboardInterrupt:
            self.say("Stopped.")
            code = INTERRUPTED
        except BrokenPipeError:  # the reader, `head` say, has seen enough
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
            code = DONE
        if code:
            raise SystemExit(code)

    def _work_with_servers(self, options: Mapping[str, object]) -> int:
        from config.serving import servers  # noqa: PLC0415 - what needs only files starts without the office

        with servers():
            return self.work(options)

    def emit(self, row: Mapping[str, object]) -> None:
        """One answer for a program, at once."""
        self.stdout.write(json.dumps(row, ensure_ascii=False, default=str))
        self.stdout.flush()

    def show(self, what: RenderableType) -> None:
        """Part of the answer for a person, on standard output; nothing with `--json`."""
        if not self.json:
            self._out.print(printable(what) if isinstance(what, str) else what, highlight=False)

    def say(self, sentence: str) -> None:
        """A remark, on standard error."""
        self._err.print(printable(sentence), highlight=False)


def _console(stream: OutputWrapper) -> Console:
    """A console on the stream below Django's, which would end every write with a line's end: not so a progress bar."""
    terminal = stream.isatty()
    width = None if terminal else _PLAIN_WIDTH
    return Console(file=cast("IO[str]", stream._out), width=width, force_terminal=terminal, soft_wrap=True)


def printable(text: str) -> Text:
    r"""`text` as it may be printed: control and direction characters, which could lie to a reader, as `\x1b`."""
    return Text(_CONTROL.sub(lambda found: f"\\x{ord(found[0]):02x}", text))


def strings(options: Mapping[str, object], name: str) -> list[str]:
    """The values of an argument that takes several texts."""
    found = options.get(name)
    return [str(value) for value in found] if isinstance(found, (list, tuple)) else []
