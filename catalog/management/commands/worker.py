"""`manage.py worker`: the workers of one more host, for servers that several machines share."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

from django.core.management.base import BaseCommand

from catalog.errors import CatalogError
from catalog.management.commands.up import positive
from catalog.management.output import CatalogCommand
from catalog.management.starting import Start
from catalog.management.steps import Steps
from catalog.management.wishes import Wishes

if TYPE_CHECKING:
    from argparse import ArgumentParser


class Command(BaseCommand):
    """Starts the two workers of this host and stays until Ctrl-C."""

    help = (
        "Run the workers of this host alone, in the foreground. They take from the queue that ISOTOPE_QUEUE names, "
        "and use the servers of DATABASE_URL and BROKER_URL."
    )
    requires_system_checks = ()
    suppressed_base_arguments = CatalogCommand.suppressed_base_arguments

    def add_arguments(self, parser: ArgumentParser) -> None:
        """The arguments."""
        parser.add_argument(
            "--workers", type=positive, default=2, metavar="N", help="how many files are read at once (default: 2)"
        )

    def handle(self, *_args: object, **options: object) -> None:
        """Runs until it is told to stop; exit code 2 when it cannot start."""
        wishes = Wishes(
            paths=(), demo=False, host="127.0.0.1", port=1, workers=int(str(options["workers"])), flower=False,
            parts=("workers",),
        )  # fmt: skip
        try:
            Start(Steps(sys.stdout), wishes).run()
        except CatalogError as problem:
            self.stderr.write(str(problem))
            raise SystemExit(2) from problem
