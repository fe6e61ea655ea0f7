"""What a diffusers configuration calls its class: a pipeline's in `model_index.json`, a part's in `config.json`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from catalog.recognition.markers import Says
from catalog.recognition.rules import BaseRule, Family, KindRule, TraitRule
from catalog.vocabulary import Base, Kind, Trait

if TYPE_CHECKING:
    from collections.abc import Mapping

_PIPELINE = "model_index.json:_class_name"
_MODULAR = "modular_model_index.json:_class_name"
_PART = "config.json:_class_name"
_ANY = frozenset(Kind) - {Kind.LLM, Kind.EMBEDDER}

_PIPELINES: tuple[tuple[Base, tuple[str, ...]], ...] = (
    (Base.SDXL, ("stablediffusionxl",)),
    (Base.SD_3, ("stablediffusion3",)),
    (Base.KOLORS, ("kolors",)),
    (Base.FLUX_2, ("flux2",)),
    (Base.FLUX, ("flux",)),
    (Base.CHROMA, ("chroma",)),
    (Base.OVIS_IMAGE, ("ovisimage",)),
    (Base.LONGCAT_IMAGE, ("longcatimage",)),
    (Base.QWEN_IMAGE, ("qwenimage",)),
    (Base.Z_IMAGE, ("zimage",)),
    (Base.LUMINA_2, ("lumina2",)),
    (Base.PIXART, ("pixart",)),
    (Base.SANA, ("sana",)),
    (Base.AURAFLOW, ("auraflow",)),
    (Base.HIDREAM, ("hidream",)),
    (Base.OMNIGEN_2, ("omnigen2",)),
    (Base.COGVIEW_4, ("cogview4",)),
    (Base.COGVIDEOX, ("cogvideox",)),
    (Base.ERNIE_IMAGE, ("ernieimage",)),
    (Base.KANDINSKY_5, ("kandinsky5",)),
    (Base.KANDINSKY, ("kandinsky",)),
    (Base.HUNYUAN_DIT, ("hunyuandit",)),
    (Base.HUNYUAN_IMAGE, ("hunyuanimage",)),
    (Base.HUNYUAN_VIDEO, ("hunyuanvideo", "hunyuanskyreels")),
    (Base.WAN, ("wan",)),
    (Base.LTX_VIDEO, ("ltx",)),
    (Base.MOCHI, ("mochi",)),
    (Base.COSMOS, ("cosmos",)),
    (Base.STABLE_CASCADE, ("stablecascade", "wuerstchen")),
    (Base.STABLE_AUDIO, ("stableaudio",)),
    (Base.SVD, ("stablevideodiffusion",)),
    (Base.SD_1, ("animatediffpipeline",)),
)
"""How the classes of a base's pipelines begin, in lower case."""

_PARTS: Mapping[Kind, tuple[tuple[Base, tuple[str, ...]], ...]] = {
    Kind.DIFFUSION_MODEL: (
        (Base.FLUX_2, ("flux2transformer",)),
        (Base.FLUX, ("fluxtransformer",)),
        (Base.CHROMA, ("chromatransformer",)),
        (Base.SD_3, ("sd3transformer",)),
        (Base.OVIS_IMAGE, ("ovisimagetransformer",)),
        (Base.LONGCAT_IMAGE, ("longcatimagetransformer",)),
        (Base.QWEN_IMAGE, ("qwenimagetransformer",)),
        (Base.Z_IMAGE, ("zimagetransformer",)),
        (Base.LUMINA_2, ("lumina2transformer",)),
        (Base.PIXART, ("pixarttransformer",)),
        (Base.SANA, ("sanatransformer", "sanavideotransformer")),
        (Base.AURAFLOW, ("auraflowtransformer",)),
        (Base.HIDREAM, ("hidreamimagetransformer",)),
        (Base.OMNIGEN_2, ("omnigen2transformer",)),
        (Base.COGVIEW_4, ("cogview4transformer",)),
        (Base.COGVIDEOX, ("cogvideoxtransformer",)),
        (Base.ERNIE_IMAGE, ("ernieimagetransformer",)),
        (Base.KANDINSKY_5, ("kandinsky5transformer",)),
        (Base.KANDINSKY, ("kandinsky3unet",)),
        (Base.HUNYUAN_DIT, ("hunyuandit2dmodel",)),
        (Base.HUNYUAN_IMAGE, ("hunyuanimagetransformer",)),
        (Base.HUNYUAN_VIDEO, ("hunyuanvideotransformer", "hunyuanvideo15transformer", "hunyuanvideoframepack")),
        (Base.WAN, ("wantransformer", "wanvacetransformer", "wananimatetransformer")),
        (Base.LTX_VIDEO, ("ltxvideotransformer", "ltx2videotransformer")),
        (Base.MOCHI, ("mochitransformer",)),
        (Base.COSMOS, ("cosmostransformer",)),
        (Base.STABLE_CASCADE, ("stablecascadeunet",)),
        (Base.STABLE_AUDIO, ("stableaudiodit",)),
        (Base.SVD, ("unetspatiotemporalconditionmodel",)),
        (Base.UNKNOWN, ("unet2dconditionmodel", "transformer2dmodel", "unet2dmodel", "unetmotionmodel")),
    ),
    Kind.VAE: (
        (Base.FLUX_2, ("autoencoderklflux2",)),
        (Base.QWEN_IMAGE, ("autoencoderklqwenimage",)),
        (Base.WAN, ("autoencoderklwan",)),
        (Base.HUNYUAN_VIDEO, ("autoencoderklhunyuanvideo",)),
        (Base.HUNYUAN_IMAGE, ("autoencoderklhunyuanimage",)),
        (Base.LTX_VIDEO, ("autoencoderklltx",)),
        (Base.COGVIDEOX, ("autoencoderklcogvideox",)),
        (Base.MOCHI, ("autoencoderklmochi",)),
        (Base.COSMOS, ("autoencoderklcosmos",)),
        (Base.SVD, ("autoencoderkltemporaldecoder",)),
        (Base.STABLE_AUDIO, ("autoencoderoobleck",)),
        (Base.SANA, ("autoencoderdc",)),
        (Base.STABLE_CASCADE, ("paellavqmodel",)),
        (Base.UNKNOWN, ("autoencoderkl", "vqmodel", "asymmetricautoencoderkl", "consistencydecodervae")),
    ),
    Kind.VAE_APPROX: ((Base.UNKNOWN, ("autoencodertiny",)),),
    Kind.CONTROLNET: (
        (Base.FLUX, ("fluxcontrolnet", "fluxmulticontrolnet")),
        (Base.SD_3, ("sd3controlnet",)),
        (Base.QWEN_IMAGE, ("qwenimagecontrolnet",)),
        (Base.Z_IMAGE, ("zimagecontrolnet",)),
        (Base.HUNYUAN_DIT, ("hunyuandit2dcontrolnet",)),
        (Base.UNKNOWN, ("controlnetmodel", "controlnetunionmodel", "controlnetxs", "sparsecontrolnet")),
    ),
    Kind.T2I_ADAPTER: ((Base.UNKNOWN, ("t2iadapter", "multiadapter")),),
    Kind.MOTION_MODULE: ((Base.UNKNOWN, ("motionadapter",)),),
    Kind.STYLE_MODEL: ((Base.FLUX, ("reduximageencoder",)),),
}
"""How the classes of parts begin, in lower case."""

_TRAITS: tuple[tuple[Trait, str, tuple[str, ...]], ...] = (
    (Trait.INPAINT, _PIPELINE, ("stablediffusioninpaint", "stablediffusionxlinpaint", "kandinskyinpaint")),
    (Trait.EDIT, _PIPELINE, ("stablediffusioninstructpix2pix", "stablediffusionxlinstructpix2pix", "qwenimageedit")),
    (Trait.DEPTH, _PIPELINE, ("stablediffusiondepth2img",)),
    (Trait.UPSCALE, _PIPELINE, ("stablediffusionupscale", "stablediffusionlatentupscale")),
    (Trait.REFINER, _PIPELINE, ("stablediffusionxlimg2img",)),
    (Trait.FILL, _PIPELINE, ("fluxfill",)),
    (Trait.CONTROL, _PIPELINE, ("fluxcontrol",)),
    (Trait.KONTEXT, _PIPELINE, ("fluxkontext",)),
    (Trait.REDUX, _PIPELINE, ("fluxpriorredux",)),
    (Trait.KLEIN, _PIPELINE, ("flux2klein",)),
    (Trait.LAYERED, _PIPELINE, ("qwenimagelayered",)),
    (Trait.VACE, _PIPELINE, ("wanvace",)),
    (Trait.ANIMATE, _PIPELINE, ("wananimate",)),
    (Trait.IMAGE_TO_VIDEO, _PIPELINE, ("wanimagetovideo", "stablevideodiffusion", "ltximagetovideo", "cogvideoximage")),
    (Trait.TEXT_TO_VIDEO, _PIPELINE, ("wanpipeline", "cogvideoxpipeline")),
    (Trait.VACE, _PART, ("wanvacetransformer",)),
    (Trait.ANIMATE, _PART, ("wananimatetransformer",)),
    (Trait.UNION, _PART, ("controlnetunionmodel",)),
)

FAMILY = Family(
    kinds=tuple(
        KindRule(kind, (Says(_PART, tuple(word for _, words in table for word in words)),))
        for kind, table in _PARTS.items()
    ),
    bases=(
        *(
            BaseRule(base, frozenset({kind}), (Says(_PART, words),))
            for kind, table in _PARTS.items()
            for base, words in table
            if base is not Base.UNKNOWN
        ),
        *(BaseRule(base, _ANY, (Says(path, words),)) for path in (_PIPELINE, _MODULAR) for base, words in _PIPELINES),
    ),
    traits=tuple(TraitRule(trait, (Says(path, words),)) for trait, path, words in _TRAITS),
)
