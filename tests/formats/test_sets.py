"""Files become models by their names: one set for each container and dtype, each weight in exactly one."""

from __future__ import annotations

from collections import Counter

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from catalog.formats.sets import FileSet, group, parse_printed, partition, printed
from catalog.storage.names import WEIGHTS, is_training_state, suffix_of
from catalog.storage.values import Entry, Snapshot
from catalog.vocabulary import FileRole, Format


def _entry(path: str, real: str | None = None) -> Entry:
    return Entry(path.encode(), Snapshot(1, 1, 10, 0, 0), real.encode() if real else None)


def _sets(*paths: str) -> dict[tuple[str, str], list[str]]:
    """(path, set) -> names of its files."""
    return {_key(one): _names(one) for one in group(map(_entry, paths))}


def _one(*paths: str) -> FileSet:
    (found,) = group(map(_entry, paths))
    return found


def _key(one: FileSet) -> tuple[str, str]:
    return one.path.decode(), one.set


def _names(one: FileSet) -> list[str]:
    return [file.name.decode() for file in one.files]


def test_a_loose_file_is_a_set_by_itself() -> None:
    one = _one("loras/a.safetensors")
    assert (one.path, one.set, one.single, one.format_hint) == (b"loras/a.safetensors", "", True, Format.SAFETENSORS)
    assert (one.folder, _names(one), one.size) == (b"loras", ["a.safetensors"], 10)


@pytest.mark.parametrize(
    ("name", "hint"),
    [("a.gguf", Format.GGUF), ("a.CKPT", Format.PICKLE), ("a.onnx", Format.ONNX), ("sha256-aa", Format.OTHER)],
)
def test_the_suffix_hints_at_the_format(name: str, hint: Format) -> None:
    assert _one(name).format_hint is hint


def test_a_transformers_folder_takes_its_configuration_and_tokenizer() -> None:
    kept = ["config.json", "generation_config.json", "merges.txt", "model.safetensors", "special_tokens_map.json"]
    kept += ["tokenizer.json", "tokenizer.model", "tokenizer_config.json", "vocab.json", "chat_template.jinja"]
    one = _one(*(f"llm/{name}" for name in kept))
    assert (one.path, one.set, one.format_hint) == (b"llm", "safetensors", Format.TRANSFORMERS)
    assert _names(one) == sorted(kept)
    roles = {file.name: file.role for file in one.files}
    assert roles[b"config.json"] is FileRole.CONFIG
    assert {roles[name] for name in (b"tokenizer_config.json", b"vocab.json", b"merges.txt")} == {FileRole.TOKENIZER}
    assert [file.name for file in one.weights] == [b"model.safetensors"]


def test_half_precision_and_other_containers_are_sets_of_their_own() -> None:
    names = [
        "config.json",
        "model.safetensors",
        "model.fp16.safetensors",
        "pytorch_model.bin",
        "pytorch_model.fp16.bin",
    ]
    assert _sets(*(f"m/{name}" for name in names)) == {
        ("m", "safetensors"): ["config.json", "model.safetensors"],
        ("m", "safetensors:fp16"): ["config.json", "model.fp16.safetensors"],
        ("m", "bin"): ["config.json", "pytorch_model.bin"],
        ("m", "bin:fp16"): ["config.json", "pytorch_model.fp16.bin"],
    }


def test_weights_of_other_names_stay_loose_in_a_folder_with_a_configuration() -> None:
    names = ["m/config.json", "m/model.safetensors", "m/consolidated.00.pth", "m/tf_model.h5", "m/model.gguf"]
    assert set(_sets(*names)) == {
        ("m", "safetensors"),
        ("m/consolidated.00.pth", ""),
        ("m/tf_model.h5", ""),
        ("m/model.gguf", ""),
    }


def test_without_a_configuration_the_same_name_is_a_loose_file() -> None:
    assert set(_sets("m/model.safetensors", "m/tokenizer.json")) == {("m/model.safetensors", "")}


def test_an_adapter_goes_with_its_own_configuration() -> None:
    one = _one("a/adapter_config.json", "a/adapter_model.safetensors")
    assert _names(one) == ["adapter_config.json", "adapter_model.safetensors"]


def test_a_second_stem_in_a_folder_is_loose_so_that_no_place_has_two_sets() -> None:
    found = _sets("m/config.json", "m/model.safetensors", "m/adapter_config.json", "m/adapter_model.safetensors")
    assert set(found) == {("m", "safetensors"), ("m/adapter_model.safetensors", "")}


def test_shards_and_their_own_index_are_one_set() -> None:
    shards = [f"m/model-0000{n}-of-00003.safetensors" for n in (1, 2, 3)]
    one = _one("m/config.json", "m/model.safetensors.index.json", "m/pytorch_model.bin.index.json", *shards)
    assert _names(one) == [
        "config.json",
        "model-00001-of-00003.safetensors",
        "model-00002-of-00003.safetensors",
        "model-00003-of-00003.safetensors",
        "model.safetensors.index.json",
    ]
    assert (one.path, one.set, one.missing) == (b"m", "safetensors", ())
    assert one.files[-1].role is FileRole.INDEX


@pytest.mark.parametrize(
    ("shard", "index"),
    [
        ("model.fp16-00001-of-00001.safetensors", "model.safetensors.index.fp16.json"),
        ("model-00001-of-00001.fp16.safetensors", "model.safetensors.index.fp16.json"),
        ("model.fp16-00001-of-00001.safetensors", "model.fp16.safetensors.index.json"),
    ],
)
def test_every_way_to_write_the_dtype_of_shards_is_known(shard: str, index: str) -> None:
    one = _one("m/config.json", f"m/{shard}", f"m/{index}", "m/model.safetensors.index.json")
    assert one.set == "safetensors:fp16"
    assert sorted(_names(one)) == sorted(["config.json", shard, index])


def test_missing_shards_are_named() -> None:
    one = _one("m/config.json", "m/model-00002-of-00004.safetensors", "m/model-00004-of-00004.safetensors")
    assert one.missing == (b"model-00001-of-00004.safetensors", b"model-00003-of-00004.safetensors")


def test_a_name_that_claims_a_million_shards_costs_little() -> None:
    assert len(_one("m-000001-of-999999.safetensors").missing) == 100


def test_loose_shards_lie_where_their_first_one_lies_even_if_it_is_missing() -> None:
    whole = _one("big-00001-of-00002.gguf", "big-00002-of-00002.gguf")
    assert (whole.path, whole.set, whole.format_hint) == (b"big-00001-of-00002.gguf", "gguf", Format.GGUF)
    half = _one("d/big-00002-of-00002.gguf")
    assert (half.path, half.missing) == (b"d/big-00001-of-00002.gguf", (b"big-00001-of-00002.gguf",))


def test_loose_shards_take_their_own_index_only() -> None:
    names = ["x-00001-of-00002.safetensors", "x-00002-of-00002.safetensors"]
    one = _one(*names, "x.safetensors.index.json", "y.safetensors.index.json", "tokenizer.json")
    assert _names(one) == [*names, "x.safetensors.index.json"]


@pytest.mark.parametrize("name", ["a-00001-of-00001.gguf", "a-00009-of-00002.gguf", "a-0001-of-00002.gguf"])
def test_one_of_one_and_nonsense_are_loose_files(name: str) -> None:
    assert _one(name).single


def test_whole_file_and_shards_in_one_folder_are_two_places() -> None:
    shards = ["m/model-00001-of-00002.safetensors", "m/model-00002-of-00002.safetensors"]
    assert _sets("m/config.json", "m/model.safetensors", *shards) == {
        ("m", "safetensors"): ["config.json", "model.safetensors"],
        (shards[0], "safetensors"): [shard[2:] for shard in shards],
    }


PIPELINE = [
    "p/model_index.json",
    "p/scheduler/scheduler_config.json",
    "p/tokenizer/merges.txt",
    "p/tokenizer/vocab.json",
    "p/text_encoder/config.json",
    "p/unet/config.json",
    "p/vae/config.json",
]
COMMON = [name[2:] for name in PIPELINE]


def test_a_pipeline_is_one_set_for_each_dtype_and_its_components_are_none() -> None:
    weights = {
        suffix: [
            f"text_encoder/model{suffix}.safetensors",
            f"unet/diffusion_pytorch_model{suffix}.safetensors",
            f"vae/diffusion_pytorch_model{suffix}.safetensors",
        ]
        for suffix in ("", ".fp16")
    }
    paths = [f"p/{name}" for names in weights.values() for name in names]
    found = _sets(*PIPELINE, *paths, "p/single.safetensors")
    assert found == {
        ("p", "safetensors"): sorted([*COMMON, *weights[""]]),
        ("p", "safetensors:fp16"): sorted([*COMMON, *weights[".fp16"]]),
        ("p/single.safetensors", ""): ["single.safetensors"],
    }


def test_a_pipeline_hints_at_diffusers_and_so_does_one_component_alone() -> None:
    weights = "diffusion_pytorch_model.safetensors"
    assert _one(*PIPELINE, f"p/unet/{weights}").format_hint is Format.DIFFUSERS
    assert _one("vae/config.json", f"vae/{weights}").format_hint is Format.DIFFUSERS


def test_components_that_exist_in_one_container_only_complete_the_pipeline() -> None:
    names = ["p/unet/diffusion_pytorch_model.safetensors", "p/safety_checker/pytorch_model.bin"]
    assert set(_sets(*PIPELINE, *names)) == {("p", "safetensors")}
    twins = [*names, "p/unet/diffusion_pytorch_model.bin"]
    assert set(_sets(*PIPELINE, *twins)) == {("p", "safetensors"), ("p", "bin")}


def test_missing_shards_of_a_component_are_named_from_the_pipeline() -> None:
    one = _one(*PIPELINE, "p/unet/diffusion_pytorch_model-00001-of-00002.safetensors")
    assert one.missing == (b"unet/diffusion_pytorch_model-00002-of-00002.safetensors",)


def test_a_pipeline_reaches_one_folder_deep_only() -> None:
    found = _sets("model_index.json", "a/b/config.json", "a/b/model.safetensors")
    assert found == {("a/b", "safetensors"): ["config.json", "model.safetensors"]}


def test_a_pipeline_below_a_pipeline_is_its_own() -> None:
    found = _sets("p/model_index.json", "p/q/model_index.json", "p/q/vae/model.safetensors", "p/model.safetensors")
    assert set(found) == {("p", "safetensors"), ("p/q", "safetensors")}


def test_the_folder_of_the_library_itself_can_be_a_model() -> None:
    one = _one("config.json", "model.safetensors")
    assert (one.path, one.set) == (b"", "safetensors")
    assert printed(one.path, one.set) == ".#safetensors"


def test_the_state_of_a_training_is_in_no_set() -> None:
    names = ["optimizer.pt", "scheduler.pt", "rng_state_0.pth", "training_args.bin", "model.safetensors", "config.json"]
    assert _sets(*(f"c/{name}" for name in names)) == {("c", "safetensors"): ["config.json", "model.safetensors"]}


def test_a_loose_further_name_makes_no_set() -> None:
    assert group([_entry("a.gguf", "blob")], [_entry("b.gguf", "blob")]) == [_single("a.gguf", "blob")]


def _single(path: str, real: str) -> FileSet:
    (one,) = group([_entry(path, real)])
    return one


def test_a_revision_of_the_same_files_is_no_second_model_and_one_with_a_new_shard_is() -> None:
    def revision(name: str, shards: tuple[str, str]) -> list[Entry]:
        names = ["model-00001-of-00002.safetensors", "model-00002-of-00002.safetensors"]
        return [_entry(f"{name}/{file}", f"blobs/{blob}") for file, blob in zip(names, shards, strict=True)]

    configs = [_entry(f"r{n}/config.json", "blobs/c") for n in (1, 2, 3)]
    first, same, newer = revision("r1", ("a", "b")), revision("r2", ("a", "b")), revision("r3", ("a", "x"))
    found = group([*configs, *first, newer[1]], [*same, newer[0]])
    assert [_key(one) for one in found] == [("r1", "safetensors"), ("r3", "safetensors")]
    assert [len(one.weights) for one in found] == [2, 2]


def test_loose_files_need_no_value_each() -> None:
    entries = [_entry("a.gguf"), _entry("b.safetensors")]
    grouping = partition(entries)
    assert (grouping.loose, grouping.sets) == (entries, [])


names = st.sampled_from(
    [
        "config.json",
        "adapter_config.json",
        "model_index.json",
        "tokenizer.json",
        "model.safetensors",
        "model.fp16.safetensors",
        "model.safetensors.index.json",
        "pytorch_model.bin",
        "diffusion_pytorch_model.safetensors",
        "adapter_model.safetensors",
        "diffusion_pytorch_model.fp16.safetensors",
        "model-00001-of-00002.safetensors",
        "model-00002-of-00002.safetensors",
        "model-00002-of-00003.safetensors",
        "model.fp16-00001-of-00002.safetensors",
        "model-00001-of-00002.fp16.safetensors",
        "model-00001-of-00001.safetensors",
        "a-00001-of-00002.gguf",
        "a-00002-of-00002.gguf",
        "MODEL.SAFETENSORS",
        "loose.ckpt",
        "optimizer.pt",
        "tokenizer.bin",
        "model.v1.0.safetensors",
        "x.model",
        "blob",
    ]
)
folders = st.lists(st.sampled_from(["a", "b", "unet"]), max_size=3).map("/".join)
paths = st.builds(lambda folder, name: f"{folder}/{name}".lstrip("/"), folders, names)


@given(paths=st.sets(paths, max_size=40), seed=st.randoms(use_true_random=False))
@settings(max_examples=300)
def test_every_weight_file_is_in_exactly_one_set_and_no_place_has_two(paths: set[str], seed: object) -> None:
    sets = group(sorted(map(_entry, paths)))
    used = Counter(file.entry.path.decode() for one in sets for file in one.weights)
    assert used == Counter(path for path in paths if _has_weights(path))
    assert len({_key(one) for one in sets}) == len(sets)
    shuffled = list(map(_entry, paths))
    seed.shuffle(shuffled)  # type: ignore[attr-defined]  # a random.Random, which hypothesis does not type
    assert group(shuffled) == sets
    for one in sets:
        assert len({file.name for file in one.files}) == len(one.files)
        assert all(_whole(one, file.name) == file.entry.path for file in one.files)


def _has_weights(path: str) -> bool:
    name = path.rpartition("/")[2]
    return (suffix_of(name) in WEIGHTS or name == "blob") and not is_training_state(name)


def _whole(one: FileSet, name: bytes) -> bytes:
    return one.folder + b"/" + name if one.folder else name


@given(
    path=st.binary(min_size=1, max_size=20).filter(lambda path: b"\0" not in path and path != b"."),
    set_name=st.sampled_from(["", "safetensors", "safetensors:fp16", "bin"]),
)
def test_what_is_printed_is_understood(path: bytes, set_name: str) -> None:
    assert parse_printed(printed(path, set_name)) == (path, set_name)
    assert parse_printed(printed(path + b"#bin", set_name)) == (path + b"#bin", set_name)


def test_a_plain_path_is_printed_as_it_is() -> None:
    assert printed(b"loras/a.safetensors", "") == "loras/a.safetensors"
    assert printed(b"sdxl", "safetensors:fp16") == "sdxl#safetensors:fp16"
    assert parse_printed("a#b/c.gguf") == (b"a#b/c.gguf", "")
