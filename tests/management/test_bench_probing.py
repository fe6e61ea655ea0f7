"""The benchmark of probing sets ours beside the formats' own libraries, on files that every reader takes."""

from __future__ import annotations

from typing import TYPE_CHECKING

import gguf as gguf_oracle
import onnx as onnx_oracle
import pytest
import safetensors as safetensors_oracle

from catalog.formats import READERS
from catalog.management.bench import model_files, run
from catalog.vocabulary import Format, Outcome
from tests.builders.folders import probe_tree

if TYPE_CHECKING:
    from pathlib import Path

    from catalog.management.bench.measuring import Row


def of(rows: list[Row], name: str) -> Row:
    return next(row for row in rows if row.name == name)


def test_ours_stands_beside_the_libraries_and_nothing_of_it_stays(tmp_path: Path) -> None:
    rows = run("probing", size=30, rounds=1, folder=tmp_path)
    assert of(rows, "isotope, words.gguf").base == "gguf.GGUFReader, words.gguf"
    assert of(rows, "isotope, large.safetensors").base == "safetensors.safe_open, large.safetensors"
    assert {"isotope, large.gguf", "safetensors.safe_open, 16 .safetensors files"} <= {row.name for row in rows}
    assert [row.items for row in rows if row.name.endswith(("one process", "2 processes"))] == [30, 30]
    assert all(row.seconds > 0 for row in rows)
    assert list(tmp_path.iterdir()) == []


def test_its_files_are_sound(tmp_path: Path) -> None:
    model_files.make(tmp_path, 15)
    found = {path.partition("/")[2]: probed.probe for path, probed in probe_tree(tmp_path).items()}
    assert {probe.format for probe in found.values()} == {
        Format.SAFETENSORS, Format.GGUF, Format.PICKLE, Format.ONNX, Format.TRANSFORMERS,
    }  # fmt: skip
    assert all(probe.outcome is Outcome.OK for probe in found.values() if probe.format in READERS)
    assert len(found["model-000005.gguf"].tensors) == 1 + 7 * model_files.BLOCKS


@pytest.mark.parametrize("kind", ["lora", "language_model", "onnx"])
def test_the_libraries_take_them_too(kind: str, tmp_path: Path) -> None:
    template = model_files.language_model(64) if kind == "language_model" else getattr(model_files, kind)()
    for name, (start, size) in template.files.items():
        model_files.write(path := tmp_path / name, start, size)
        if kind == "lora":
            with safetensors_oracle.safe_open(path, "np") as file:
                assert len(file.keys()) == model_files.BLOCKS * 4 * 3
        elif kind == "onnx":
            assert len(onnx_oracle.load(path).graph.initializer) == model_files.BLOCKS * 2
        else:
            assert len(gguf_oracle.GGUFReader(path).tensors) == 1 + 7 * model_files.BLOCKS
