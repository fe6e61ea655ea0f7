"""`hash` says the digests of files and folders in one read, and whether they are the ones expected."""

from __future__ import annotations

import hashlib
import os
import subprocess
import sys
import zlib
from pathlib import Path

import pytest
from blake3 import blake3

from tests.builders import safetensors, sharded, weights, write_tree
from tests.builders.onnx_files import onnx, onnx_with_data
from tests.commands.running import run

CONTENT = b"model data"  # InvokeAI tests/test_model_hash.py
BLAKE3 = "ce3f0c5f3c05d119f4a5dcaf209b50d3149046a0d3a9adee9fed4c83cad6b4d0"
SHA256 = hashlib.sha256(CONTENT).hexdigest()
ROOT = Path(__file__).parents[2]


@pytest.fixture
def model(tmp_path: Path) -> Path:
    (tmp_path / "model.bin").write_bytes(CONTENT)
    return tmp_path / "model.bin"


@pytest.fixture
def llm(tmp_path: Path) -> Path:
    tensors = weights({f"model.layers.{number}.weight": (4, 8) for number in range(4)}, 1)
    return write_tree(tmp_path / "llm", {"config.json": b'{"model_type":"llama"}', **sharded(tensors, 2)})


def test_a_program_gets_every_digest_by_its_name(model: Path) -> None:
    (row,) = run("hash", "--json", model).rows

    assert {key: row[key] for key in ("path", "set", "size", "sha256", "blake3", "bytes_read")} == {
        "path": str(model),
        "set": "",
        "size": len(CONTENT),
        "sha256": SHA256,
        "blake3": BLAKE3,
        "bytes_read": len(CONTENT),
    }
    assert row["crc32"] == f"{zlib.crc32(CONTENT):08x}"
    assert isinstance(row["seconds"], float)


def test_a_person_gets_them_with_labels_and_the_short_form_of_civitai(model: Path) -> None:
    ran = run("hash", model)

    assert f"SHA-256                    {SHA256}" in ran.out
    assert f"AutoV2                     {SHA256[:10]}\n" in ran.out
    assert ran.err == ""


def test_only_what_is_asked_for_is_computed(model: Path) -> None:
    (row,) = run("hash", "--json", "--algorithm", "md5,autov2", model).rows

    assert row["md5"] == "a0cd925fc063f98dbf029eee315060c3"  # InvokeAI tests/test_model_hash.py
    assert row["sha256"] == SHA256
    assert "blake3" not in row


def test_tensor_digests_are_computed_when_asked_for(tmp_path: Path) -> None:
    tensors = weights({"a": (8, 8)}, 1)
    for name, metadata in (("plain", {}), ("named", {"modelspec.title": "x"})):
        (tmp_path / name).write_bytes(safetensors(tensors, metadata))

    plain, named = run(
        "hash", "--json", "--algorithm", "tensors:v1,blake3", tmp_path / "plain", tmp_path / "named"
    ).rows

    assert plain["tensors:v1"] == named["tensors:v1"]
    assert plain["blake3"] != named["blake3"]


def test_tensors_in_a_file_beside_another_are_digested_as_in_one_file(tmp_path: Path) -> None:
    tensors = weights({"a": (8, 8), "b": (3,)}, 1)
    content, data = onnx_with_data(tensors, "model.onnx_data")
    write_tree(tmp_path / "two", {"model.onnx": content, "model.onnx_data": data})
    write_tree(tmp_path / "one", {"model.onnx": onnx(tensors)})

    one, two = run("hash", "--json", "--algorithm", "tensors:v1", tmp_path / "one", tmp_path / "two").rows
    assert one["tensors:v1"] == two["tensors:v1"]

    (tmp_path / "two/model.onnx_data").unlink()
    (alone,) = run("hash", "--json", "--algorithm", "tensors:v1", tmp_path / "two").rows
    assert "tensors:v1" not in alone


def test_an_algorithm_that_is_none_is_refused(model: Path) -> None:
    ran = run("hash", "--algorithm", "sha257", model)

    assert (ran.code, ran.out) == (2, "")
    assert "'sha257' is not a digest" in ran.err


@pytest.mark.parametrize(
    "digest",
    [f"sha256:{SHA256}", f"SHA256:{SHA256.upper()}", f"autov2:{SHA256[:10]}", f"blake3:{BLAKE3}", "crc32:D2F77E2A"],
)
def test_the_expected_digest_is_recognised_in_any_notation(tmp_path: Path, digest: str) -> None:
    (tmp_path / "model").write_bytes(CONTENT)
    swapped = zlib.crc32(CONTENT).to_bytes(4, "little").hex()

    ran = run("hash", "--expect", f"crc32:{swapped}" if digest.startswith("crc32") else digest, tmp_path / "model")

    assert (ran.code, ran.err) == (0, "")


def test_another_digest_than_expected_says_no(model: Path) -> None:
    ran = run("hash", "--expect", "sha256:" + "0" * 64, model)

    assert ran.code == 1
    assert "is not the one expected" in ran.err


def test_an_expectation_without_its_algorithm_is_refused(model: Path) -> None:
    assert run("hash", "--expect", SHA256, model).code == 2


def test_a_folder_gives_a_line_for_each_set_with_its_files(llm: Path) -> None:
    (row,) = run("hash", "--json", llm).rows

    names = sorted(path.name for path in llm.iterdir())
    files = row["files"]
    assert isinstance(files, list)
    assert (row["path"], row["set"]) == (str(llm), "safetensors")
    assert [file["path"] for file in files] == names
    assert [file["blake3"] for file in files] == [blake3((llm / name).read_bytes()).hexdigest() for name in names]
    parts = [
        len(name).to_bytes(8, "little") + name.encode() + blake3((llm / name).read_bytes()).digest() for name in names
    ]
    assert row["folder:v1"] == blake3(b"isotope/folder/v1\0" + b"".join(parts)).hexdigest()
    assert row["bytes_read"] == row["size"]


def test_the_digest_of_a_folder_is_the_one_that_invokeai_gives(tmp_path: Path) -> None:
    """The five files of its own test, made a model by a configuration that does not count."""
    files = {f"{number}.bin": b"data" for number in range(5)}
    write_tree(tmp_path / "set", {"config.json": b'{"model_type":"bert"}', "pytorch_model.bin": b"data"})
    write_tree(tmp_path / "set", files)

    rows = run("hash", "--json", tmp_path / "set").rows

    (of_set,) = [row for row in rows if row["set"]]
    digests = [blake3(b"data").hexdigest()] * 6
    assert of_set["invoke-dir:blake3"] == blake3("".join(digests).encode()).hexdigest()


def test_an_invokeai_digest_of_a_folder_can_be_expected(llm: Path) -> None:
    (row,) = run("hash", "--json", llm).rows

    assert run("hash", "--expect", f"blake3:{row['invoke-dir:blake3']}", llm).code == 0


def test_what_is_not_there_does_not_keep_the_rest_from_its_answer(model: Path) -> None:
    ran = run("hash", "--json", model.parent / "nothing", model)

    assert ran.code == 2
    assert "There is nothing at" in ran.err
    assert [row["sha256"] for row in ran.rows] == [SHA256]


def test_a_named_pipe_is_not_opened(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")

    ran = run("hash", tmp_path / "pipe")

    assert ran.code == 2
    assert "named pipe" in ran.err


def test_it_needs_no_server(model: Path) -> None:
    nowhere = {"DATABASE_URL": "postgresql://127.0.0.1:1/no", "BROKER_URL": "redis://127.0.0.1:1/0"}

    done = subprocess.run(
        [sys.executable, "manage.py", "hash", "--json", str(model)],
        cwd=ROOT, env=os.environ | nowhere, capture_output=True, text=True, check=False,
    )  # fmt: skip

    assert (done.returncode, done.stderr) == (0, "")
    assert SHA256 in done.stdout
