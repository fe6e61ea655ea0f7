"""Models that hear or speak."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from catalog.vocabulary import Base, Kind
from tests.recognition.telling import of, told

if TYPE_CHECKING:
    from tests.builders import shapes

FILES: dict[str, tuple[Base, shapes.Shapes]] = {
    "whisper": (
        Base.WHISPER,
        {"model.encoder.conv1.weight": (384, 80, 3), "model.decoder.layers.0.encoder_attn.k_proj.weight": (384, 384)},
    ),
    "whisper of openai": (
        Base.WHISPER,
        {"encoder.blocks.0.attn.query.weight": (384, 384), "decoder.blocks.0.cross_attn.query.weight": (384, 384)},
    ),
    "wav2vec 2": (Base.WAV2VEC_2, {"wav2vec2.feature_extractor.conv_layers.0.conv.weight": (512, 1, 10)}),
    "vocoder": (Base.UNKNOWN, {"conv_pre.weight_v": (512, 80, 7), "ups.0.weight_v": (512, 256, 16)}),
    "voice conversion": (
        Base.UNKNOWN,
        {
            "enc_p.emb_phone.weight": (192, 768),
            "dec.conv_pre.weight": (512, 192, 7),
        },
    ),
    "voice detection": (Base.UNKNOWN, {"_model.stft.forward_basis_buffer": (258, 1, 256)}),
}


@pytest.mark.parametrize("name", FILES)
def test_each_is_known(name: str) -> None:
    base, stated = FILES[name]
    assert told(of(stated)) == (Kind.AUDIO.value, base.value)
