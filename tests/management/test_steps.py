"""What a start looks like."""

from __future__ import annotations

import io

import pytest

from catalog.errors import CatalogError
from catalog.management.steps import Steps


class _Text(io.StringIO):
    encoding = "utf-8"


def _shown(steps: Steps) -> list[str]:
    assert isinstance(steps.out, io.StringIO)
    return steps.out.getvalue().splitlines()


def test_steps_are_numbered_and_ticked() -> None:
    steps = Steps(_Text())
    with steps.step("Settings") as step:
        step.text = "fine"
    with steps.step("Folders") as step:
        step.failed = True
        step.remarks.append("/x: there is no such folder")
    assert _shown(steps) == [
        " 1 ✓ Settings      fine",
        " 2 ✗ Folders",
        "                  /x: there is no such folder",
    ]


def test_a_step_that_raises_is_shown_as_failed() -> None:
    steps = Steps(_Text())
    with pytest.raises(CatalogError), steps.step("Database"):
        raise CatalogError("no")
    assert _shown(steps) == [" 1 ✗ Database      failed"]


def test_the_box_is_as_wide_as_the_longest_address() -> None:
    steps = Steps(_Text())
    address = "http://127.0.0.1:8000/setup/" + "x" * 100
    steps.box(["Open", address])
    lines = _shown(steps)
    assert f"│ {address} │" in lines
    assert len({len(line) for line in lines if line}) == 1


def test_a_terminal_that_knows_no_drawing_gets_plain_signs() -> None:
    class Plain(io.StringIO):
        encoding = "ascii"

    steps = Steps(Plain())
    with steps.step("Settings") as step:
        step.text = "fine"
    steps.box(["hello"])
    assert all(line.isascii() for line in _shown(steps))
    assert _shown(steps)[0] == " 1 ok Settings      fine"


def test_names_of_files_cannot_write_to_the_terminal() -> None:
    steps = Steps(_Text())
    steps.say("/models/\x1b[2Jevil\u202e")
    assert _shown(steps) == ["/models/\\x1b[2Jevil\\x202e"]


def test_a_reader_who_went_away_stops_nothing() -> None:
    class Gone(_Text):
        def write(self, text: str) -> int:
            raise BrokenPipeError

    steps = Steps(Gone())
    steps.say("hello")
    with steps.step("Settings"):
        pass
