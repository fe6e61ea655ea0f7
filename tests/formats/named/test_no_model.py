"""Files under a model's name that are something else."""

from __future__ import annotations

import pytest

from catalog.formats import probe_file
from catalog.vocabulary import FindingCode
from tests.builders import MemorySource
from tests.builders.named import no_model

NAMES = [b"model.safetensors", b"model.ckpt", b"model.gguf", b"model.onnx", b"model.bin", b"model"]
LOGIN = b"<!DOCTYPE html>\n<html><head><title>Sign in \n to Hub</title></head><body>Password</body></html>"

CASES = [
    (b"version https://git-lfs.github.com/spec/v1\noid sha256:00\nsize 7\n", "a Git LFS pointer"),
    (b"<!DOCTYPE html><html>404</html>" + b" " * 100, "a web page"),
    (LOGIN, "a web page that asks to sign in (“Sign in to Hub”)"),
    (b"\xef\xbb\xbf\r\n  <HTML><title>Just a moment...</title>", "a web page (“Just a moment...”)"),
    (b'<?xml version="1.0" encoding="UTF-8"?>\n<Error><Code>AccessDenied</Code></Error>', "an XML document, the error"),
    (b'<?xml version="1.0"?><feed/>', "an XML document"),
    (b'<?xml version="1.0"?><svg width="3"/>', "a picture (SVG)"),
    (b'{"error":"Entry not found"}', "an error message of a download server (JSON)"),
    (b'{ "message": "Unauthorized" }', "an error message of a download server (JSON)"),
    (b'{"a": [1, 2]}', "a JSON document"),
    (b"[1, 2]", "a JSON document"),
    (b"Entry not found", "an error message of a download server (“Entry not found”)"),
    (b"Access to model x/y is restricted. You must be authenticated.", "an error message of a download server"),
    (b"%PDF-1.7 " + bytes(80), "a PDF document"),
    (b"\x89PNG\r\n\x1a\n" + bytes(80), "a picture (PNG)"),
    (b"\xff\xd8\xff\xe0" + bytes(80), "a picture (JPEG)"),
    (b"GIF89a" + bytes(80), "a picture (GIF)"),
    (b"RIFF\x10\x20\0\0WEBPVP8 " + bytes(80), "a picture (WebP)"),
    (b"RIFF\x10\x20\0\0WAVEfmt " + bytes(80), "a sound file (WAV)"),
    (b"\0\0\0\x20ftypisom" + bytes(80), "a video (MP4)"),
    (b"\x1aE\xdf\xa3" + bytes(80), "a video (Matroska or WebM)"),
    (b"7z\xbc\xaf\x27\x1c" + bytes(80), "a 7-Zip archive"),
    (b"Rar!\x1a\x07\x01\0" + bytes(80), "a RAR archive"),
    (b"\x1f\x8b\x08\0" + bytes(80), "a gzip archive"),
    (b"\xfd7zXZ\0" + bytes(80), "an xz archive"),
    (b"\x28\xb5\x2f\xfd" + bytes(80), "a Zstandard archive"),
    (b"BZh91AY&SY" + bytes(80), "a bzip2 archive"),
    (b"d8:announce35:udp://tracker.example:80/announce", "a torrent"),
    (b"d13:creation datei1700000000e4:infod6:lengthi7eee", "a torrent"),
    (b"\x7fELF\x02\x01\x01" + bytes(80), "a program or library for Linux"),
    (b"MZ".ljust(60, b"\0") + b"\x80\0\0\0".ljust(68, b"\0") + b"PE\0\0" + bytes(9000), "a program or library for Win"),
    (b"SQLite format 3\0" + bytes(80), "a database (SQLite)"),
    (b"#!/usr/bin/env python3\nprint(1)\n", "a Python script"),
    (b"import torch\nfrom diffusers import x\n", "a Python script"),
    (b'"""Loads."""\n\nimport os\n', "a Python script"),
    (b"#!/bin/sh\necho\n", "a script"),
    (b"---\nlicense: mit\ntags:\n- lora\n---\n# Mine", "a README"),
    (b"# My model\n\nUse it so.\n", "a README"),
    ("Just some wörds about it, \u20ac 5.".encode(), "a plain text"),
    (("wörds " * 2000).encode(), "a plain text"),
    ("Some words in Windows' own way".encode("utf-16"), "a plain text"),
    (bytes(1000), "a file that begins with zeros"),
]  # fmt: skip


@pytest.mark.parametrize(("content", "what"), CASES, ids=[what for _, what in CASES])
@pytest.mark.parametrize("name", NAMES)
def test_it_is_called_by_its_name_whatever_its_suffix(name: bytes, content: bytes, what: str) -> None:
    assert no_model(content, name).startswith(what)


def test_a_tar_archive_that_is_no_model_is_told() -> None:
    tar = b"pictures/1.png".ljust(257, b"\0") + b"ustar\x0000" + bytes(800)
    assert no_model(tar, b"a.gguf") == "a tar archive"


@pytest.mark.parametrize("name", NAMES)
def test_nothing_at_all_is_empty(name: bytes) -> None:
    assert [problem.code for problem in probe_file(MemorySource(b"", name)).problems] == [FindingCode.EMPTY]


def test_a_download_without_its_first_bytes_is_told_at_any_size() -> None:
    assert "never finished" in no_model(b"", b"model.safetensors", size=7 << 30)
    assert "never finished" in no_model(b"", b"model.bin", size=7 << 30)


def test_numbers_may_begin_with_zeros() -> None:
    content = bytes(100) + b"\x9a\x99\xff" * 2000
    assert probe_file(MemorySource(content, b"model.bin")).problems[0].code is FindingCode.UNSUPPORTED


def test_the_title_of_a_page_is_kept_within_bounds() -> None:
    what = no_model(b"<html><title>" + b"x\0" * 90 + b"</title>")
    assert len(what) < 130
    assert "\0" not in what
