"""Sets of weight files that are pickles: sharded, and no sounder than the worst of them."""

from __future__ import annotations

import json

import numpy as np

from catalog.formats import Probe, probe_set
from catalog.vocabulary import FindingCode, Format, Outcome
from tests.builders import set_source
from tests.builders.pickles import Call, Global, torch_zip

NAMES = [f"pytorch_model-0000{number}-of-00002.bin" for number in (1, 2)]
FIRST, SECOND = {"a.w": np.ones((2, 3), np.float32)}, {"b.w": np.ones(4, np.float32)}


def probe(*shards: object) -> Probe:
    where = {"a.w": NAMES[0], "b.w": NAMES[1]}
    index = json.dumps({"metadata": {"total_size": 40}, "weight_map": where}).encode()
    files = {"config.json": b'{"model_type":"bert"}', "pytorch_model.bin.index.json": index}
    named = {name: torch_zip(value) for name, value in zip(NAMES, shards, strict=False)}
    return probe_set(set_source({**files, **named}))


def test_shards_are_read_together() -> None:
    found = probe(FIRST, SECOND)
    assert (found.format, found.outcome, found.problems) == (Format.TRANSFORMERS, Outcome.OK, ())
    assert [(tensor.name, tensor.shape) for tensor in found.tensors] == [("a.w", (2, 3)), ("b.w", (4,))]


def test_foreign_objects_in_one_shard_are_told_with_its_name() -> None:
    found = probe(FIRST, {**SECOND, "x": Global("my.module", "Thing")})
    assert (found.outcome, len(found.tensors)) == (Outcome.SUSPICIOUS, 2)
    assert found.problems[0].params == {"file": NAMES[1], "names": "my.module.Thing"}


def test_an_unsafe_shard_withholds_the_tensors_of_all() -> None:
    found = probe({"a.w": Call(Global("os", "system"), ("true",))}, SECOND)
    assert (found.outcome, found.tensors) == (Outcome.UNSAFE, ())


def test_an_unsafe_shard_is_worse_than_a_missing_one() -> None:
    found = probe({"a.w": Call(Global("os", "system"), ("true",))})
    assert (found.outcome, found.tensors) == (Outcome.UNSAFE, ())
    assert {problem.code for problem in found.problems} == {FindingCode.UNSAFE, FindingCode.MISSING_SHARD}
