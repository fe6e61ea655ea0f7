"""The look-up on the command line gives the shared answer, with the exit codes that a shell relies on."""

from __future__ import annotations

import io
import json

import pytest
from django.core.management import call_command

from catalog.queries import lookup
from tests import rows

pytestmark = pytest.mark.django_db


def run(*arguments: str) -> tuple[int, str]:
    out = io.StringIO()
    try:
        call_command("lookup", *arguments, stdout=out, stderr=io.StringIO())
    except SystemExit as end:
        return int(end.code or 0), out.getvalue()
    return 0, out.getvalue()


def test_a_hash_is_answered_as_one_json_line_with_the_shared_answer() -> None:
    rows.hashes(rows.variant("known"), {"sha256": "ab" * 32})

    code, out = run("--json", "sha256:ababababab")

    assert code == 0
    answer = json.loads(out)
    assert [hit["variant"] for hit in answer["hits"]] == [
        str(hit.variant) for hit in lookup.find("sha256:ababababab").hits
    ]
    assert (answer["hits"][0]["matched"], answer["hits"][0]["of"]) == (10, 64)


def test_an_unknown_hash_is_the_answer_no() -> None:
    code, out = run("--json", "ffffffffff")

    assert code == 1
    assert json.loads(out)["hits"] == []


def test_people_read_the_name_the_match_and_the_place() -> None:
    variant = rows.variant("known")
    rows.hashes(variant, {"sha256": "ab" * 32})
    rows.location(variant, b"checkpoints/known.safetensors")

    code, out = run("ababababab")

    assert code == 0
    assert "known\n" in out
    assert "SHA-256, 10 of 64 digits" in out
    assert "/models/checkpoints/known.safetensors" in out
