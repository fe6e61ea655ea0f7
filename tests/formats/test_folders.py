"""Sets: shards, pipelines and configurations together, and what is missing of them."""

from __future__ import annotations

import json

import numpy as np
import pytest

from catalog.formats import Probe, folders, probe_file, probe_set
from catalog.vocabulary import FindingCode, Format, Outcome
from tests.builders import MemorySource, Tensors, gguf, safetensors, set_source, sharded, weights

TENSORS = weights({f"model.layers.{number}.weight": (4, 8) for number in range(7)}, 1)
CONFIG = json.dumps({"model_type": "llama", "architectures": ["LlamaForCausalLM"]}).encode()


def told(probe: Probe) -> list[tuple[str, str, tuple[int, ...]]]:
    return [(tensor.name, tensor.dtype, tensor.shape) for tensor in probe.tensors]


def part(*names: str) -> bytes:
    return safetensors(weights(dict.fromkeys(names, (2, 2)), 2))


def test_shards_and_one_file_and_a_loose_file_read_the_same() -> None:
    one = probe_set(set_source({"config.json": CONFIG, "model.safetensors": safetensors(TENSORS)}))
    many = probe_set(set_source({"config.json": CONFIG, **sharded(TENSORS, 3)}))
    loose = probe_file(MemorySource(safetensors(TENSORS)))
    assert told(one) == told(many) == told(loose)
    assert one.format is many.format is Format.TRANSFORMERS
    assert one.outcome is many.outcome is Outcome.OK


def test_a_tensor_says_which_file_of_the_set_holds_it() -> None:
    files = {"config.json": CONFIG, **sharded(TENSORS, 3)}
    source = set_source(files)
    for tensor in probe_set(source).tensors:
        member = source.files[tensor.file]
        raw = member.source.read_at(tensor.offset, tensor.nbytes)
        assert raw == TENSORS[tensor.name].tobytes()


def test_a_missing_shard_is_named_and_the_rest_still_listed() -> None:
    files = {"config.json": CONFIG, **sharded(TENSORS, 3)}
    del files["model-00002-of-00003.safetensors"]
    probe = probe_set(set_source(files))
    assert probe.outcome is Outcome.INVALID
    assert [dict(problem.params) for problem in probe.problems] == [{"shard": "model-00002-of-00003.safetensors"}]
    assert 0 < len(probe.tensors) < len(TENSORS)


def test_a_missing_shard_is_told_from_the_names_where_there_is_no_index() -> None:
    files = {
        name: content for name, content in sharded(TENSORS, 3).items() if "00001" not in name and "index" not in name
    }
    probe = probe_set(set_source(files))
    assert (probe.format, probe.outcome) == (Format.SAFETENSORS, Outcome.INVALID)
    assert [problem.params["shard"] for problem in probe.problems] == ["model-00001-of-00003.safetensors"]


def test_shards_without_a_configuration_have_the_format_of_the_weights() -> None:
    probe = probe_set(set_source(sharded(TENSORS, 2)))
    assert (probe.format, probe.outcome) == (Format.SAFETENSORS, Outcome.OK)


def test_split_gguf_files_are_one_model() -> None:
    files = {
        "m-00001-of-00002.gguf": gguf({"a": np.zeros(4, np.float32)}, {"general.architecture": "llama"}),
        "m-00002-of-00002.gguf": gguf({"b": np.zeros(4, np.float32)}, {"split.no": 1}),
    }
    probe = probe_set(set_source(files))
    assert (probe.format, probe.outcome, [t.name for t in probe.tensors]) == (Format.GGUF, Outcome.OK, ["a", "b"])
    assert probe.metadata == {"__metadata__": {"general.architecture": "llama"}}


def test_the_parts_of_a_pipeline_keep_their_folders() -> None:
    files = {
        "model_index.json": b'{"_class_name":"StableDiffusionPipeline"}',
        "unet/config.json": b'{"_class_name":"UNet2DConditionModel"}',
        "unet/diffusion_pytorch_model.safetensors": part("conv_in.weight"),
        "vae/diffusion_pytorch_model.safetensors": part("conv_in.weight"),
        "scheduler/scheduler_config.json": b'{"prediction_type":"epsilon"}',
    }
    probe = probe_set(set_source(files))
    assert probe.format is Format.DIFFUSERS
    assert [t.name for t in probe.tensors] == ["unet/conv_in.weight", "vae/conv_in.weight"]
    assert probe.metadata["unet/config.json"] == {"_class_name": "UNet2DConditionModel"}
    assert probe.metadata["scheduler/scheduler_config.json"] == {"prediction_type": "epsilon"}


def test_the_index_of_a_part_speaks_of_its_own_folder() -> None:
    shards = {f"unet/{name}": content for name, content in sharded(TENSORS, 2, "diffusion_pytorch_model").items()}
    files: dict[str, bytes] = {"model_index.json": b"{}", **shards}
    assert probe_set(set_source(files)).outcome is Outcome.OK
    del files["unet/diffusion_pytorch_model-00002-of-00002.safetensors"]
    probe = probe_set(set_source(files))
    assert [problem.params["shard"] for problem in probe.problems] == [
        "unet/diffusion_pytorch_model-00002-of-00002.safetensors"
    ]


def test_a_lone_part_of_diffusers_is_told_by_its_configuration() -> None:
    files = {"config.json": b'{"_class_name":"AutoencoderKL"}', "diffusion_pytorch_model.safetensors": part("a")}
    assert probe_set(set_source(files)).format is Format.DIFFUSERS


def test_an_adapter_belongs_to_transformers() -> None:
    files = {"adapter_config.json": b'{"r":8}', "adapter_model.safetensors": part("a")}
    assert probe_set(set_source(files)).format is Format.TRANSFORMERS


def test_a_broken_weight_file_is_named_and_spoils_the_set() -> None:
    files = {"config.json": CONFIG, **sharded(TENSORS, 2)}
    name = "model-00002-of-00002.safetensors"
    files[name] = files[name][:-1]
    probe = probe_set(set_source(files))
    assert probe.outcome is Outcome.INVALID
    assert probe.problems[0].code is FindingCode.TRUNCATED
    assert probe.problems[0].sentence.startswith(f"{name}: ")
    assert probe.tensors


def test_weights_without_a_reader_make_the_set_unsupported() -> None:
    files = {"config.json": CONFIG, "pytorch_model.bin": bytes(range(1, 200))}
    probe = probe_set(set_source(files))
    assert (probe.format, probe.outcome) == (Format.TRANSFORMERS, Outcome.UNSUPPORTED)


def test_a_broken_configuration_is_a_problem_but_no_doubt_about_the_tensors() -> None:
    for content in (b"", b"{", b"[]", b'{"a":1,"a":2}', b"\xff", b"[" * 100_000, b"{" + b" " * 2_000_000 + b"}"):
        probe = probe_set(set_source({"config.json": content, "model.safetensors": safetensors(TENSORS)}))
        assert probe.outcome is Outcome.OK
        assert probe.problems[0].sentence.startswith("config.json: ")
        assert len(probe.tensors) == len(TENSORS)


def test_a_file_that_is_only_called_a_configuration_may_be_anything() -> None:
    for content in (b'[{"name":"NLI"}]', b"{"):
        files = {"config.json": CONFIG, "data_config.json": content, "model.safetensors": safetensors(TENSORS)}
        probe = probe_set(set_source(files))
        assert (probe.outcome, probe.problems) == (Outcome.OK, ())
        assert "data_config.json" not in probe.metadata


def test_a_configuration_is_fit_for_a_database() -> None:
    config = b'{"a":"\\u0000\\ud800","limit":Infinity,"n":[NaN,{"b\\u0000":true}]}'
    probe = probe_set(set_source({"config.json": config, "model.safetensors": safetensors(TENSORS)}))
    expected = {"a": "\u2400\ufffd", "limit": "inf", "n": ["nan", {"b\u2400": True}]}
    assert probe.metadata["config.json"] == expected


@pytest.mark.parametrize(
    "index",
    [
        b"{",
        b"{}",
        b'{"weight_map":{}}',
        b'{"weight_map":[]}',
        b'{"weight_map":{"a":1}}',
        b'{"weight_map":{"nowhere":"model-00001-of-00001.safetensors"}}',
        b'{"weight_map":{"a":"../../etc/passwd"}}',
        b'{"weight_map":{"a":"/etc/passwd"}}',
        b'{"weight_map":{"a":".."}}',
        b'{"weight_map":{"a":"sub\\\\file"}}',
        b'{"weight_map":' + b"[" * 30_000,
    ],
)
def test_an_index_that_cannot_be_trusted_spoils_the_set(index: bytes) -> None:
    files = {"model.safetensors.index.json": index, "model-00001-of-00001.safetensors": safetensors(TENSORS)}
    probe = probe_set(set_source(files))
    assert probe.outcome is Outcome.INVALID
    assert probe.problems[0].sentence.startswith("model.safetensors.index.json: ")
    assert len(probe.tensors) == len(TENSORS)


def test_a_tensor_that_is_not_in_the_shard_of_the_index_is_named() -> None:
    files = {"config.json": CONFIG, **sharded(TENSORS, 2)}
    index = json.loads(files["model.safetensors.index.json"])
    places = index["weight_map"]
    name = min(places)
    places[name] = next(shard for shard in places.values() if shard != places[name])
    files["model.safetensors.index.json"] = json.dumps(index).encode()
    probe = probe_set(set_source(files))
    assert probe.outcome is Outcome.INVALID
    assert [problem.params["what"] for problem in probe.problems] == [
        f"An index that places {name} in {places[name]}, which holds no such tensor"
    ]
    assert len(probe.tensors) == len(TENSORS)


def test_one_tensor_in_two_shards_spoils_the_set() -> None:
    files = {"m-00001-of-00002.safetensors": part("a", "b"), "m-00002-of-00002.safetensors": part("b", "c")}
    probe = probe_set(set_source(files))
    assert probe.outcome is Outcome.INVALID
    assert "two shards" in probe.problems[0].sentence


def test_a_set_without_weights_is_unsupported() -> None:
    assert probe_set(set_source({"config.json": CONFIG})).outcome is Outcome.UNSUPPORTED


def test_a_shard_that_cannot_be_text_is_still_named() -> None:
    tensors: Tensors = {"a": np.zeros(2, np.float32)}
    files = {
        "model.safetensors.index.json": b'{"weight_map":{"a":"\\ud800\\u0000"}}',
        "x.safetensors": safetensors(tensors),
    }
    assert probe_set(set_source(files)).problems[0].params["shard"] == "\ufffd\u2400"


def test_endless_sets_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(folders, "MAX_TENSORS", 3)
    probe = probe_set(set_source(sharded(TENSORS, 7)))
    assert (probe.outcome, probe.tensors) == (Outcome.INVALID, ())
    assert "More than 3 tensors" in probe.problems[0].sentence


def test_endless_configurations_are_not_read(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(folders, "MAX_CONFIGS", 100)
    configs = {f"{number}/config.json": b'{"a":"' + b"x" * 40 + b'"}' for number in range(4)}
    probe = probe_set(set_source({**configs, "model_index.json": b"{}", "unet/model.safetensors": part("a")}))
    assert [name for name in probe.metadata if name.endswith("/config.json")] == ["0/config.json", "1/config.json"]
    assert probe.outcome is Outcome.OK
