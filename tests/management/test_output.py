"""Every command answers alike: its exit codes, its sentences, and nothing but answers on standard output."""

from __future__ import annotations

import io
import json
from typing import TYPE_CHECKING

import pytest
from django.core.management import call_command
from rich.text import Text

from catalog.errors import CatalogError, NotFound
from catalog.management.output import DONE, FAILED, INTERRUPTED, NO, CatalogCommand, printable, strings

if TYPE_CHECKING:
    from collections.abc import Mapping


class Greet(CatalogCommand):
    """Says what it is told to, then ends as it is told to."""

    def __init__(self, end: int | type[BaseException] | CatalogError) -> None:
        self.end = end
        super().__init__()

    def work(self, options: Mapping[str, object]) -> int:
        if self.json:
            self.emit({"path": "a\u00e9"})
        self.show("for a person\x1b[31m")
        self.say("a remark")
        if isinstance(self.end, int):
            return self.end
        raise self.end


def run(end: int | type[BaseException] | CatalogError, *arguments: str) -> tuple[int, str, str]:
    out, err = io.StringIO(), io.StringIO()
    try:
        call_command(Greet(end), *arguments, stdout=out, stderr=err)
    except SystemExit as stopped:
        return int(stopped.code or 0), out.getvalue(), err.getvalue()
    return DONE, out.getvalue(), err.getvalue()


@pytest.mark.parametrize("code", [DONE, NO, FAILED])
def test_the_code_of_the_work_is_the_exit_code(code: int) -> None:
    assert run(code)[0] == code


def test_a_program_gets_answers_only_on_standard_output() -> None:
    code, out, err = run(DONE, "--json")
    assert (code, json.loads(out), err) == (DONE, {"path": "a\u00e9"}, "a remark\n")


def test_a_person_gets_the_answer_without_control_characters() -> None:
    assert run(DONE)[1] == "for a person\\x1b[31m\n"


def test_what_could_not_be_done_is_one_sentence_and_code_two() -> None:
    code, _, err = run(NotFound("Nothing answers to that."))
    assert (code, err) == (FAILED, "a remark\nNothing answers to that.\n")


def test_an_interruption_ends_with_its_own_code() -> None:
    code, _, err = run(KeyboardInterrupt)
    assert (code, err) == (INTERRUPTED, "a remark\nStopped.\n")


def test_characters_that_turn_text_around_are_shown() -> None:
    assert printable("a\u202egpj.exe\x07") == Text("a\\x202egpj.exe\\x07")


def test_several_texts_are_a_list() -> None:
    assert strings({"paths": ["a", "b"]}, "paths") == ["a", "b"]
    assert strings({}, "paths") == []
