"""The lists of names do not contradict each other."""

from __future__ import annotations

import pytest

from catalog.storage import names


def test_a_suffix_means_one_thing() -> None:
    assert not names.WEIGHTS & names.NOISE
    assert not names.WEIGHTS & names.PARTIAL
    assert not names.NOISE & names.PARTIAL
    assert names.STATE_SUFFIXES <= names.WEIGHTS


@pytest.mark.parametrize("listed", [names.WEIGHTS, names.NOISE, names.PARTIAL])
def test_suffixes_have_a_dot_and_no_capitals(listed: frozenset[str]) -> None:
    assert all(suffix.startswith(".") and suffix == suffix.lower() for suffix in listed)


@pytest.mark.parametrize("listed", [names.PRUNED, names.CACHES, names.STORES, names.LAYOUT_FOLDERS])
def test_folders_have_no_capitals(listed: frozenset[str]) -> None:
    assert all(name == name.lower() for name in listed)


@pytest.mark.parametrize(
    "name",
    [
        "config.json",
        "generation_config.json",
        "tokenizer.json",
        "tokenizer_config.json",
        "special_tokens_map.json",
        "vocab.txt",
        "added_tokens.json",
        "merges.txt",
        "spiece.model",
        "chat_template.jinja",
        "model_index.json",
        "model.safetensors.index.json",
        "model.safetensors.index.fp16.json",
        "scheduler_config.json",
        "preprocessor_config.json",
    ],
)
def test_companions_are_known(name: str) -> None:
    assert names.is_companion(name)


@pytest.mark.parametrize("name", ["README.md", "model.json", "trainer_state.json", "my-lora.metadata.json", "a.png"])
def test_other_side_files_are_not(name: str) -> None:
    assert not names.is_companion(name)


@pytest.mark.parametrize(
    "name", ["optimizer.pt", "scheduler.bin", "rng_state.pth", "rng_state_3.pth", "training_args.bin", "scaler.pt"]
)
def test_training_state_is_known(name: str) -> None:
    assert names.is_training_state(name)


@pytest.mark.parametrize("name", ["scheduler_config.json", "optimizer.safetensors", "model.pt", "rng_state.gguf"])
def test_models_are_no_training_state(name: str) -> None:
    assert not names.is_training_state(name)
