"""`manage.py up`: everything on one machine, in the foreground."""

from __future__ import annotations

import argparse
import sys

from django.conf import settings
from django.core.management.base import BaseCommand

from catalog.errors import CatalogError
from catalog.management.output import CatalogCommand
from catalog.management.starting import Start
from catalog.management.steps import Steps
from catalog.management.wishes import PARTS, Wishes

EPILOG = """
examples:
  manage.py up ~/ComfyUI/models             catalog this folder and show it in the browser
  manage.py up --demo                       look around with a small library made for the purpose
  manage.py up /models --host 0.0.0.0       let other machines in this network in, too
  manage.py up                              start with the folders that are known already

While no folder is known, it looks for the folders of the usual tools and names them. In the
browser, folders can be added below ISOTOPE_FOLDERS, and those that were named here.

Your model files are read, never written. What Isotope knows is kept in ISOTOPE_DATA
(now {data}). Stop it with Ctrl-C; the next start goes on where this one ended.
"""


class Command(BaseCommand):
    """Starts servers, workers and the web, shows what it does, and stays until Ctrl-C."""

    help = "Start Isotope on this machine: database, workers and web, and catalog the folders given."
    requires_system_checks = ()
    suppressed_base_arguments = CatalogCommand.suppressed_base_arguments

    def create_parser(self, prog_name: str, subcommand: str, **kwargs: object) -> argparse.ArgumentParser:  # type: ignore[override]
        """The examples keep their lines."""
        epilog = EPILOG.format(data=settings.ISOTOPE_DATA)
        parser = super().create_parser(prog_name, subcommand, epilog=epilog, **kwargs)
        parser.formatter_class = argparse.RawDescriptionHelpFormatter
        return parser

    def add_arguments(self, parser: argparse.ArgumentParser) -> None:
        """The arguments."""
        parser.add_argument("paths", nargs="*", metavar="PATH", help="a folder with models; each becomes a library")
        parser.add_argument("--demo", action="store_true", help="make a small library of tiny models and catalog it")
        parser.add_argument("--host", default="127.0.0.1", help="where to listen (default: this machine alone)")
        parser.add_argument("--port", type=_port, default=8000, help="the web's port (default: 8000)")
        parser.add_argument(
            "--workers", type=positive, default=2, metavar="N", help="how many files are read at once (default: 2)"
        )
        parser.add_argument("--no-flower", action="store_true", help="leave out Flower, the monitor of the workers")
        parser.add_argument(
            "--only",
            type=_parts,
            metavar="PARTS",
            help=f"start these parts alone (of {','.join(PARTS)})",
        )

    def handle(self, *_args: object, **options: object) -> None:
        """Runs until it is told to stop; exit code 2 when it cannot start."""
        try:
            Start(Steps(sys.stdout), Wishes.read(options)).run()
        except CatalogError as problem:
            self.stderr.write(str(problem))
            raise SystemExit(2) from problem


def _port(text: str) -> int:
    if not (text.isdecimal() and 0 < int(text) < 65536):
        raise argparse.ArgumentTypeError(f"{text} is no port; ports go from 1 to 65535")
    return int(text)


def positive(text: str) -> int:
    """A number of processes, for argparse."""
    if not (text.isdecimal() and 0 < int(text) <= 64):
        raise argparse.ArgumentTypeError("give a number from 1 to 64")
    return int(text)


def _parts(text: str) -> str:
    wrong = set(text.split(",")) - set(PARTS)
    if wrong:
        raise argparse.ArgumentTypeError(f"{', '.join(sorted(wrong))} is no part; the parts are {', '.join(PARTS)}")
    return text
