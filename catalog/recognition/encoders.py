"""Models that read text or pictures for others: CLIP, T5, BERT."""

from __future__ import annotations

from catalog.recognition.rules import BaseRule, Begins, Either, Family, Has, KindRule, No
from catalog.vocabulary import Base, Kind

_ENCODERS = frozenset({Kind.TEXT_ENCODER, Kind.CLIP_VISION, Kind.LLM})

_CLIP_UNDER = ("", "transformer.", "text_encoder/", "text_encoders.clip_l.transformer.", "clip_l.transformer.")
_CLIP_TEXT = Either(
    (
        Has("text_model.encoder.layers.0.self_attn.q_proj.weight", _CLIP_UNDER),
        Has("transformer.resblocks.0.attn.in_proj_weight", ("", "model.")),
    )
)
_CLIP_VISION = Has("vision_model.encoder.layers.0.self_attn.q_proj.weight")
_T5_ENCODER = Has("encoder.block.0.layer.0.SelfAttention.q.weight", ("", "transformer."))
_T5_DECODER = Begins(("decoder.block.0.",))
_BERT_UNDER = ("", "bert.")
_BERT = Has("encoder.layer.0.attention.self.query.weight", _BERT_UNDER)
_BERT_WORDS = Has("embeddings.word_embeddings.weight", _BERT_UNDER)

FAMILY = Family(
    kinds=(
        KindRule(Kind.TEXT_ENCODER, (_CLIP_TEXT,)),
        KindRule(Kind.CLIP_VISION, (_CLIP_VISION,)),
        KindRule(Kind.LLM, (_T5_ENCODER, _T5_DECODER)),
        KindRule(Kind.TEXT_ENCODER, (_T5_ENCODER,)),
        KindRule(Kind.TEXT_ENCODER, (_BERT, _BERT_WORDS)),
    ),
    bases=(
        BaseRule(Base.CLIP, _ENCODERS, (_CLIP_TEXT, No(Begins(("vision_model.head.",))))),
        BaseRule(Base.CLIP, _ENCODERS, (_CLIP_VISION, No(Begins(("vision_model.head.",))))),  # SigLIP has a head
        BaseRule(Base.T5, _ENCODERS, (_T5_ENCODER,)),
        BaseRule(Base.BERT, _ENCODERS, (_BERT, _BERT_WORDS)),
    ),
)
