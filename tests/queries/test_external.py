"""Ids of other programs, and the pages that they lead to."""

from __future__ import annotations

import pytest

from catalog.models import ExternalId
from catalog.queries.external import known, url_of

COMMIT = "462165984030d82259a11f4367a4eed129e94a7b"


@pytest.mark.parametrize(
    ("scheme", "value", "url"),
    [
        ("civitai-model", "101055", "https://civitai.com/models/101055"),
        ("civitai-version", "128078", "https://civitai.com/model-versions/128078"),
        ("hf", "stabilityai/sdxl", "https://huggingface.co/stabilityai/sdxl"),
        ("hf", "gpt2", "https://huggingface.co/gpt2"),
        ("hf", f"a/b@{COMMIT}", f"https://huggingface.co/a/b/tree/{COMMIT}"),
        ("hf", f"a/b@{COMMIT}/vae/x y.safetensors", f"https://huggingface.co/a/b/blob/{COMMIT}/vae/x%20y.safetensors"),
        ("ollama", "llama3.2:3b", "https://ollama.com/library/llama3.2:3b"),
        ("ollama", "someone/thing:latest", "https://ollama.com/someone/thing:latest"),
        ("ollama", "registry.ollama.ai/library/qwen3:8b", "https://ollama.com/library/qwen3:8b"),
        ("invokeai-key", "3f2a9c1e", ""),
        ("air", "urn:air:sdxl:checkpoint:civitai:1@2", ""),
        ("from-a-newer-release", "7", ""),
    ],
)
def test_an_id_leads_to_its_page_where_it_has_one(scheme: str, value: str, url: str) -> None:
    assert url_of(scheme, value) == url


@pytest.mark.parametrize(
    ("scheme", "value"),
    [
        ("civitai-model", "1/../../evil"), ("civitai-version", "javascript:alert(1)"), ("civitai-model", ""),
        ("hf", "https://evil.example/x"), ("hf", "a b/c"), ("ollama", "hf.co/a/b/c:latest"), ("ollama", "?x=//evil"),
    ],
)  # fmt: skip
def test_a_value_of_another_shape_leads_nowhere(scheme: str, value: str) -> None:
    assert url_of(scheme, value) == ""


def test_each_id_is_told_once_in_the_order_of_the_schemes() -> None:
    pairs = [("ollama", "a:b"), ("x-new", "1"), ("civitai-model", "5"), ("ollama", "a:b")]
    found = known(ExternalId(scheme=scheme, value=value) for scheme, value in pairs)
    assert [(one.label, one.value) for one in found] == [("Civitai model", "5"), ("Ollama", "a:b"), ("x-new", "1")]


def test_a_long_commit_is_cut_short_where_it_is_shown() -> None:
    (one,) = known([ExternalId(scheme="hf", value=f"a/b@{COMMIT}/x.safetensors")])
    assert one.shown == "a/b@4621659/x.safetensors"
    assert COMMIT in one.value
