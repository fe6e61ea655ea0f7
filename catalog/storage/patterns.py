"""Patterns that name paths, in the notation of .gitignore.

A line is a glob: `*` and `?` stay within a part, `**` goes over any number of parts, `[ab]` is one of them. A slash at
the end means folders only; a slash elsewhere binds the pattern to the top; `!` takes back; `#` begins a comment.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Self

if TYPE_CHECKING:
    from collections.abc import Iterable

_ANY_PARTS = rb"(?:[^/]+/)*"
_SYMBOL = re.compile(rb"\*+|\?|\[[^\]/]+\]|\\?.", re.DOTALL)


@dataclass(frozen=True, slots=True)
class _Rule:
    expression: re.Pattern[bytes]
    verdict: bool
    folders_only: bool


@dataclass(frozen=True, slots=True)
class Patterns:
    """Compiled lines; false when there is none."""

    rules: tuple[_Rule, ...] = ()

    @classmethod
    def of(cls, lines: Iterable[bytes]) -> Self:
        """Lines that say nothing are left out; one that is no sound glob is taken literally."""
        return cls(tuple(rule for line in lines if (rule := _rule(line)) is not None))

    def __bool__(self) -> bool:
        return bool(self.rules)

    def verdict(self, path: bytes, *, folder: bool = False) -> bool | None:
        """What the last line that names this very path says; None when no line does."""
        for rule in reversed(self.rules):
            if (folder or not rule.folders_only) and rule.expression.fullmatch(path):
                return rule.verdict
        return None

    def covers(self, path: bytes) -> bool:
        """A line names the path, or a folder that it lies in."""
        parts = path.split(b"/")
        folders = (b"/".join(parts[:count]) for count in range(1, len(parts)))
        return bool(self.verdict(path)) or any(self.verdict(folder, folder=True) for folder in folders)


def _rule(line: bytes) -> _Rule | None:
    text = line.strip(b" \t\r\n")
    if not text or text.startswith(b"#"):
        return None
    verdict = not text.startswith(b"!")
    text = text.removeprefix(b"!").removeprefix(b"\\")
    folders_only = text.endswith(b"/")
    text = text.rstrip(b"/")
    bound = b"/" in text
    text = text.lstrip(b"/")
    if not text:
        return None
    start = b"" if bound else _ANY_PARTS
    return _Rule(_compiled(start + _expression(text.split(b"/")), text), verdict, folders_only)


def _compiled(expression: bytes, text: bytes) -> re.Pattern[bytes]:
    try:
        return re.compile(expression, re.DOTALL)
    except re.error:
        return re.compile(re.escape(text), re.DOTALL)


def _expression(globs: list[bytes]) -> bytes:
    *folders, last = globs
    inner = b"".join(_ANY_PARTS if glob == b"**" else _part(glob) + b"/" for glob in folders)
    return inner + (b".+" if last == b"**" else _part(last))


def _part(glob: bytes) -> bytes:
    """One part of a path as a regular expression."""
    return _SYMBOL.sub(_symbol, glob)


def _symbol(found: re.Match[bytes]) -> bytes:
    symbol = found[0]
    if symbol.startswith(b"*"):
        return rb"[^/]*"
    if symbol == b"?":
        return rb"[^/]"
    if len(symbol) > 1 and symbol.startswith(b"["):
        inner = symbol[1:-1].replace(b"\\", b"\\\\")
        return b"[^" + inner[1:] + b"]" if inner[:1] in (b"!", b"^") and len(inner) > 1 else b"[" + inner + b"]"
    return re.escape(symbol.removeprefix(b"\\") or symbol)
