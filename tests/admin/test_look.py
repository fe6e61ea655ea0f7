"""How values look to people."""

from __future__ import annotations

import re
from datetime import timedelta

import pytest
from django.utils import timezone

from catalog.admin.charts import SHOWN_FORMATS, beyond, legend, storage_bars
from catalog.models import Library
from catalog.queries.dashboard import Cell
from catalog.templatetags import look
from catalog.vocabulary import Kind, Outcome


@pytest.mark.parametrize(
    ("passed", "words"),
    [
        (timedelta(seconds=2), "just now"),
        (timedelta(seconds=30), "30 seconds ago"),
        (timedelta(minutes=1), "1 minute ago"),
        (timedelta(hours=5), "5 hours ago"),
        (timedelta(days=2), "2 days ago"),
    ],
)
def test_a_moment_is_told_by_its_distance(passed: timedelta, words: str) -> None:
    assert words in str(look.ago(timezone.now() - passed))


def test_a_moment_long_ago_is_a_date() -> None:
    assert re.search(r">\d+ [A-Z][a-z]+ 20\d\d<", str(look.ago(timezone.now() - timedelta(days=100))))


def test_nothing_is_said_in_words() -> None:
    assert look.ago(None) == "not yet"
    assert look.left(None) == look.rate(None) == ""


@pytest.mark.parametrize(
    ("seconds", "words"), [(0.2, "almost done"), (42, "about 42 seconds left"), (300, "about 5 minutes left")]
)
def test_the_time_left_is_told_in_its_largest_unit(seconds: float, words: str) -> None:
    assert look.left(seconds) == words


@pytest.mark.parametrize(
    ("precision", "bits", "name"),
    [("fp32", 32, "m32"), ("fp64", 64, "m32"), ("bf16", 16, "mb16"), ("fp16", 16, "m16"), ("Q8_0", 8, "m8"),
     ("Q6_K", 6, "m4"), ("Q4_K_M", 4, "m4"), ("unknown", 0, "")],
)  # fmt: skip
def test_a_precision_is_drawn_by_its_mass(precision: str, bits: int, name: str) -> None:
    assert look.mass(precision, bits) == name


def test_words_of_a_newer_release_are_shown_as_they_stand() -> None:
    assert look.label("warp-drive", "kind") == "warp-drive"
    assert look.symbol("warp-drive") == "··"


def test_every_kind_has_two_letters_of_its_own() -> None:
    letters = [look.symbol(kind) for kind in Kind if kind is not Kind.UNKNOWN]
    assert all(len(pair) == 2 and pair != "··" for pair in letters)
    assert len(set(letters)) == len(letters)


@pytest.mark.parametrize("outcome", [word for word in Outcome if word not in (Outcome.OK, Outcome.SKIPPED)])
def test_every_outcome_says_what_it_means(outcome: Outcome) -> None:
    assert look.meaning(outcome.value).endswith(".")
    assert look.dot(outcome.value) in ("bad", "warn", "offline", "waiting")


@pytest.mark.parametrize(
    ("text", "link"),
    [
        ("https://civitai.com/models/1", True), ("http://example.org", True), ("javascript:alert(1)", False),
        ("data:text/html,x", False), ("stabilityai/sdxl", False), ("https://", False), ("//example.org", False),
        ("https://a b", False), ("https://[", False), ("JAVASCRIPT://x%0aalert(1)", False), ("", False),
    ],
)  # fmt: skip
def test_only_addresses_of_the_web_become_links(text: str, link: bool) -> None:
    assert look.web(text) == (text if link else "")


@pytest.mark.parametrize(
    ("value", "words"),
    [
        (True, "yes"),
        (None, "not stated"),
        ([1, 2], "1, 2"),
        ({"rope_type": "yarn", "factor": 4.0}, "rope type: yarn, factor: 4.0"),
        (0.5, "0.5"),
    ],
)
def test_settings_are_told_in_words(value: object, words: str) -> None:
    assert look.told(value) == words


def test_how_a_tensor_is_stored_is_told_in_a_word() -> None:
    assert look.how_stored(None) == ""
    assert look.how_stored({"strides": (), "big_endian": False, "varint": True}) == "varint"
    assert look.how_stored({"strides": (1, 2), "big_endian": True, "varint": False}) == "strided, big-endian"


def test_bars_share_one_scale_and_never_overflow() -> None:
    cells = [Cell("gguf", f"Q{n}", n, 1, 1) for n in range(1, 9)]
    cells += [Cell("safetensors", "fp16", 16, 10**12, 5), Cell("safetensors", "fp32", 32, 10**12, 5)]
    bars = storage_bars(cells)
    assert [bar.format for bar in bars] == ["safetensors", "gguf"]
    assert [part.cell.precision for part in bars[0].segments] == ["fp32", "fp16"]
    for bar in bars:
        assert float(bar.segments[-1].x) + float(bar.segments[-1].width) <= 100.01
        assert all(float(part.width) > 0 for part in bar.segments)
    assert sum(key.bytes for key in legend(cells)) == sum(cell.bytes for cell in cells)


def test_a_library_says_whose_folders_are_in_it() -> None:
    kept = {"layouts": [["a", "comfyui"], ["b", "invokeai"], ["c", "comfyui"], ["d", "of-a-newer-release"]]}
    assert look.layout(Library(last_report=kept)) == "ComfyUI and InvokeAI"
    assert look.layout(Library(last_report={"layouts": []})) == look.layout(Library()) == "plain folder"
    assert look.layout(Library(layout="ollama", managed=True)) == "Ollama, managed"


def test_formats_beyond_the_picture_are_summed() -> None:
    bars = storage_bars([Cell(f"f{n}", "fp16", 16, 100 - n, 1) for n in range(SHOWN_FORMATS + 2)])
    assert beyond(bars) == (2, 100 - SHOWN_FORMATS + 99 - SHOWN_FORMATS)
    assert beyond(bars[:3]) == (0, 0)
