"""`probe` tells a person and a program what files are, and with which exit code."""

from __future__ import annotations

import io
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pytest
from django.core.management import call_command

from tests.builders import safetensors, shapes, sharded, weights, write_tree
from tests.builders.onnx_files import onnx_with_data

if TYPE_CHECKING:
    from collections.abc import Mapping

LORA = safetensors(weights(shapes.lora_kohya(768, rank=4), 1), {"modelspec.title": "My \x1b[31mstyle"})
ROOT = Path(__file__).parents[2]


def run(*arguments: str | Path) -> tuple[int, str, str]:
    out, err, code = io.StringIO(), io.StringIO(), 0
    try:
        call_command("probe", *map(str, arguments), stdout=out, stderr=err)
    except SystemExit as end:
        code = int(end.code or 0)
    return code, out.getvalue(), err.getvalue()


def rows(*arguments: str | Path) -> list[Mapping[str, object]]:
    return [json.loads(line) for line in run("--json", *arguments)[1].splitlines()]


@pytest.fixture
def library(tmp_path: Path) -> Path:
    tensors = weights({f"model.layers.{number}.weight": (4, 8) for number in range(4)}, 1)
    return write_tree(
        tmp_path,
        {
            "loras/style.safetensors": LORA,
            "loras/cut.safetensors": LORA[:-1],
            "llm/config.json": b'{"model_type":"llama"}',
            **{f"llm/{name}": content for name, content in sharded(tensors, 2).items()},
            "llm/model.fp16.safetensors": safetensors({"a": np.zeros(2, np.float16)}),
        },
    )


def test_a_program_gets_everything_on_one_line(library: Path) -> None:
    (row,) = rows(library / "loras/style.safetensors")
    assert {key: row[key] for key in ("outcome", "format", "kind", "base", "precision", "quantisation")} == {
        "outcome": "ok",
        "format": "safetensors",
        "kind": "lora",
        "base": "sd-1",
        "precision": "fp32",
        "quantisation": "",
    }
    assert row["path"] == str(library / "loras/style.safetensors")
    assert row["parameters"] == 4 * 768 + 4 * 640 + 1
    assert row["settings"] == {"rank": 4, "alphas": "stored as tensors"}
    assert row["metadata"] == {"modelspec.title": "My \x1b[31mstyle"}
    assert row["findings"] == []
    assert (row["traits"], row["candidates"], row["dtypes"]) == ([], [], {"F32": row["parameters"]})
    tensors = row["tensors"]
    assert isinstance(tensors, list)
    assert set(tensors[0]) == {"name", "dtype", "shape", "offset", "bytes", "file"}
    assert len(tensors) == 3


def test_a_mixture_of_types_is_counted_and_told(tmp_path: Path) -> None:
    path = tmp_path / "mixed.safetensors"
    path.write_bytes(safetensors({"a.weight": np.zeros(3, np.float16), "b.weight": np.zeros(1, np.float32)}))
    (row,) = rows(path)
    assert row["dtypes"] == {"F16": 3, "F32": 1}
    assert "75 % F16, 25 % F32" in run(path)[1]


def test_a_folder_gives_a_line_for_each_set(library: Path) -> None:
    found = {(Path(str(row["path"])).name, row["set"]): row["outcome"] for row in rows(library)}
    assert found == {
        ("llm", "safetensors"): "ok",
        ("llm", "safetensors:fp16"): "ok",
        ("cut.safetensors", ""): "invalid",
        ("style.safetensors", ""): "ok",
    }


def test_one_set_of_a_folder_can_be_named(library: Path) -> None:
    (row,) = rows(f"{library}/llm#safetensors:fp16")
    assert (row["set"], row["precision"]) == ("safetensors:fp16", "fp16")


def test_a_malformed_file_is_an_answer(library: Path) -> None:
    code, out, _ = run("--json", library / "loras/cut.safetensors")
    (finding,) = json.loads(out)["findings"]
    assert (code, finding["code"]) == (0, "truncated")
    assert finding["sentence"].startswith("The header promises")


def test_a_person_gets_sentences_that_cannot_lie(library: Path) -> None:
    code, out, err = run(library / "loras")
    assert (code, err) == (0, "")
    assert "LoRA · SD 1.x · fp32 · 5.63 K parameters · 3 tensors" in out
    assert "named My \\x1b[31mstyle" in out
    assert "malformed · safetensors" in out
    assert "! The header promises" in out
    assert "\x1b" not in out


def test_a_person_can_have_the_tensors(library: Path) -> None:
    out = run("--tensors", library / "loras/style.safetensors")[1]
    assert "F32                       4 x 768  lora_unet_down_blocks" in out


def test_what_is_not_there_or_holds_no_model_could_not_be_done(tmp_path: Path) -> None:
    code, out, err = run(tmp_path / "missing")
    assert (code, out) == (2, "")
    assert "There is nothing at" in err
    code, out, err = run(tmp_path)
    assert (code, out) == (2, "")
    assert "holds no model" in err


def test_one_bad_path_does_not_keep_the_others_from_their_answer(library: Path) -> None:
    code, out, err = run("--json", library / "missing", library / "loras/style.safetensors")
    assert code == 2
    assert len(out.splitlines()) == 1
    assert "nothing at" in err


def test_a_pipe_is_not_opened(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "model.safetensors")
    for place in (tmp_path / "model.safetensors", tmp_path):
        code, out, _ = run("--json", place)
        row = json.loads(out)
        assert (code, row["outcome"], row["findings"][0]["code"]) == (2, "unreadable", "not_a_file")


def test_a_name_that_is_no_text_can_be_probed(tmp_path: Path) -> None:
    path = os.fsencode(tmp_path) + b"/\xff.safetensors"
    Path(os.fsdecode(path)).write_bytes(LORA)
    (row,) = rows(os.fsdecode(path))
    assert (row["outcome"], row["path"]) == ("ok", f"{tmp_path}/\\xff.safetensors")


def test_neither_database_nor_broker_is_asked(library: Path) -> None:
    nowhere = {"DATABASE_URL": "postgres://nobody@127.0.0.1:1/none", "BROKER_URL": "redis://127.0.0.1:1/0"}
    done = subprocess.run(
        [sys.executable, "manage.py", "probe", "--json", str(library)],
        cwd=ROOT,
        env={**os.environ, **nowhere},
        capture_output=True,
        text=True,
        check=True,
        timeout=60,
    )
    assert len(done.stdout.splitlines()) == 4
    assert done.stderr == ""


def test_an_onnx_file_is_probed_with_the_data_beside_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    content, data = onnx_with_data({"w": np.ones((4, 4), np.float32)}, "model.onnx_data")
    write_tree(tmp_path, {"model.onnx": content, "model.onnx_data": data})
    whole = rows(tmp_path)
    monkeypatch.chdir(tmp_path)
    (alone,) = rows("model.onnx")
    assert (alone["outcome"], alone["set"], alone["size"]) == ("ok", "onnx", len(content) + len(data))
    assert [row["tensors"] for row in whole] == [alone["tensors"]]
    assert "model.onnx_data" in str(alone["tensors"])
    (tmp_path / "model.onnx_data").unlink()
    assert "not among the files" in str(rows("model.onnx")[0]["findings"])


def test_an_onnx_file_in_a_cache_of_links_is_probed_with_its_data(tmp_path: Path) -> None:
    content, data = onnx_with_data({"w": np.ones((4, 4), np.float32)}, "model.onnx_data")
    write_tree(tmp_path, {"blobs/1": content, "blobs/2": data, "snapshots/a/config.json": b"{}"})
    (tmp_path / "snapshots/a/model.onnx").symlink_to("../../blobs/1")
    (tmp_path / "snapshots/a/model.onnx_data").symlink_to("../../blobs/2")
    assert rows(tmp_path / "snapshots/a/model.onnx")[0]["outcome"] == "ok"
