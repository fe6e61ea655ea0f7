"""`match` says whether two models are the same, from paths or from the catalogue, with the evidence and a code."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from catalog.management import subjects
from tests.builders import HALF, conversions, misses, safetensors, write_tree
from tests.builders.networks import bert
from tests.builders.pickles import torch_zip
from tests.builders.quantisers import quantise
from tests.commands.running import run
from tests.identity.catalogue import add, catalogue, variant_at

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from tests.builders import Array

ROOT = Path(__file__).parents[2]
NETWORK = bert(1, hidden=64, inner=256, layers=3, tokens=300)
KEYS = [
    "relation", "certainty", "same_model", "direction", "detection_limit", "values_compared", "values_outside",
    "summary", "settings_differ", "tensors",
]  # fmt: skip


@pytest.fixture
def base(tmp_path: Path) -> Path:
    return stored(tmp_path / "base.safetensors", NETWORK.tensors)


def stored(path: Path, tensors: Mapping[str, Array]) -> Path:
    path.write_bytes(safetensors(tensors))
    return path


def half(path: Path, tensors: Mapping[str, Array] = NETWORK.tensors) -> Path:
    return stored(path, {name: array.astype(HALF) for name, array in tensors.items()})


@pytest.fixture
def packed(tmp_path: Path) -> Path:
    """Quantised, so that only samples and all values tell anything."""
    made = conversions.conversions(NETWORK, quantise)["GGUF Q8_0"].make()
    return conversions.write(tmp_path, "packed", made)


def test_a_program_gets_one_object_with_every_key(base: Path, packed: Path) -> None:
    ran = run("match", "--json", base, packed)

    (answer,) = ran.rows
    assert (ran.code, ran.err) == (0, "")
    assert list(answer) == KEYS
    assert {key: answer[key] for key in KEYS[:5]} == {
        "relation": "quantised",
        "certainty": "all_values",
        "same_model": True,
        "direction": "right_from_left",
        "detection_limit": None,
    }
    assert answer["values_outside"] == 0
    assert {"left", "right", "left_dtype", "mapped", "compared", "outside", "largest", "typical", "verdict"} <= set(
        answer["tensors"][0]  # type: ignore[index] # a list of objects
    )


def test_quick_does_not_read_every_value(base: Path, packed: Path) -> None:
    (answer,) = run("match", "--quick", "--json", base, packed).rows

    assert answer["certainty"] == "samples"
    assert answer["detection_limit"] is not None


def test_an_exact_cast_is_proven_without_a_second_read(base: Path, tmp_path: Path) -> None:
    (answer,) = run("match", "--json", base, half(tmp_path / "half.safetensors")).rows

    assert (answer["relation"], answer["certainty"], answer["same_model"]) == ("other_precision", "proven", True)


def test_a_person_gets_the_sentence_and_the_tensors_that_differ(base: Path, tmp_path: Path) -> None:
    tensors = misses.row_changed()(NETWORK.tensors)

    ran = run("match", base, stored(tmp_path / "other.safetensors", tensors))

    assert ran.code == 1
    assert ran.out.startswith("Not the same: base.safetensors and other.safetensors are relatives")
    assert "embeddings.word_embeddings.weight" in ran.out
    assert "tensors agree and are not listed; --tensors lists all." in ran.out
    assert "encoder.layer.0.attention.self.query.bias" not in ran.out
    assert (
        "encoder.layer.0.attention.self.query.bias"
        in run("match", "--tensors", base, tmp_path / "other.safetensors").out
    )


def test_a_light_fine_tune_is_the_answer_no(base: Path, tmp_path: Path) -> None:
    tuned = half(tmp_path / "tuned.safetensors", misses.trained(1e-4)(NETWORK.tensors))

    ran = run("match", "--json", base, tuned)

    assert (ran.code, ran.rows[0]["same_model"]) == (1, False)


def test_a_file_is_identical_to_its_copy(base: Path, tmp_path: Path) -> None:
    copy = tmp_path / "copy.safetensors"
    copy.write_bytes(base.read_bytes())

    ran = run("match", "--json", base, copy)

    assert (ran.code, ran.rows[0]["relation"]) == (0, "identical")


def test_a_pickle_holds_the_same_tensors_and_is_not_loaded(base: Path, tmp_path: Path) -> None:
    other = tmp_path / "pytorch_model.bin"
    other.write_bytes(torch_zip(dict(NETWORK.tensors)))

    (answer,) = run("match", "--json", base, other).rows

    assert (answer["relation"], answer["certainty"]) == ("same_tensors", "proven")


def test_a_folder_with_several_models_is_named_and_not_guessed(base: Path, tmp_path: Path) -> None:
    weights = base.read_bytes()
    files = {"config.json": b"{}", "model.safetensors": weights, "model.fp16.safetensors": weights}
    folder = write_tree(tmp_path / "two", files)

    ran = run("match", "--json", base, folder)

    assert (ran.code, ran.out) == (2, "")
    assert f"{folder}#safetensors, {folder}#safetensors:fp16" in ran.err
    assert run("match", "--json", base, f"{folder}#safetensors:fp16").rows[0]["relation"] == "same_tensors"


def test_a_truncated_file_says_where_and_what_to_do(base: Path, tmp_path: Path) -> None:
    broken = tmp_path / "broken.safetensors"
    broken.write_bytes(base.read_bytes()[:-100])

    ran = run("match", "--json", base, broken)

    assert (ran.code, ran.out) == (2, "")
    assert str(broken) in ran.err
    assert ran.err.count("\n") == 1


def test_a_hostile_pickle_is_refused_by_name(base: Path, tmp_path: Path) -> None:
    evil = tmp_path / "evil.pt"
    evil.write_bytes(b"cposix\nsystem\n(S'true'\ntR.")

    ran = run("match", base, evil)

    assert ran.code == 2
    assert str(evil) in ran.err


def test_a_file_that_is_replaced_meanwhile_is_told(base: Path, packed: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    read: Callable[..., object] = subjects.read

    def and_replace(*arguments: object, **named: object) -> object:
        found = read(*arguments, **named)
        packed.with_suffix(".new").write_bytes(packed.read_bytes())
        os.replace(packed.with_suffix(".new"), packed)
        return found

    monkeypatch.setattr("catalog.management.sides.read", and_replace)
    ran = run("match", "--json", base, packed)

    assert (ran.code, ran.out) == (2, "")
    assert ran.err.startswith(f"{packed} was written to, or replaced, while it was compared.")


@pytest.mark.django_db
def test_what_nothing_answers_to_is_said(base: Path) -> None:
    ran = run("match", base, "0123456789abcdef")

    assert (ran.code, ran.out) == (2, "")
    assert "nothing in the catalogue answers to it" in ran.err


@pytest.mark.django_db
def test_the_catalogue_answers_for_ids_digests_and_names_and_mixes_with_paths(
    base: Path, packed: Path, tmp_path: Path
) -> None:
    folder = write_tree(
        tmp_path / "library", {"base.safetensors": base.read_bytes(), "packed.gguf": packed.read_bytes()}
    )
    library = add(folder)
    catalogue(library)
    left, right = variant_at(library, "base.safetensors"), variant_at(library, "packed.gguf")

    by_id = run("match", "--json", str(left.pk), str(right.pk)).rows[0]
    assert left.content is not None
    by_digest = run("match", "--json", bytes(left.content).hex()[:16], packed).rows[0]

    assert (by_id["relation"], by_id["certainty"]) == ("quantised", "all_values")
    assert (by_digest["relation"], by_digest["certainty"]) == ("quantised", "all_values")
    (folder / "packed.gguf").unlink()
    gone = run("match", "--json", str(left.pk), str(right.pk)).rows[0]
    assert (gone["relation"], gone["certainty"]) == ("quantised", "samples")


@pytest.mark.django_db
def test_a_question_with_several_answers_names_them(base: Path, tmp_path: Path) -> None:
    other = half(tmp_path / "half.safetensors")
    library = add(write_tree(tmp_path / "library", {"twin-a.sft": base.read_bytes(), "twin-b.sft": other.read_bytes()}))
    catalogue(library)

    ran = run("match", base, "twin")

    assert (ran.code, ran.out) == (2, "")
    assert str(variant_at(library, "twin-a.sft").pk) in ran.err


def test_paths_need_no_server_and_leave_nothing(base: Path, packed: Path, tmp_path: Path) -> None:
    home = tmp_path / "home"
    home.mkdir()
    before = sorted(tmp_path.rglob("*"))

    ran = subprocess.run(
        [sys.executable, ROOT / "manage.py", "match", "--json", base, packed],
        env={**os.environ, "ISOTOPE_DATA": str(home), "DATABASE_URL": "", "BROKER_URL": ""},
        capture_output=True,
        check=False,
    )

    assert (ran.returncode, ran.stderr) == (0, b"")
    assert sorted(tmp_path.rglob("*")) == before
