"""A preview: decoded by Pillow within limits and written anew, so that no byte of a foreign picture is served.

Only formats that Pillow decodes by itself are tried; metadata, further frames and profiles are left behind.
"""

from __future__ import annotations

import io
import struct
import warnings
import zlib
from typing import NamedTuple

from PIL import Image, ImageOps, UnidentifiedImageError

LARGEST = 64 << 20
"""Bytes of a picture that is opened."""

MEDIA_TYPE = "image/webp"
_MOST_BYTES = 64 << 10
_LONGEST_SIDE = 512
_MOST_PIXELS = 36_000_000
"""A frame of an 8K screen has 33 million; decoded with all copies they take less than 512 MiB."""
_PLAIN = ("PNG", "JPEG")
_FORMATS = (*_PLAIN, "WEBP", "GIF")
_QUALITIES = (80, 65, 50, 35, 20)
_SMALLER = (1.0, 0.7, 0.5, 0.25)
_FEW_COLOURS = ("1", "P", "PA")
_DAMAGED = (
    OSError, ValueError, SyntaxError, EOFError, LookupError, ArithmeticError, TypeError, AttributeError, struct.error,
    zlib.error,
)  # fmt: skip
"""What Pillow's decoders raise for damaged bytes."""


class PictureProblem(Exception):
    """Why a picture gives no preview, as the end of a sentence."""


class Picture(NamedTuple):
    """A picture in WebP, and its size in pixels."""

    image: bytes
    width: int
    height: int


def preview(raw: bytes) -> Picture:
    """The first frame, at most 512 pixels a side and 64 KiB. Raises `PictureProblem`."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of odd metadata; the size is looked at here
            return _encoded(_decoded(raw))
    except PictureProblem:
        raise
    except UnidentifiedImageError as error:
        raise PictureProblem("it is no PNG, JPEG, WebP or GIF picture") from error
    except _DAMAGED as error:
        raise PictureProblem("the picture is damaged") from error
    except Image.DecompressionBombError as error:
        raise PictureProblem(f"it has more than {_MOST_PIXELS:,} pixels") from error
    except MemoryError as error:
        raise PictureProblem("it needs more memory than any preview") from error


def _decoded(raw: bytes) -> Image.Image:
    """The first frame, small, the right way up, over white where it is transparent."""
    with Image.open(io.BytesIO(raw), formats=_FORMATS) as opened:
        most = _MOST_PIXELS if opened.format in _PLAIN else _MOST_PIXELS * 2 // 3  # frames are kept several times
        if opened.width * opened.height > most:
            raise PictureProblem(f"it has more than {most:,} pixels")
        opened.draft("RGB", (2 * _LONGEST_SIDE, 2 * _LONGEST_SIDE))  # a JPEG is decoded at the size that is needed
        turned = ImageOps.exif_transpose(_smaller(opened))
        plain = turned.convert("RGBA" if turned.has_transparency_data else "RGB")
    plain.thumbnail((_LONGEST_SIDE, _LONGEST_SIDE))
    if plain.mode == "RGB":
        return plain
    below = Image.new("RGB", plain.size, "white")
    below.paste(plain, mask=plain.getchannel("A"))
    return below


def _smaller(opened: Image.Image) -> Image.Image:
    """Made smaller before anything is copied, where that is possible. Of sixteen bits the upper eight are seen."""
    if opened.mode.startswith("I"):
        return opened.convert("I").point(lambda value: value / 256).convert("L")
    if opened.mode not in _FEW_COLOURS:
        opened.thumbnail((2 * _LONGEST_SIDE, 2 * _LONGEST_SIDE))
    return opened


def _encoded(picture: Image.Image) -> Picture:
    """As good as fits: less quality first, then fewer pixels."""
    for factor in _SMALLER:
        size = max(1, round(picture.width * factor)), max(1, round(picture.height * factor))
        smaller = picture if factor == 1.0 else picture.resize(size)
        for quality in _QUALITIES:
            written = io.BytesIO()
            smaller.save(written, "WEBP", quality=quality, method=2)
            if written.tell() <= _MOST_BYTES:
                return Picture(written.getvalue(), smaller.width, smaller.height)
    raise PictureProblem("no preview of it is small enough")
