"""Commands with a verb of their own: `jobs cancel JOB`. `--json` may stand before the verb and after it."""

from __future__ import annotations

import argparse


class Verbs:
    """The verbs of a parser; without one, the command does what it does by default."""

    def __init__(self, parser: argparse.ArgumentParser) -> None:
        self._parsers = parser.add_subparsers(dest="verb", metavar="VERB")

    def add(self, verb: str, *, help: str) -> argparse.ArgumentParser:
        """The parser of one verb, for its arguments."""
        made: argparse.ArgumentParser = self._parsers.add_parser(verb, help=help, description=f"{help}.")
        made.add_argument("--json", action="store_true", default=argparse.SUPPRESS, help="one JSON object a line")
        return made
