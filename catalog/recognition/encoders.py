"""Models that read text or pictures for others: CLIP, SigLIP, T5, BERT; and what ties pictures to a language model."""

from __future__ import annotations

from catalog.recognition.base import Sign
from catalog.recognition.markers import Begins, Configured, Either, Has, No, Puts
from catalog.recognition.rules import BaseRule, Family, KindRule
from catalog.vocabulary import Base, Kind

_ENCODERS = frozenset(
    {Kind.TEXT_ENCODER, Kind.CLIP_VISION, Kind.SIGLIP, Kind.LLM, Kind.EMBEDDER, Kind.CLASSIFIER, Kind.PREPROCESSOR}
)

_CLIP_UNDER = ("", "transformer.", "text_encoder/", "text_encoders.clip_l.transformer.", "clip_l.transformer.")
_CLIP_TEXT = Either(
    (
        Has("text_model.encoder.layers.0.self_attn.q_proj.weight", _CLIP_UNDER),
        Has("text_model.encoder.layers.0.mlp.fc1.weight", _CLIP_UNDER),
        Has("transformer.resblocks.0.attn.in_proj_weight", ("", "model.")),
    )
)
_CLIP_VISION = Either(
    (
        Has("vision_model.encoder.layers.0.self_attn.q_proj.weight"),
        Has("visual.transformer.resblocks.0.attn.in_proj_weight"),
    )
)
_SIGLIP = Either(
    (Begins(("vision_model.head.", "text_model.head.")), Has("vision_model.embeddings.patch_embedding.bias"))
)
_T5_UNDER = ("", "transformer.", "text_encoder/", "text_encoder_2/", "text_encoder_3/")
_T5_ENCODER = Has("encoder.block.0.layer.0.SelfAttention.q.weight", _T5_UNDER)
_T5_DECODER = Begins(("decoder.block.0.",))
_UMT5 = Has("encoder.block.1.layer.0.SelfAttention.relative_attention_bias.weight", _T5_UNDER)
_UMT5_WAN = (Has("blocks.0.pos_embedding.embedding.weight"), Has("blocks.0.attn.q.weight"))
_BERT_UNDER = ("", "bert.", "roberta.", "xlm_roberta.", "electra.", "model.", "0.auto_model.", "mpnet.", "deberta.")
_BERT = Either(
    (
        Has("encoder.layer.0.attention.self.query.weight", _BERT_UNDER),
        Has("encoder.layer.0.attention.attn.q.weight", _BERT_UNDER),  # MPNet
        Has("encoder.layer.0.attention.self.query_proj.weight", _BERT_UNDER),  # DeBERTa
        Has("transformer.layer.0.attention.q_lin.weight", ("", "distilbert.")),
        Has("encoder.layers.0.attn.Wqkv.weight", _BERT_UNDER),  # Nomic
        Has("layers.0.attn.Wqkv.weight", ("", "model.")),  # ModernBERT
    )
)
_BERT_WORDS = Either(
    (
        Has("embeddings.word_embeddings.weight", (*_BERT_UNDER, "distilbert.")),
        Has("embeddings.tok_embeddings.weight", ("", "model.")),
    )
)
_DINO = Either(
    (
        Has("embeddings.mask_token", ("", "dinov2.")),
        Has("blocks.0.ls1.gamma"),
        Has("encoder.layer.0.layer_scale1.lambda1", ("", "dinov2.")),
    )
)
_MERGED = Either(
    (Begins(("mm.", "mm_projector.", "model.mm_projector.")), Begins(("multi_modal_projector.linear_1.",)))
)
_WORDS_OF_LANGUAGE = Begins(("model.layers.0.", "language_model.model.layers.0.", "model.language_model.layers.0."))
_TOKENS = ("input_ids", "attention_mask")

FAMILY = Family(
    kinds=(
        KindRule(Kind.PROJECTOR, (_MERGED, No(_WORDS_OF_LANGUAGE))),
        KindRule(Kind.SIGLIP, (Has("vision_model.encoder.layers.0.self_attn.q_proj.weight"), _SIGLIP)),
        KindRule(Kind.TEXT_ENCODER, (_CLIP_TEXT,)),
        KindRule(Kind.CLIP_VISION, (_CLIP_VISION,)),
        KindRule(Kind.CLIP_VISION, (_DINO, No(Begins(("depth_head.", "backbone.", "pretrained."))))),
        KindRule(Kind.LLM, (_T5_ENCODER, _T5_DECODER)),
        KindRule(Kind.TEXT_ENCODER, (_T5_ENCODER, No(_T5_DECODER))),
        KindRule(Kind.TEXT_ENCODER, _UMT5_WAN),
        KindRule(Kind.EMBEDDER, (_BERT, _BERT_WORDS)),
        KindRule(Kind.EMBEDDER, (Configured("config_sentence_transformers.json"),)),
        KindRule(Kind.EMBEDDER, (Configured("sentence_bert_config.json"),)),
        KindRule(Kind.EMBEDDER, (Configured("1_Pooling/config.json"),)),
        KindRule(Kind.EMBEDDER, (Puts((*_TOKENS, "token_type_ids")),)),
        KindRule(Kind.EMBEDDER, (Puts((*_TOKENS, "sentence_embedding")),)),
        KindRule(Kind.EMBEDDER, (Puts((*_TOKENS, "last_hidden_state")), No(Puts(("pixel_values",))))),
        KindRule(Kind.LLM, (Puts(("input_ids", "logits")), No(Puts(("token_type_ids",)))), Sign.LIKENESS),
        KindRule(Kind.TEXT_ENCODER, (Puts(("input_ids", "pooler_output")), No(Puts(_TOKENS)))),
        KindRule(Kind.CLIP_VISION, (Puts(("pixel_values", "image_embeds")),)),
        KindRule(Kind.CLIP_VISION, (Puts(("pixel_values", "last_hidden_state")),), Sign.LIKENESS),
        KindRule(Kind.CLASSIFIER, (Puts(("pixel_values", "logits")),), Sign.LIKENESS),
        KindRule(Kind.DIFFUSION_MODEL, (Puts(("sample", "timestep", "encoder_hidden_states")),)),
        KindRule(Kind.VAE, (Puts(("latent_sample", "sample")),)),
        KindRule(Kind.VAE, (Puts(("sample", "latent_parameters")),)),
    ),
    bases=(
        BaseRule(Base.SIGLIP, frozenset({Kind.SIGLIP}), (_SIGLIP,)),
        BaseRule(Base.CLIP, _ENCODERS, (_CLIP_TEXT, No(_SIGLIP))),
        BaseRule(Base.CLIP, _ENCODERS, (_CLIP_VISION, No(_SIGLIP))),
        BaseRule(Base.DINO, _ENCODERS, (_DINO,)),
        BaseRule(Base.UMT5, _ENCODERS, (_UMT5,)),
        BaseRule(Base.UMT5, _ENCODERS, _UMT5_WAN),
        BaseRule(Base.T5, _ENCODERS, (_T5_ENCODER,)),
        BaseRule(Base.BERT, _ENCODERS, (_BERT, _BERT_WORDS)),
        BaseRule(Base.BERT, _ENCODERS, (Puts((*_TOKENS, "token_type_ids")),)),
    ),
)
