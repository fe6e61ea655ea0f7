"""Weights that people use, as they lie in their packages."""

from __future__ import annotations

import pytest

from catalog.formats import probe_file
from catalog.recognition import recognise
from catalog.vocabulary import Kind, Precision
from tests.builders.real import opened, real


@pytest.mark.parametrize(
    ("package", "ending", "kind"),
    [
        ("silero-vad", "data/silero_vad.onnx", Kind.AUDIO),
        ("silero-vad", "silero_vad.jit", Kind.AUDIO),
        ("silero-vad", "silero_vad_16k.safetensors", Kind.AUDIO),
        ("facenet-pytorch", "data/onet.pt", Kind.DETECTOR),
        ("facenet-pytorch", "data/pnet.pt", Kind.DETECTOR),
        ("facenet-pytorch", "data/rnet.pt", Kind.DETECTOR),
        ("lpips", "v0.1/alex.pth", Kind.UNKNOWN),
    ],
)
def test_real_weights_are_what_they_are(package: str, ending: str, kind: Kind) -> None:
    with opened(real(package, ending)) as file:
        found = recognise(probe_file(file))
    assert (found.kind, found.precision, found.candidates) == (kind, Precision.FP32, ())
