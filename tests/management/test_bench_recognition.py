"""The benchmark of recognition says what is right, what is wrong, and what could not be judged."""

from __future__ import annotations

import json
from io import StringIO
from typing import TYPE_CHECKING

import pytest
from django.core.management import call_command

from catalog.errors import NotFound
from catalog.management.bench import recognition
from catalog.management.bench.recognition_table import lines, sentences
from tests.builders import HALF, misses, networks
from tests.builders.conversions import single
from tests.builders.conversions_precision import chain
from tests.builders.judged_folder import Case, JudgedFolder

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """One true pair, one near miss, and one pair with an artefact that was never made."""
    made = JudgedFolder(tmp_path)
    network = networks.bert(1, layers=2)
    base = made.put("base", single(network.tensors))
    half = made.put("half", single(chain(HALF)(network.tensors)))
    tuned = made.put("tuned", single(misses.trained(1e-2)(network.tensors)))
    made.judge(Case(half, base, "same-weights-precision", same=True, kind="f16"))
    made.judge(Case(tuned, base, "finetune-of", same=False, kind="fine-tune"))
    made.judge(Case("never made", base, "same-tensors", same=True, kind="lost"))
    made.close()
    return tmp_path


def _edit(folder: Path, **changes: object) -> None:
    """Every pair judged otherwise."""
    path = folder / "truth.json"
    truth = json.loads(path.read_text())
    truth["pairs"] = [{**pair, **changes} for pair in truth["pairs"]]
    path.write_text(json.dumps(truth))


def test_true_pairs_are_found_and_near_misses_are_not(folder: Path) -> None:
    report = recognition.run(folder)
    assert [(kind.name, kind.same, kind.pairs, kind.right, kind.wrong) for kind in report.kinds] == [
        ("f16", True, 1, 1, 0),
        ("fine-tune", False, 1, 1, 0),
    ]
    assert (report.recall, report.false_merges, report.good, report.notes) == (1.0, 0, True, ())


def test_what_is_not_here_is_counted(folder: Path) -> None:
    report = recognition.run(folder)
    assert report.left_out == 1
    assert any("left out: 1 pairs" in sentence for sentence in sentences(report))


def test_each_artefact_is_read_once(folder: Path) -> None:
    report = recognition.run(folder)
    assert len(report.costs) == 3
    assert all(cost.size <= cost.read < cost.size * 1.1 + 65536 for cost in report.costs)
    assert all(cost.fingerprint > 0 and cost.keys > 0 for cost in report.costs)


def test_a_pair_called_the_same_against_the_truth_is_a_false_merge(folder: Path) -> None:
    _edit(folder, same_model=False)
    report = recognition.run(folder)
    assert (report.false_merges, report.good) == (1, False)
    assert any(note.startswith("FALSE MERGE") and "half" in note for note in report.notes)


def test_a_pair_that_is_missed_lowers_the_recall(folder: Path) -> None:
    _edit(folder, same_model=True)
    report = recognition.run(folder)
    assert (report.recall, report.good) == (0.5, False)
    assert any("tuned" in note for note in report.notes)


def test_the_lines_for_programs_end_with_the_whole(folder: Path) -> None:
    found = list(lines(recognition.run(folder)))
    assert [line["line"] for line in found] == ["kind", "kind", "artefact", "artefact", "artefact", "whole"]
    assert found[-1]["good"] is True


@pytest.mark.parametrize(("same", "code"), [(None, 0), (False, 1)])
def test_the_exit_code_says_whether_it_is_good(folder: Path, same: bool | None, code: int) -> None:
    if same is not None:
        _edit(folder, same_model=same)
    out = StringIO()
    with pytest.raises(SystemExit) as left:
        call_command("bench", "recognition", str(folder), json=True, stdout=out)
    assert left.value.code == code
    assert json.loads(out.getvalue().splitlines()[-1])["recall"] == 1.0


def test_the_table_is_for_people(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        call_command("bench", "recognition", str(folder))
    assert "not the same: fine-tune" in capsys.readouterr().out


def test_a_folder_without_truth_is_refused_with_a_sentence(tmp_path: Path) -> None:
    with pytest.raises(NotFound, match="no judged pairs"):
        recognition.run(tmp_path)
    errors = StringIO()
    for place in ([], [str(tmp_path)]):
        with pytest.raises(SystemExit) as left:
            call_command("bench", "recognition", *place, stderr=errors)
        assert left.value.code == 2
    assert "Name the folder" in errors.getvalue()


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"artefacts": [], "pairs": [{"a": "x"}]}'])
def test_a_truth_that_is_none_is_refused(tmp_path: Path, text: str) -> None:
    (tmp_path / "truth.json").write_text(text)
    with pytest.raises(NotFound):
        recognition.run(tmp_path)
