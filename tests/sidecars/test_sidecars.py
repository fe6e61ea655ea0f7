"""What is true of every reader of a sidecar: it never raises, and gives back nothing but clean, bounded text."""

from __future__ import annotations

import json
import re
from dataclasses import fields

import pytest
from hypothesis import given
from hypothesis import strategies as st

from catalog.sidecars import SIDECARS, Sidecar, Told
from catalog.sidecars.base import LONGEST_LINE, LONGEST_NOTES, MOST_NAMES
from catalog.vocabulary import NoteKind

_KEYS = st.sampled_from(
    [
        "id",
        "modelId",
        "modelVersionId",
        "name",
        "model",
        "type",
        "tags",
        "description",
        "trainedWords",
        "baseModel",
        "files",
        "hashes",
        "SHA256",
        "AutoV2",
        "AutoV3",
        "CRC32",
        "sizeKB",
        "primary",
        "air",
        "civitai",
        "model_name",
        "file_name",
        "sha256",
        "notes",
        "ModelId",
        "VersionId",
        "ModelName",
        "VersionName",
        "Hashes",
        "TrainedWords",
        "Tags",
        "UserTitle",
        "Source",
        "BaseModel",
        "base_model",
        "modelVersions",
        "items",
        "mtime",
        "hashes-addnet",
        "lora/x",
        "activation text",
    ]
)
_LEAVES = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text(max_size=60)
    | st.sampled_from(
        ["ab" * 32, "0xABCDEF12", "<b>bold</b>&lt;script&gt;", "\0\ud800", "https://civitai.com/models/1"]
    )
)
_JSON = st.recursive(_LEAVES, lambda inner: st.lists(inner, max_size=4) | st.dictionaries(_KEYS, inner, max_size=8))
EVERY = pytest.mark.parametrize("sidecar", SIDECARS, ids=lambda sidecar: sidecar.kind.value)


def assert_clean(told: Told) -> None:
    """Nothing in it that a page, a database or a person would choke on."""
    words = [getattr(told, field.name) for field in fields(told) if isinstance(getattr(told, field.name), str)]
    listed = [*told.tags, *told.trigger_words]
    for text in [*words, *listed]:
        text.encode("utf-8")
        assert "\0" not in text
        assert re.search(r"<[^<>]*>", text) is None
    assert all(len(text) <= LONGEST_LINE for text in [told.name, told.version_name, told.licence, *listed])
    assert len(told.notes) <= LONGEST_NOTES
    assert max(len(told.tags), len(told.trigger_words)) <= MOST_NAMES
    assert told.source == "" or told.source.startswith(("https://", "http://"))
    for stated in [*told.hashes, *(one for file in told.files for one in file.hashes)]:
        assert 4 <= len(stated.digest) <= 64


@EVERY
@given(value=_JSON)
def test_whatever_json_it_holds_is_told_or_passed_over(sidecar: Sidecar, value: object) -> None:
    assert_clean(sidecar.read(json.dumps(value).encode()))


@EVERY
@given(raw=st.binary(max_size=300))
def test_whatever_bytes_it_holds_are_told_or_passed_over(sidecar: Sidecar, raw: bytes) -> None:
    assert_clean(sidecar.read(raw))


@EVERY
@pytest.mark.parametrize(
    "raw",
    [
        b"",
        b"[" * 1_000_000,
        b'{"a":' * 200_000,
        b'{"a":[' + b"[]," * 400_000 + b"[]]}",
        b'"' + b'\\"' * 500_000,
        b"<" * 1_000_000,
        b'{"name":"' + b"<b" * 500_000 + b'"}',
        b"---\n" + b"- " * 500_000,
        b'{"id":' + b"9" * 5000 + b"}",
        b"\xff\xfe{\x00}\x00",
    ],
    ids=["empty", "lists", "objects", "many", "escapes", "angles", "tags", "dashes", "number", "utf-16"],
)
def test_hostile_files_cost_little_and_raise_nothing(sidecar: Sidecar, raw: bytes) -> None:
    assert_clean(sidecar.read(raw))


def test_every_kind_but_pictures_and_databases_has_its_reader() -> None:
    assert {sidecar.kind for sidecar in SIDECARS} == set(NoteKind) - {NoteKind.PICTURE, NoteKind.A1111_DATABASE}
