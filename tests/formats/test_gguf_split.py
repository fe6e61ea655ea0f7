"""Split GGUF models: what the parts state beside what their names say."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest

from catalog.formats import probe_file, probe_set
from catalog.vocabulary import FindingCode, Format, Outcome
from tests.builders import MemorySource, Value, gguf, set_source

if TYPE_CHECKING:
    from catalog.formats import Probe


def part(number: int, count: int, tensors: int = 3) -> bytes:
    """One part with one tensor of its own; `number` is from 0, as the format has it."""
    split: dict[str, Value] = {"split.no": number, "split.count": count, "split.tensors.count": tensors}
    return gguf({f"blk.{number}.weight": np.zeros(4, np.float32)}, split)


def parts() -> dict[str, bytes]:
    """All three parts under their right names."""
    return {f"m-{number + 1:05}-of-00003.gguf": part(number, 3) for number in range(3)}


def probe(files: dict[str, bytes]) -> Probe:
    return probe_set(set_source(files))


def sentence(files: dict[str, bytes]) -> str:
    found = probe(files)
    assert found.outcome is Outcome.INVALID
    assert found.tensors, "what is there is listed all the same"
    return " ".join(problem.sentence for problem in found.problems)


def test_the_parts_are_one_model_with_all_tensors() -> None:
    found = probe(parts())
    assert (found.format, found.outcome, len(found.tensors)) == (Format.GGUF, Outcome.OK, 3)
    assert [tensor.file for tensor in found.tensors] == [0, 1, 2]


def test_a_missing_part_is_named_and_the_sum_not_held_against_the_rest() -> None:
    files = parts()
    del files["m-00002-of-00003.gguf"]
    found = probe(files)
    assert [problem.code for problem in found.problems] == [FindingCode.MISSING_SHARD]
    assert found.problems[0].params["shard"] == "m-00002-of-00003.gguf"


def test_two_parts_whose_names_were_exchanged_are_told() -> None:
    files = parts()
    first, second = "m-00001-of-00003.gguf", "m-00002-of-00003.gguf"
    files[first], files[second] = files[second], files[first]
    told = sentence(files)
    assert f"{first}: Part 2, under the name of another" in told
    assert f"{second}: Part 1, under the name of another" in told


def test_a_part_of_another_count_is_told() -> None:
    files = {**parts(), "m-00003-of-00003.gguf": part(2, 5)}
    assert "A part of 5, named as one of 3" in sentence(files)


def test_a_sum_that_differs_is_told() -> None:
    files = {name: part(number, 3, 7) for number, name in enumerate(parts())}
    assert "3 tensors in all parts, where 7 are promised" in sentence(files)


@pytest.mark.parametrize("name", [b"model.gguf", b"folder/best.GGUF"])
def test_a_lone_part_under_another_name_is_told(name: bytes) -> None:
    found = probe_file(MemorySource(part(1, 3), name))
    assert (found.outcome, len(found.tensors)) == (Outcome.INVALID, 1)
    assert found.problems[0].sentence.startswith("Part 2 of 3 of a split model, under a name that does not say so")


@pytest.mark.parametrize("name", [b"m-00002-of-00003.gguf", b"sha256-0011", b"blobs/abc"])
def test_a_part_by_itself_is_sound_where_its_name_says_enough_or_nothing(name: bytes) -> None:
    assert probe_file(MemorySource(part(1, 3), name)).outcome is Outcome.OK


@pytest.mark.parametrize(
    "split", [{"split.count": 0}, {"split.count": 1}, {"split.count": "3"}, {"split.count": True}, {}]
)
def test_a_model_that_is_whole_again_is_sound(split: dict[str, Value]) -> None:
    content = gguf({"a": np.zeros(4, np.float32)}, split)
    assert probe_file(MemorySource(content, b"m.gguf")).outcome is Outcome.OK


def test_parts_that_state_nothing_are_taken_by_their_names() -> None:
    files = {name: gguf({f"{name}.weight": np.zeros(4, np.float32)}, {}) for name in parts()}
    assert probe(files).outcome is Outcome.OK
