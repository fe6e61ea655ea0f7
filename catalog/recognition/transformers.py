"""What a transformers configuration calls its architecture: `model_type` in `config.json`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from catalog.recognition.markers import Says
from catalog.recognition.rules import BaseRule, Family, KindRule, TraitRule
from catalog.vocabulary import Base, Kind, Trait

if TYPE_CHECKING:
    from collections.abc import Mapping

_TYPE = "config.json:model_type"
_NAMES = "config.json:architectures"

_LANGUAGE: tuple[tuple[Base, tuple[str, ...]], ...] = (
    (Base.LLAMA, ("llama", "mllama", "codellama", "llava", "apertus", "arcee", "vipllava")),
    (Base.QWEN, ("qwen",)),
    (Base.MISTRAL, ("mistral", "mixtral", "ministral", "pixtral", "voxtral", "devstral")),
    (Base.GEMMA, ("gemma", "paligemma", "recurrent_gemma")),
    (Base.PHI, ("phi",)),
    (Base.GPT_2, ("gpt2",)),
    (Base.GPT_J, ("gptj", "codegen")),
    (Base.GPT_NEOX, ("gpt_neox", "gpt_neo")),
    (Base.GPT_OSS, ("gpt_oss",)),
    (Base.DEEPSEEK, ("deepseek",)),
    (Base.GRANITE, ("granite",)),
    (Base.FALCON, ("falcon", "refinedweb")),
    (Base.MPT, ("mpt",)),
    (Base.STARCODER, ("starcoder", "gpt_bigcode")),
    (Base.COMMAND_R, ("cohere", "aya_vision")),
    (Base.GLM, ("glm", "chatglm")),
    (Base.OLMO, ("olmo",)),
    (Base.STABLELM, ("stablelm",)),
    (Base.INTERNLM, ("internlm", "internvl")),
    (Base.BAICHUAN, ("baichuan",)),
    (Base.MINICPM, ("minicpm",)),
    (Base.EXAONE, ("exaone",)),
    (Base.NEMOTRON, ("nemotron",)),
    (Base.ERNIE, ("ernie4",)),
    (Base.HUNYUAN, ("hunyuan",)),
    (Base.SMOLLM, ("smollm",)),
    (Base.LFM, ("lfm",)),
    (Base.JAMBA, ("jamba",)),
    (Base.KIMI, ("kimi",)),
    (Base.MINIMAX, ("minimax",)),
    (Base.SEED_OSS, ("seed_oss",)),
    (Base.DBRX, ("dbrx",)),
    (Base.GROK, ("grok",)),
    (Base.BITNET, ("bitnet",)),
    (Base.BLOOM, ("bloom",)),
    (Base.OPT, ("opt",)),
    (Base.MAMBA, ("mamba", "falcon_mamba")),
    (Base.RWKV, ("rwkv",)),
)
_OTHERS: Mapping[Kind, tuple[tuple[Base, tuple[str, ...]], ...]] = {
    Kind.EMBEDDER: (
        (
            Base.BERT,
            (
                *("bert", "roberta", "xlm-roberta", "xlm_roberta", "camembert", "mpnet", "distilbert", "albert"),
                *("electra", "deberta", "nomic_bert", "modernbert", "eurobert", "ernie_m"),
            ),
        ),
    ),
    Kind.TEXT_ENCODER: (
        (Base.CLIP, ("clip_text_model", "chinese_clip")),
        (Base.UMT5, ("umt5",)),
        (Base.T5, ("t5encoder",)),
    ),
    Kind.CLIP_VISION: ((Base.CLIP, ("clip_vision_model",)), (Base.DINO, ("dinov2", "dinov3"))),
    Kind.SIGLIP: ((Base.SIGLIP, ("siglip",)),),
    Kind.AUDIO: (
        (Base.WHISPER, ("whisper", "distil-whisper")),
        (Base.WAV2VEC_2, ("wav2vec2", "hubert", "wavlm", "unispeech")),
        (Base.UNKNOWN, ("bark", "vits", "musicgen", "encodec", "speecht5", "seamless", "parler_tts", "clap", "dac")),
    ),
    Kind.DETECTOR: (
        (Base.SAM, ("sam", "edgetam")),
        (Base.YOLO, ("yolos",)),
        (
            Base.UNKNOWN,
            ("grounding-dino", "detr", "rt_detr", "owlv", "mask2former", "oneformer", "clipseg", "birefnet"),
        ),
    ),
    Kind.PREPROCESSOR: ((Base.UNKNOWN, ("depth_anything", "depth_pro", "dpt", "zoedepth", "glpn", "vitpose")),),
    Kind.CLASSIFIER: ((Base.UNKNOWN, ("vit", "resnet", "convnext", "swin", "beit", "mobilenet", "efficientnet")),),
    Kind.PROMPT_EXPANSION: (),
}
_CAUSAL = (
    "llamafor mistralfor qwen gemma phi deepseek granitefor falconfor cohere glm olmo stablelm internlm baichuan"
    " minicpm gptossfor gpt2lm mixtralfor starcoder rwkv mambafor"
)
_ENCODES = "t5encodermodel umt5encodermodel"
_CLIP = Says(_TYPE, ("clip",), exact=True)
_SENTENCES = Says(_NAMES, ("umt5encodermodel",))

FAMILY = Family(
    kinds=(
        KindRule(Kind.LLM, (Says(_TYPE, tuple(word for _, words in _LANGUAGE for word in words)),)),
        *(
            KindRule(kind, (Says(_TYPE, tuple(word for _, words in table for word in words)),))
            for kind, table in _OTHERS.items()
            if table
        ),
        KindRule(Kind.TEXT_ENCODER, (Says(_NAMES, tuple(_ENCODES.split())),)),
        KindRule(Kind.TEXT_ENCODER, (_CLIP,)),
        KindRule(Kind.LLM, (Says(_TYPE, ("t5", "mt5", "longt5")),)),
        KindRule(Kind.LLM, (Says(_NAMES, tuple(_CAUSAL.split())),)),
    ),
    bases=(
        BaseRule(Base.CLIP, frozenset({Kind.TEXT_ENCODER, Kind.CLIP_VISION}), (_CLIP,)),
        *(
            BaseRule(base, frozenset({Kind.LLM, Kind.EMBEDDER, Kind.TEXT_ENCODER}), (Says(_TYPE, words),))
            for base, words in _LANGUAGE
        ),
        *(
            BaseRule(base, frozenset({kind, Kind.TEXT_ENCODER}), (Says(_TYPE, words),))
            for kind, table in _OTHERS.items()
            for base, words in table
            if base is not Base.UNKNOWN
        ),
        BaseRule(Base.UMT5, frozenset({Kind.TEXT_ENCODER, Kind.LLM}), (_SENTENCES,)),
        BaseRule(Base.T5, frozenset({Kind.TEXT_ENCODER, Kind.LLM}), (Says(_TYPE, ("t5", "mt5", "longt5", "byt5")),)),
    ),
    traits=(
        TraitRule(Trait.MOE, (Says(_TYPE, ("mixtral", "qwen2_moe", "qwen3_moe", "gpt_oss", "deepseek_v", "olmoe")),)),
        TraitRule(Trait.VISION, (Says(_TYPE, ("qwen2_vl", "qwen2_5_vl", "qwen3_vl", "llava", "mllama", "pixtral")),)),
        TraitRule(Trait.VISION, (Says(_TYPE, ("paligemma", "internvl", "idefics")),)),
    ),
)
