"""What an archive is, by what lies in it."""

from __future__ import annotations

import zipfile
from io import BytesIO

import pytest

from catalog.formats.sniffing import sniff
from catalog.vocabulary import Format
from tests.builders import MemorySource
from tests.builders.named import named, no_model
from tests.builders.zips import zipped

NAMES = [b"a.safetensors", b"a.ckpt", b"a.gguf", b"a.onnx", b"a.bin", b"a.zip", b"a"]


@pytest.mark.parametrize("name", NAMES)
def test_pictures_are_counted(name: bytes) -> None:
    content = zipped({"set/": b"", "set/1.PNG": b"x", "set/2.jpg": b"y"})
    assert no_model(content, name) == "a zip archive of 2 pictures"


@pytest.mark.parametrize("name", NAMES)
def test_the_largest_file_of_another_archive_is_named(name: bytes) -> None:
    content = zipped({"read me.txt": b"x", "lora/mine.safetensors": bytes(99)})
    assert no_model(content, name) == "a zip archive with 2 files in it, the largest being lora/mine.safetensors"
    assert no_model(zipped({"one.safetensors": b"x"}), name) == "a zip archive with one file in it, one.safetensors"


def test_an_archive_with_nothing_in_it_is_told() -> None:
    assert no_model(zipped({})) == "a zip archive with nothing in it"
    assert no_model(zipped({"folder/": b""})) == "a zip archive with nothing in it"


@pytest.mark.parametrize("member", ["archive/data.pkl", "archive/DATA.PKL", "x/y/data.pkl"])
@pytest.mark.parametrize("name", NAMES)
def test_whatever_pytorch_might_open_is_a_pickle(member: str, name: bytes) -> None:
    content = zipped({"first.png": bytes(9000), member: b"x"})
    assert sniff(MemorySource(content, name)).format is Format.PICKLE


def test_an_archive_that_was_cut_off_is_told() -> None:
    content = zipped({"1.png": bytes(900), "2.png": bytes(900)})[:1500]
    assert "cut off" in no_model(content, b"a.zip")
    assert sniff(MemorySource(content, b"a.ckpt")).format is Format.PICKLE, "its reader says more of it"


@pytest.mark.parametrize("start", [b"MZqFpD='\n", b"jartsr='\n", b"\x7fELF\x02"])
@pytest.mark.parametrize("name", [b"a.llamafile", b"a.gguf", b"a"])
def test_a_llamafile_names_the_model_in_it(start: bytes, name: bytes) -> None:
    content = start.ljust(9000, b"\0") + zipped({".args": b"-m\n", "tiny.Q4_0.gguf": b"GGUF" + bytes(99)})
    probe = named(content, name)
    assert (probe.format, probe.metadata) == (Format.LLAMAFILE, {"contains": ["tiny.Q4_0.gguf"]})


def test_a_large_archive_is_told_by_its_directory_alone() -> None:
    content = BytesIO()
    with zipfile.ZipFile(content, "w", allowZip64=True) as archive:
        with archive.open("a.npy", "w", force_zip64=True) as member:
            member.write(bytes(500))
        archive.comment = b"c" * 60_000
    source = MemorySource(content.getvalue(), b"a.npz")
    assert sniff(source).format is Format.NUMPY
    assert source.bytes_read < 200_000


def test_a_task_of_mediapipe_is_named() -> None:
    assert named(zipped({"hand.tflite": b"x", "face.tflite": b"y"}), b"a.task").format is Format.TFLITE
