"""How a model is told on a terminal."""

from __future__ import annotations

import io

import pytest
from rich.console import Console

from catalog.management.telling import Other, Told, headline, mixture, others
from catalog.vocabulary import Outcome

LORA = Told("lora", "sdxl", ["turbo"], "mixed", "", 1_000_000, {"F16": 987, "F32": 13})
NOTHING = Told("unknown", "unknown", [], "unknown", "", 0, {})


def _printed(outcome: str, told: Told, *, colours: bool) -> str:
    out = io.StringIO()
    console = Console(file=out, force_terminal=colours, width=200, color_system="standard" if colours else None)
    console.print(headline(outcome, ["safetensors"], told, ["2 MB"]))
    return out.getvalue().rstrip("\n")


def test_everything_known_stands_on_one_line() -> None:
    line = "  safetensors · LoRA · SDXL · turbo · mixed · 1 M parameters · 2 MB"
    assert _printed("ok", LORA, colours=False) == line


def test_what_is_not_known_is_left_out() -> None:
    assert _printed("ok", NOTHING, colours=False) == "  safetensors · 2 MB"


@pytest.mark.parametrize("outcome", [word for word in Outcome if word is not Outcome.OK])
def test_an_outcome_is_a_word_whether_or_not_there_are_colours(outcome: Outcome) -> None:
    plain = _printed(outcome.value, NOTHING, colours=False)
    assert plain == f"  {outcome.label} · safetensors · 2 MB"
    assert outcome.label in _printed(outcome.value, NOTHING, colours=True)


@pytest.mark.parametrize(
    ("outcome", "colour"), [("unsafe", "\x1b[1;31m"), ("invalid", "\x1b[31m"), ("suspicious", "\x1b[33m")]
)
def test_on_a_terminal_what_is_wrong_stands_out(outcome: str, colour: str) -> None:
    assert colour in _printed(outcome, NOTHING, colours=True)


def test_other_answers_are_told_with_what_speaks_for_them() -> None:
    told = list(others([Other("base", "sdxl", "a context of 2048"), Other("kind", "warp-drive", "")]))
    assert told == ["  could also be SDXL (base): a context of 2048", "  could also be warp-drive (kind)"]


def test_a_mixture_is_told_by_its_parts() -> None:
    assert list(mixture(LORA)) == ["  stored as 98.7 % F16, 1.3 % F32"]
    assert list(mixture(NOTHING)) == []


def test_a_file_cannot_write_on_the_terminal_through_its_facts() -> None:
    evil = NOTHING._replace(quantisation="\x1b[2J")
    assert "\x1b" not in _printed("ok", evil, colours=False)
