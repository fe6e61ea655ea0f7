"""The notation of .gitignore."""

from __future__ import annotations

import pytest

from catalog.storage.patterns import Patterns

PATHS = [
    "a.bin",
    "deep/a.bin",
    "deep/er/a.bin",
    "old/b.gguf",
    "deep/old/b.gguf",
    "deep/x1.pt",
    "deep/x2.pt",
    "#strange.pt",
    "!loud.pt",
    "with blank.pt",
    "old.pt",
]


# What `git check-ignore --no-index` answers for these lines and paths.
@pytest.mark.parametrize(
    ("lines", "named"),
    [
        (["*.bin"], ["a.bin", "deep/a.bin", "deep/er/a.bin"]),
        (["/a.bin"], ["a.bin"]),
        (["deep/*.bin"], ["deep/a.bin"]),
        (["deep/**"], ["deep/a.bin", "deep/er/a.bin", "deep/old/b.gguf", "deep/x1.pt", "deep/x2.pt"]),
        (["**/old/"], ["old/b.gguf", "deep/old/b.gguf"]),
        (["deep/**/a.bin"], ["deep/a.bin", "deep/er/a.bin"]),
        (["old/"], ["old/b.gguf", "deep/old/b.gguf"]),
        (["old"], ["old/b.gguf", "deep/old/b.gguf"]),
        (["x[12].pt"], ["deep/x1.pt", "deep/x2.pt"]),
        (["x[!1].pt"], ["deep/x2.pt"]),
        (["x?.pt", "!x1.pt"], ["deep/x2.pt"]),
        (["# a comment", "", "  "], []),
        ([r"\#strange.pt"], ["#strange.pt"]),
        ([r"\!loud.pt"], ["!loud.pt"]),
        (["with blank.pt"], ["with blank.pt"]),
        (["[.pt"], []),
        (["*"], PATHS),
        (["d*p"], ["deep/a.bin", "deep/er/a.bin", "deep/old/b.gguf", "deep/x1.pt", "deep/x2.pt"]),
    ],
)
def test_it_reads_like_git(lines: list[str], named: list[str]) -> None:
    patterns = Patterns.of(line.encode() for line in lines)
    assert [path for path in PATHS if patterns.covers(path.encode())] == named


def test_no_lines_are_no_patterns() -> None:
    assert not Patterns.of([b"# only a comment", b"/"])
    assert Patterns.of([b"x"])


def test_raw_bytes_match() -> None:
    assert Patterns.of([b"caf\xe9*"]).verdict(b"deep/caf\xe9.bin")
