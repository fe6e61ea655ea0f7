"""Formats that are recognised and named while their tensors are not read yet, and files that are no model.

A family is a module with `recognise(head)`; `RECOGNISERS` asks them in turn. Each looks at the first bytes before
anything else, so that a file of another format costs next to nothing.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from catalog.formats.named import (
    archives,
    coreml,
    ctranslate2,
    flax,
    ggml_old,
    hdf5,
    ncnn,
    no_model,
    numpy_arrays,
    openvino,
    paddle,
    runtimes,
    tensorflow,
    tensorrt,
    tfjs,
)
from catalog.formats.named.runtimes import by_suffix

if TYPE_CHECKING:
    from collections.abc import Callable

    from catalog.formats.heads import Guess, Head

__all__ = ["RECOGNISERS", "by_suffix", "recognise"]

RECOGNISERS: tuple[Callable[[Head], Guess | None], ...] = (
    archives.recognise,
    archives.in_program,
    hdf5.recognise,
    numpy_arrays.recognise,
    tensorflow.recognise,
    tfjs.recognise,
    coreml.recognise,
    openvino.recognise,
    ctranslate2.recognise,
    tensorrt.recognise,
    flax.recognise,
    ggml_old.recognise,
    paddle.recognise,
    ncnn.recognise,
    runtimes.recognise,
    no_model.recognise,
)
"""In this order: what is no model comes last, since some formats are texts."""


def recognise(head: Head) -> Guess | None:
    """What the first of them says that knows the file."""
    for ask in RECOGNISERS:
        guess = ask(head)
        if guess is not None:
            return guess
    return None
