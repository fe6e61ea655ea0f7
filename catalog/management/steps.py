"""What a start looks like in a terminal: numbered lines with ticks, and at last one box."""

from __future__ import annotations

import os
import re
import shutil
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from typing import IO, TYPE_CHECKING

from catalog.errors import CatalogError

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

_WIDTH = 13
_GREEN, _RED, _YELLOW, _BOLD, _PLAIN = "\x1b[32m", "\x1b[31m", "\x1b[33m", "\x1b[1m", "\x1b[0m"
_UNPRINTABLE = re.compile("[\x00-\x1f\x7f-\x9f\u200e\u200f\u202a-\u202e\u2066-\u2069\ud800-\udfff]")


@dataclass(slots=True)
class Step:
    """One line while it is made: `text` says how it went; `failed` marks what went wrong though the rest goes on."""

    text: str = ""
    failed: bool = False
    remarks: list[str] = field(default_factory=list)


@dataclass(slots=True)
class Steps:
    """Writes to `out`; in colour and with an unfinished line only where `out` is a terminal."""

    out: IO[str]
    number: int = 0

    @contextmanager
    def step(self, name: str) -> Iterator[Step]:
        """One numbered line; an error of ours is shown on it and goes on to the caller."""
        self.number += 1
        made = Step()
        self._unfinished(name)
        try:
            yield made
        except CatalogError:
            made.failed, made.text = True, "failed"
            raise
        finally:
            self._finish(name, made)

    def say(self, text: str, *, colour: str = "") -> None:
        """One line."""
        self._write(self._coloured(_safe(text), colour) + "\n")

    def warn(self, text: str) -> None:
        """One line that a person should see."""
        self.say(text, colour=_YELLOW)

    def box(self, lines: Sequence[str]) -> None:
        """The lines in a frame as wide as they need, since an address must not be broken; without one if too wide."""
        lines = [_safe(line) for line in lines]
        width = max(map(len, lines))
        fits = not self._terminal() or width + 4 <= shutil.get_terminal_size().columns
        top, side, bottom = ("╭─╮", "│", "╰─╯") if self._drawn() else ("+-+", "|", "+-+")
        self.say("")
        if not fits:
            for line in lines:
                self.say(line, colour=_BOLD)
            return
        self.say(top[0] + top[1] * (width + 2) + top[2])
        for line in lines:
            self.say(f"{side} {line.ljust(width)} {side}")
        self.say(bottom[0] + bottom[1] * (width + 2) + bottom[2])

    def _unfinished(self, name: str) -> None:
        if self._terminal():
            self._write(f"{self.number:2} {'…' if self._drawn() else '.'} {name}")

    def _finish(self, name: str, made: Step) -> None:
        tick, cross = ("✓", "✗") if self._drawn() else ("ok", "!!")
        mark = self._coloured(cross, _RED) if made.failed else self._coloured(tick, _GREEN)
        start = "\r\x1b[K" if self._terminal() else ""
        self._write(f"{start}{self.number:2} {mark} {name.ljust(_WIDTH)} {_safe(made.text)}".rstrip() + "\n")
        for remark in made.remarks:
            self.warn(f"{'':{_WIDTH + 5}}{remark}")

    def _write(self, text: str) -> None:
        """A reader who has gone away does not stop us."""
        with suppress(BrokenPipeError):
            self.out.write(text)
            self.out.flush()

    def _coloured(self, text: str, colour: str) -> str:
        wanted = colour and self._terminal() and "NO_COLOR" not in os.environ
        return f"{colour}{text}{_PLAIN}" if wanted else text

    def _terminal(self) -> bool:
        return self.out.isatty()

    def _drawn(self) -> bool:
        return "utf" in (getattr(self.out, "encoding", None) or "").lower()


def _safe(text: str) -> str:
    """File names may hold control characters, which must not reach a terminal."""
    return _UNPRINTABLE.sub(lambda found: f"\\x{ord(found[0]):02x}", text)
