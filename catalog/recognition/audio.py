"""Models that hear or speak: Whisper, wav2vec 2, vocoders, voice conversion, voice detection."""

from __future__ import annotations

from catalog.recognition.base import Sign
from catalog.recognition.markers import Begins, Either, Has, Puts
from catalog.recognition.rules import BaseRule, Family, KindRule
from catalog.vocabulary import Base, Kind

_AUDIO = frozenset({Kind.AUDIO})
_WHISPER = (
    (
        Has("encoder.conv1.weight", ("model.", "")),
        Has("decoder.layers.0.encoder_attn.k_proj.weight", ("model.", "")),
    ),
    (Has("encoder.blocks.0.attn.query.weight"), Has("decoder.blocks.0.cross_attn.query.weight")),
)
_WAV2VEC = Has(
    "feature_extractor.conv_layers.0.conv.weight", ("", "wav2vec2.", "hubert.", "wavlm.", "w2v_encoder.w2v_model.")
)
_FIRST = Either(
    tuple(
        Has(f"conv_pre.{name}", ("", "dec.", "vocoder.", "vocoder.vocoder.", "generator."))
        for name in ("weight", "weight_v", "bias")
    )
)
_UPS = Begins(("ups.0.", "dec.ups.0.", "vocoder.ups.0.", "vocoder.vocoder.ups.0.", "generator.ups.0."))
_SPEECH = Begins(("enc_p.", "flow.flows."))
_DETECTS = Either(
    (
        Has("stft.forward_basis_buffer", ("", "_model.", "model.")),
        Puts(("speech_probs",)),
        Has("stft_conv.weight", ndim=3),
    )
)

FAMILY = Family(
    kinds=(
        *(KindRule(Kind.AUDIO, markers) for markers in _WHISPER),
        KindRule(Kind.AUDIO, (_WAV2VEC,)),
        KindRule(Kind.AUDIO, (_FIRST, _UPS)),
        KindRule(Kind.AUDIO, (_SPEECH, Begins(("dec.conv_pre.",)))),
        KindRule(Kind.AUDIO, (_DETECTS,)),
        KindRule(Kind.AUDIO, (Puts(("input", "sr", "stateN")),)),
        KindRule(Kind.AUDIO, (Puts(("input", "state", "stateN")),)),
        KindRule(Kind.AUDIO, (Puts(("input_features",)),), Sign.LIKENESS),
        KindRule(Kind.AUDIO, (Puts(("input_values",)),), Sign.LIKENESS),
    ),
    bases=(
        *(BaseRule(Base.WHISPER, _AUDIO, markers) for markers in _WHISPER),
        BaseRule(Base.WAV2VEC_2, _AUDIO, (_WAV2VEC,)),
    ),
)
