"""GGUF states its architecture in words (gguf's `MODEL_ARCH_NAMES`; stable-diffusion.cpp and ComfyUI add theirs)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from catalog.recognition.base import Sign
from catalog.recognition.markers import Architecture, Begins, Either, Has, Says
from catalog.recognition.rules import BaseRule, Family, KindRule, TraitRule
from catalog.vocabulary import Base, Kind, Trait

if TYPE_CHECKING:
    from catalog.recognition.facts import Facts

_LANGUAGE: tuple[tuple[Base, str], ...] = (
    (Base.LLAMA, "llama llama4 deci arcee apertus"),
    (Base.QWEN, "qwen qwen2 qwen2moe qwen2vl qwen3 qwen3moe qwen3vl qwen3vlmoe qwen3next qwen35 qwen35moe"),
    (Base.MISTRAL, "mistral mistral3 mistral4"),
    (Base.GEMMA, "gemma gemma2 gemma3 gemma3n gemma4 gemma4-assistant"),
    (Base.PHI, "phi2 phi3 phimoe"),
    (Base.GPT_2, "gpt2"),
    (Base.GPT_J, "gptj"),
    (Base.GPT_NEOX, "gptneox"),
    (Base.GPT_OSS, "gpt-oss"),
    (Base.DEEPSEEK, "deepseek deepseek2 deepseek2-ocr deepseek32 deepseek4"),
    (Base.GRANITE, "granite granitemoe granitehybrid graniteswitch"),
    (Base.FALCON, "falcon falcon-h1"),
    (Base.MPT, "mpt"),
    (Base.STARCODER, "starcoder starcoder2"),
    (Base.COMMAND_R, "command-r cohere2 cohere2moe"),
    (Base.GLM, "chatglm glm4 glm4moe glm-dsa"),
    (Base.OLMO, "olmo olmo2 olmoe"),
    (Base.STABLELM, "stablelm"),
    (Base.INTERNLM, "internlm2"),
    (Base.BAICHUAN, "baichuan"),
    (Base.MINICPM, "minicpm minicpm3"),
    (Base.EXAONE, "exaone exaone4 exaone-moe"),
    (Base.NEMOTRON, "nemotron nemotron_h nemotron_h_moe"),
    (Base.ERNIE, "ernie4_5 ernie4_5-moe"),
    (Base.HUNYUAN, "hunyuan-moe hunyuan-dense hunyuan_vl hy_v3"),
    (Base.SMOLLM, "smollm3"),
    (Base.LFM, "lfm2 lfm2moe"),
    (Base.JAMBA, "jamba"),
    (Base.KIMI, "kimi-linear kimi-k3"),
    (Base.MINIMAX, "minimax-01 minimax-m2 minimax-m3"),
    (Base.SEED_OSS, "seed_oss"),
    (Base.DBRX, "dbrx"),
    (Base.GROK, "grok"),
    (Base.BITNET, "bitnet"),
    (Base.BLOOM, "bloom"),
    (Base.MAMBA, "mamba mamba2"),
    (Base.RWKV, "rwkv6 rwkv6qwen2 rwkv7 arwkv7"),
    (Base.T5, "t5"),
    (
        Base.UNKNOWN,
        "afmoe arctic bailingmoe bailingmoe2 chameleon codeshell cogvlm dots1 dream grovemoe jais jais2 laguna llada"
        " llada-moe maincoder mellum mimo2 nanbeige openelm orion paddleocr pangu-embedded plamo plamo2 plamo3 plm"
        " refact rnd1 smallthinker step35 talkie xverse",
    ),
)
_EMBEDDERS: tuple[tuple[Base, str], ...] = (
    (
        Base.BERT,
        "bert modern-bert nomic-bert nomic-bert-moe neo-bert jina-bert-v2 jina-bert-v3 eurobert",
    ),
    (Base.GEMMA, "gemma-embedding"),
    (Base.LLAMA, "llama-embed"),
)
_PICTURES: tuple[tuple[Base, str], ...] = (
    (Base.SD_1, "sd1"),
    (Base.SDXL, "sdxl"),
    (Base.SD_3, "sd3"),
    (Base.FLUX, "flux"),
    (Base.FLUX_2, "flux2"),
    (Base.CHROMA, "chroma"),
    (Base.AURAFLOW, "aura"),
    (Base.HIDREAM, "hidream"),
    (Base.COSMOS, "cosmos"),
    (Base.LTX_VIDEO, "ltxv"),
    (Base.HUNYUAN_VIDEO, "hyvid"),
    (Base.WAN, "wan"),
    (Base.QWEN_IMAGE, "qwen_image"),
    (Base.LUMINA_2, "lumina2"),
)
_TABLE: tuple[tuple[Kind, Base, str], ...] = (
    *((Kind.LLM, base, words) for base, words in _LANGUAGE),
    *((Kind.EMBEDDER, base, words) for base, words in _EMBEDDERS),
    *((Kind.DIFFUSION_MODEL, base, words) for base, words in _PICTURES),
    (Kind.TEXT_ENCODER, Base.T5, "t5encoder"),
    (Kind.AUDIO, Base.WHISPER, "whisper"),
    (Kind.AUDIO, Base.UNKNOWN, "wavtokenizer-dec qwen3tts pockettts"),
)
_RULES = tuple((kind, base, (Architecture(tuple(words.split())),)) for kind, base, words in _TABLE)
_SIGHT = Architecture(("clip",))
_TIES = Either((Begins(("mm.", "resampler.", "v.merger.")), Says("general.type", ("mmproj",))))
_VISUAL = Architecture(("qwen2vl", "qwen3vl", "qwen3vlmoe", "cogvlm", "chameleon", "hunyuan_vl", "paddleocr"))
_MANY = Architecture(tuple(f"{name}" for _, words in _LANGUAGE for name in words.split() if "moe" in name))


@dataclass(frozen=True, slots=True)
class Pools:
    """The header says how the vectors of a text's words become one: `<architecture>.pooling_type` above 0."""

    sign: ClassVar[Sign] = Sign.CONFIG

    def found(self, facts: Facts) -> str:
        key = f"{facts.header.get('general.architecture')}.pooling_type"
        stated = facts.header.get(key)
        return f"the header's {key} is {stated}" if isinstance(stated, int) and stated > 0 else ""


FAMILY = Family(
    kinds=(
        KindRule(Kind.EMBEDDER, (Pools(),)),
        KindRule(Kind.PROJECTOR, (_SIGHT, _TIES)),
        KindRule(Kind.CLIP_VISION, (_SIGHT,)),
        *(KindRule(kind, markers) for kind, _, markers in _RULES),
        KindRule(Kind.LLM, (Has("token_embd.weight"), Says("tokenizer.ggml.model", ("",))), Sign.LIKENESS),
    ),
    bases=(
        BaseRule(Base.CLIP, frozenset(Kind), (_SIGHT,)),
        *(BaseRule(base, frozenset(Kind), markers) for _, base, markers in _RULES if base is not Base.UNKNOWN),
    ),
    traits=(TraitRule(Trait.VISION, (_VISUAL,)), TraitRule(Trait.MOE, (_MANY,))),
)
