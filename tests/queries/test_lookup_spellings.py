"""The ways in which people write ids of other programs."""

from __future__ import annotations

import pytest

from catalog.queries.lookup.spellings import begins, spellings

COMMIT = "0123456789abcdef0123456789abcdef01234567"


@pytest.mark.parametrize(
    ("text", "meant"),
    [
        ("llama3", "llama3:latest"),
        ("llama3:8b", "llama3:8b"),
        ("library/llama3:8b", "llama3:8b"),
        ("registry.ollama.ai/library/llama3:8b", "llama3:8b"),
        ("https://ollama.com/library/llama3", "llama3:latest"),
        ("https://ollama.com/me/mine", "me/mine:latest"),
        ("me/mine", "me/mine:latest"),
        ("hf.co/org/name:Q4_K_M", "hf.co/org/name:Q4_K_M"),
        ("https://hf.co/org/name:Q4_K_M", "hf.co/org/name:Q4_K_M"),
        ("hf.co/org/name", "org/name"),
        ("hf.co/org/name", "hf.co/org/name:latest"),
        ("https://huggingface.co/org/name/", "org/name"),
        ("https://www.huggingface.co/org/name?library=x", "org/name"),
        ("https://huggingface.co/org/name/tree/main/unet", "org/name"),
        ("huggingface.co/gpt2/blob/main/a.bin", "gpt2"),
        (f"https://huggingface.co/org/name/blob/{COMMIT}/a/b.bin", f"org/name@{COMMIT}/a/b.bin"),
        (f"org/name@{COMMIT}/a/b.bin", f"org/name@{COMMIT}/a"),
        (f"org/name@{COMMIT}/a/b.bin", f"org/name@{COMMIT}"),
    ],
)
def test_a_spelling_stands_for_the_id(text: str, meant: str) -> None:
    assert meant in spellings(text)


@pytest.mark.parametrize("text", ["", "/", "a b", "x" * 4096, "/" * 4096, "@" * 4096, f"a@{COMMIT}" + "/x" * 2000])
def test_any_text_has_few_spellings(text: str) -> None:
    assert spellings(text)[0] == text
    assert len(spellings(text)) < 25


def test_a_revision_has_all_that_begins_with_it() -> None:
    assert begins(f"org/name@{COMMIT}") == f"org/name@{COMMIT}/"
    assert begins(f"https://huggingface.co/org/name/tree/{COMMIT}") == f"org/name@{COMMIT}/"
    assert begins("org/name") is None
    assert begins(f"org/name@{COMMIT}/a.bin") is None
