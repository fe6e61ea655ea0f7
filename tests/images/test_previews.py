"""Pictures made anew: small, without anything of the file but what is seen."""

from __future__ import annotations

import io
import struct
import zlib
from contextlib import suppress
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from catalog.images import PictureProblem, preview


def written(picture: Image.Image, kind: str, **options: object) -> bytes:
    """A picture as a file."""
    file = io.BytesIO()
    picture.save(file, kind, **options)
    return file.getvalue()


def noise(width: int, height: int) -> Image.Image:
    """What compresses worst."""
    return Image.frombytes("RGB", (width, height), Random(1).randbytes(width * height * 3))  # noqa: S311 - no secret


@pytest.mark.parametrize("kind", ["PNG", "JPEG", "WEBP", "GIF"])
def test_a_preview_is_small_and_keeps_the_shape(kind: str) -> None:
    made = preview(written(noise(1024, 1536), kind))

    opened = Image.open(io.BytesIO(made.image))
    assert (opened.format, opened.size) == ("WEBP", (made.width, made.height))
    assert max(opened.size) <= 512
    assert abs(made.width / made.height - 2 / 3) < 0.01
    assert len(made.image) <= 64 * 1024


def test_a_small_picture_is_not_blown_up() -> None:
    assert preview(written(noise(20, 10), "PNG"))[1:] == (20, 10)


def test_nothing_but_what_is_seen_is_kept() -> None:
    exif = Image.Exif()
    exif[0x010E] = "a secret"
    exif[0x0112] = 6
    made = preview(written(noise(40, 20), "JPEG", exif=exif.tobytes(), comment=b"a secret"))

    assert b"secret" not in made.image
    assert b"EXIF" not in made.image
    assert (made.width, made.height) == (20, 40), "turned as its EXIF says"


def test_of_an_animation_the_first_frame_is_taken() -> None:
    frames = [Image.new("RGB", (30, 30), colour) for colour in ("red", "blue")]
    made = preview(written(frames[0], "GIF", save_all=True, append_images=frames[1:]))

    opened = Image.open(io.BytesIO(made.image))
    assert getattr(opened, "n_frames", 1) == 1
    assert opened.convert("RGB").getpixel((15, 15))[0] > 200  # type: ignore[index] # a pixel of RGB is three numbers


@pytest.mark.parametrize("mode", ["1", "L", "LA", "P", "RGBA", "I;16", "CMYK"])
def test_every_mode_of_colour_is_shown(mode: str) -> None:
    kind = "JPEG" if mode == "CMYK" else "PNG"
    assert preview(written(Image.new(mode, (600, 300)), kind))[1:] == (512, 256)


def test_a_large_picture_of_sixteen_bits_is_not_white() -> None:
    made = preview(written(Image.new("I;16", (3000, 2000), 0x4000), "PNG"))

    assert 50 < Image.open(io.BytesIO(made.image)).convert("L").tobytes()[0] < 80


def test_what_is_transparent_is_white() -> None:
    made = preview(written(Image.new("RGBA", (30, 30), (0, 0, 0, 0)), "PNG"))

    assert min(Image.open(io.BytesIO(made.image)).convert("L").tobytes()) > 250


def bomb(width: int, height: int) -> bytes:
    """A PNG of few bytes that claims many pixels."""

    def chunk(name: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))

    head = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    return (
        b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", zlib.compress(b"\0" * 1000)) + chunk(b"IEND", b"")
    )


@pytest.mark.parametrize(
    ("raw", "reason"),
    [
        (bomb(30_000, 30_000), "pixels"),
        (bomb(2**31 - 1, 2**31 - 1), "pixels"),
        (bomb(7_000, 7_000), "pixels"),
        (b"<svg xmlns='http://www.w3.org/2000/svg' onload='alert(1)'/>", "no PNG"),
        (b"<html>404</html>", "no PNG"),
        (b"", "no PNG"),
        (b"MZ" + bytes(100), "no PNG"),
    ],
)
def test_bombs_and_other_files_are_refused_in_words(raw: bytes, reason: str) -> None:
    with pytest.raises(PictureProblem, match=reason):
        preview(raw)


@pytest.mark.parametrize("kind", ["PNG", "JPEG", "WEBP", "GIF"])
def test_a_truncated_picture_is_a_problem(kind: str) -> None:
    whole = written(noise(300, 300), kind)
    with pytest.raises(PictureProblem, match=r"damaged|no PNG"):
        preview(whole[: len(whole) // 2])


@settings(max_examples=60)
@given(kind=st.sampled_from(["PNG", "JPEG", "WEBP", "GIF"]), at=st.integers(0, 400), byte=st.integers(0, 255))
def test_a_broken_byte_gives_a_picture_or_a_problem(kind: str, at: int, byte: int) -> None:
    raw = bytearray(written(noise(16, 16), kind))
    raw[at % len(raw)] = byte
    with suppress(PictureProblem):
        assert len(preview(bytes(raw)).image) <= 64 * 1024
