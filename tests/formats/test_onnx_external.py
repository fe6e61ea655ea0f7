"""External data of ONNX: what is followed, what is not, and which files go together."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import numpy as np
import onnx as oracle
import pytest

from catalog.formats import SetMember, SetSource, onnx, probe_file, probe_set
from catalog.formats.sets import FileSet, group, printed
from catalog.storage.root import Root
from catalog.storage.walk import WalkRules, walk
from catalog.vocabulary import FileRole, FindingCode, Format, Outcome
from tests.builders import MemorySource, Tensors, write_tree
from tests.builders.folders import probe_tree
from tests.builders.onnx_files import graph, model, node, number, onnx_with_data, outside, part, tensor
from tests.builders.onnx_files import onnx as write

if TYPE_CHECKING:
    from pathlib import Path

    from catalog.formats import Probe

MATRIX = np.arange(6, dtype=np.float32).reshape(2, 3)
VECTOR = np.arange(5, dtype=np.int64)
TENSORS: Tensors = {"w": MATRIX, "v": VECTOR}
MODEL, DATA = onnx_with_data(TENSORS, "model.onnx_data")


def probed(content: bytes, **data: bytes) -> Probe:
    """The file with the files beside it, `_` in their names for a dot."""
    beside = [SetMember(name.encode(), FileRole.DATA, MemorySource(held, name.encode())) for name, held in data.items()]
    return probe_file(MemorySource(content, b"model.onnx"), beside)


def noted(**notes: str) -> bytes:
    """A file whose one tensor has these notes, MATRIX in `data`."""
    return model(graph(outside("w", MATRIX, {"location": "data", **notes})))


def codes(probe: Probe) -> list[FindingCode]:
    assert all(problem.sentence for problem in probe.problems)
    return [problem.code for problem in probe.problems]


def sets(folder: Path, rules: WalkRules | None = None) -> dict[str, FileSet]:
    with Root(os.fsencode(folder)) as root:
        walked = walk(root, rules)
        return {printed(one.path, one.set): one for one in group(walked.entries, walked.twins)}


def files(one: FileSet) -> dict[bytes, FileRole]:
    return {file.name: file.role for file in one.files}


def test_tensors_lie_in_the_data_file() -> None:
    probe = probe_file(
        MemorySource(MODEL, b"model.onnx"), [SetMember(b"model.onnx_data", FileRole.DATA, MemorySource(DATA))]
    )
    assert probe.outcome is Outcome.OK
    found = {one.name: (one.file, DATA[one.offset : one.offset + one.nbytes]) for one in probe.tensors}
    assert found == {"w": (1, MATRIX.tobytes()), "v": (1, VECTOR.tobytes())}


def test_our_own_writer_writes_what_onnx_follows(tmp_path: Path) -> None:
    write_tree(tmp_path, {"model.onnx": MODEL, "model.onnx_data": DATA})
    made = oracle.load_model(tmp_path / "model.onnx")
    assert oracle.numpy_helper.to_array(made.graph.initializer[0]).tolist() == MATRIX.tolist()


def test_what_onnx_saves_beside_a_model_is_found(tmp_path: Path) -> None:
    made = oracle.load_model_from_string(write(TENSORS))
    oracle.save_model(
        made, tmp_path / "net.onnx", save_as_external_data=True, location="net.onnx.data", size_threshold=0
    )
    found = probe_tree(tmp_path)["net.onnx#onnx"]
    assert (found.probe.outcome, found.files) == (Outcome.OK, (b"net.onnx", b"net.onnx.data"))
    held = (tmp_path / "net.onnx.data").read_bytes()
    values = {one.name: held[one.offset : one.offset + one.nbytes] for one in found.probe.tensors}
    assert values == {"w": MATRIX.tobytes(), "v": VECTOR.tobytes()}
    assert {one.file for one in found.probe.tensors} == {1}


def test_data_that_is_not_there_is_named_and_its_tensors_left_out() -> None:
    content = model(graph(tensor("here", MATRIX), outside("w", MATRIX, {"location": "model.onnx_data"})))
    probe = probe_file(MemorySource(content, b"model.onnx"))
    assert (probe.outcome, codes(probe)) == (Outcome.INVALID, [FindingCode.EXTERNAL_DATA_MISSING])
    assert probe.problems[0].params["name"] == "model.onnx_data"
    assert [one.name for one in probe.tensors] == ["here"]


def test_only_so_many_missing_files_are_named() -> None:
    content = model(graph(*(outside(str(count), MATRIX, {"location": f"w{count}"}) for count in range(500))))
    assert len(codes(probed(content))) == 10


@pytest.mark.parametrize(
    "location",
    [
        "../data",
        "..",
        "a/../../data",
        "./../data",
        "/etc/passwd",
        "~/data",
        "C:\\data",
        "C:data",
        "..\\data",
        "a\\data",
        "\\\\host\\share",
        "http://example.org/data",
        "file:///etc/passwd",
        "da\0ta",
        "data\n",
        "*/_ORT_MEM_ADDR_/*",
    ],
)
def test_data_elsewhere_is_not_followed_and_tensors_are_withheld(location: str) -> None:
    inline = tensor("here", MATRIX)
    content = model(graph(inline, outside("w", MATRIX, {"location": location})))
    probe = probed(content, data=MATRIX.tobytes())
    assert (probe.outcome, codes(probe)) == (Outcome.UNSAFE, [FindingCode.REACHES_OUTSIDE])
    assert probe.tensors == ()
    assert "\0" not in str(probe.problems[0].params)


def test_data_elsewhere_is_noticed_in_every_tensor() -> None:
    hidden = part(5, part(1, "value"), part(5, outside("", MATRIX, {"location": "../x"})), number(20, 4))
    assert probed(model(graph(nodes=node("ConstantOfShape", hidden, output="c")))).outcome is Outcome.UNSAFE


@pytest.mark.parametrize("location", ["sub/data", "./sub/data", "Data", "data ", "%2e%2e/data"])
def test_a_name_is_compared_and_never_opened(location: str) -> None:
    probe = probed(noted(location=location), data=MATRIX.tobytes())
    assert codes(probe) == [FindingCode.EXTERNAL_DATA_MISSING]


@pytest.mark.parametrize(
    "notes",
    [
        {},
        {"offset": "0", "length": "24"},
        {"offset": "00", "checksum": "0" * 40},
        {"basepath": "", "prepacked_0": "x|0;24;0"},
        {"location": "./data"},
    ],
)
def test_notes_that_fit_are_followed(notes: dict[str, str]) -> None:
    (found,) = probed(noted(**notes), data=MATRIX.tobytes()).tensors
    assert (found.offset, found.nbytes, found.file) == (0, 24, 1)


@pytest.mark.parametrize(
    "notes",
    [
        {"offset": "-1"},
        {"offset": ""},
        {"length": ""},
        {"offset": "1"},  # beyond the end by a byte
        {"offset": "9" * 18},
        {"offset": "9" * 30},
        {"offset": "0x0"},
        {"offset": " 0"},
        {"offset": "1_0"},
        {"offset": "\u0661"},
        {"length": "-24"},
        {"length": "23"},
        {"length": "25"},
        {"length": "9" * 18},
        {"length": "all"},
        {"colour": "blue"},
        {"location": ""},
    ],
)
def test_notes_that_do_not_fit_are_refused(notes: dict[str, str]) -> None:
    probe = probed(noted(**notes), data=MATRIX.tobytes())
    assert (probe.outcome, probe.tensors) == (Outcome.INVALID, ())
    assert codes(probe)[0] in {FindingCode.MALFORMED, FindingCode.TRUNCATED}


def test_a_data_file_that_is_cut_off_is_named() -> None:
    source = SetSource(
        (
            SetMember(b"model.onnx", FileRole.WEIGHTS, MemorySource(MODEL, b"model.onnx")),
            SetMember(b"model.onnx_data", FileRole.DATA, MemorySource(DATA[:50], b"model.onnx_data")),
        )
    )
    probe = probe_set(source)
    assert (probe.outcome, codes(probe)) == (Outcome.INVALID, [FindingCode.TRUNCATED])
    assert probe.problems[0].params["file"] == "model.onnx_data"


def test_values_here_and_elsewhere_are_refused() -> None:
    both = outside("w", MATRIX, {"location": "data"}) + part(9, MATRIX.tobytes())
    assert codes(probed(model(graph(both)), data=MATRIX.tobytes())) == [FindingCode.MALFORMED]


def test_tensors_may_share_their_bytes() -> None:
    shared = [outside(name, MATRIX, {"location": "data"}) for name in ("a", "b")]
    assert len(probed(model(graph(*shared)), data=MATRIX.tobytes()).tensors) == 2


@pytest.mark.parametrize(
    ("name", "data"),
    [
        ("model.onnx", "model.onnx_data"),
        ("net.onnx", "net.onnx.data"),
        ("net.onnx", "net.onnx_data_1"),
        ("net.onnx", "net.data"),
        ("model.onnx", "weights.pb"),
    ],
)
def test_a_file_and_its_data_are_one_set(tmp_path: Path, name: str, data: str) -> None:
    content, held = onnx_with_data(TENSORS, data)
    write_tree(tmp_path, {name: content, data: held})
    found = sets(tmp_path)
    assert list(found) == [f"{name}#onnx"]
    assert files(found[f"{name}#onnx"]) == {name.encode(): FileRole.WEIGHTS, data.encode(): FileRole.DATA}
    assert found[f"{name}#onnx"].size == len(content) + len(held)
    assert probe_tree(tmp_path)[f"{name}#onnx"].probe.outcome is Outcome.OK


def test_several_data_files_are_one_set_and_other_models_their_own(tmp_path: Path) -> None:
    names = ["a.onnx", "a.onnx_data", "a.onnx_data_1", "b.onnx", "b.onnx.data", "c.onnx", "weights.pb"]
    write_tree(tmp_path, dict.fromkeys(names, b"x"))
    found = sets(tmp_path)
    assert list(found) == ["a.onnx#onnx", "b.onnx#onnx", "c.onnx", "weights.pb"]
    assert len(found["a.onnx#onnx"].files) == 3


def test_data_without_its_file_is_passed_by(tmp_path: Path) -> None:
    write_tree(tmp_path, dict.fromkeys(["a.onnx_data", "b.onnx.data", "c.data", "sub/d.onnx", "d.onnx_data"], b"x"))
    assert list(sets(tmp_path)) == ["sub/d.onnx"]


def test_a_library_of_one_file_takes_its_data(tmp_path: Path) -> None:
    write_tree(tmp_path, dict.fromkeys(["a.onnx", "a.onnx_data", "b.onnx"], b"x"))
    assert list(sets(tmp_path, WalkRules(only=b"a.onnx"))) == ["a.onnx#onnx"]


def test_a_pipeline_takes_the_data_of_its_parts(tmp_path: Path) -> None:
    content, held = onnx_with_data(TENSORS, "weights.pb")
    tree = {"model_index.json": b"{}", "unet/model.onnx": content, "unet/weights.pb": held}
    write_tree(tmp_path, {**tree, "vae/model.onnx": write({"k": MATRIX})})
    found = probe_tree(tmp_path)[".#onnx"]
    assert (found.probe.outcome, found.probe.format) == (Outcome.OK, Format.DIFFUSERS)
    placed = {one.name: found.files[one.file] for one in found.probe.tensors}
    assert placed == {"unet/v": b"unet/weights.pb", "unet/w": b"unet/weights.pb", "vae/k": b"vae/model.onnx"}


def test_a_folder_with_a_configuration_takes_the_data(tmp_path: Path) -> None:
    write_tree(tmp_path, {"config.json": b"{}", "model.onnx": MODEL, "model.onnx_data": DATA})
    found = probe_tree(tmp_path)[".#onnx"]
    assert (found.probe.outcome, len(found.files)) == (Outcome.OK, 3)


def test_a_cache_of_links_is_followed_within_the_library(tmp_path: Path) -> None:
    repository = tmp_path / "models--a--b"
    write_tree(repository, {"blobs/1": MODEL, "blobs/2": DATA})
    snapshot = repository / "snapshots/c"
    snapshot.mkdir(parents=True)
    (snapshot / "model.onnx").symlink_to("../../blobs/1")
    (snapshot / "model.onnx_data").symlink_to("../../blobs/2")
    found = probe_tree(tmp_path)
    assert list(found) == ["models--a--b/snapshots/c/model.onnx#onnx"]
    assert [one.probe.outcome for one in found.values()] == [Outcome.OK]


def test_data_by_a_link_out_of_the_library_is_not_followed(tmp_path: Path) -> None:
    write_tree(tmp_path, {"library/model.onnx": MODEL, "secret": DATA})
    (tmp_path / "library/model.onnx_data").symlink_to("../secret")
    found = probe_tree(tmp_path / "library")["model.onnx"]
    assert codes(found.probe) == [FindingCode.EXTERNAL_DATA_MISSING]


def test_reading_never_asks_for_data_that_was_not_handed_in() -> None:
    assert onnx.read(MemorySource(MODEL, b"model.onnx")).outcome is Outcome.INVALID
