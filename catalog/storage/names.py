"""Which names a walk takes, which it passes by: data, and the few questions asked of it. Suffixes are lower case."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


WEIGHTS = _words(
    """.bin .caffemodel .ckpt .dlc .engine .ggml .gguf .h5 .hdf5 .hef .keras .llamafile .mlmodel .mnn .msgpack .npz .om
    .onnx .ort .ot .pb .pdiparams .pdmodel .pdparams .pickle .pkl .plan .pt .pt2 .pte .pth .rknn .safetensors .sft .t7
    .tflite .trt"""
)
"""Suffixes of files with weights."""

PARTIAL = _words(".aria2 .crdownload .download .incomplete .opdownload .part .partial .tmp .!qb .!ut")
"""Suffixes that browsers and download tools give to what is not yet complete."""

NOISE = _words(
    """.avif .bat .bmp .bak .cfg .cmd .css .csv .db .doc .docx .exe .gif .gz .html .htm .info .ini .ipynb .jpeg .jpg
    .js .json .jsonl .jinja .lock .log .md .md5 .metadata .mkv .mov .mp3 .mp4 .ogg .parquet .pdf .png .ps1 .psd .py
    .pyc .rar .rst .sh .sha1 .sha256 .so .sqlite .svg .tar .tif .tiff .toml .ts .tsv .txt .url .wav
    .webm .webp .xml .xz .yaml .yml .zip .zst .7z"""
)
"""Suffixes that are no model even in a folder made for models: pictures, texts, notes of tools, archives."""

PRUNED = _words(
    """.git .hg .svn .bzr .tox .nox .eggs .idea .vscode .mypy_cache .ruff_cache .pytest_cache .ipynb_checkpoints
    __pycache__ .trash .trashes .fseventsd .spotlight-v100 $recycle.bin lost+found node_modules site-packages
    dist-packages output outputs @eadir #recycle #snapshot .snapshots .no_exist .locks"""
)
"""Folders (lower case) that are never entered: programs, their caches, what they put out, and trash."""

PRUNED_PREFIXES = (".trash-", "global_step", "datasets--", "spaces--")
"""Starts of such names: the trash of a mounted drive (`.Trash-1000`), the state of a training by DeepSpeed, what a
cache of Hugging Face holds besides models."""

CACHES = frozenset((".cache", "cache", "caches"))
"""Folders of which only the stores of models within are entered."""

STORES = _words(
    """clip diffusers gpt4all hub huggingface instructlab llama.cpp lm-studio modelscope ollama openvino torch
    transformers whisper"""
)
"""Folders (lower case) in a cache that hold models."""

STORE_PREFIX = "models--"
"""A repository in a cache of Hugging Face."""

LAYOUT_FOLDERS = _words(
    """stable-diffusion stablediffusion checkpoints main unet diffusion_models diffusionmodels lora loras lycoris vae
    vae_approx vae-approx approxvae clip text_encoder text_encoders textencoders clip_vision clipvision embeddings
    embedding textual-inversion controlnet t2i_adapter t2iadapter ipadapter ip_adapter ipadapters15 ipadaptersxl
    diffusersipadapters diffusersipadaptersxl esrgan realesrgan swinir bsrgan scunet ldsr upscale_models gfpgan
    codeformer hypernetworks hypernetwork adetailer afterdetailer ultralytics sams gligen style_models model_patches
    audio_encoders photomaker svd karlo deepbooru prompt_expansion background_removal inpaint safety_checker sam
    text-encoder dat controlnetpreprocessor latent_upscale_models"""
)
"""Folders (lower case) right below a `models` folder that the image tools keep one kind of model in."""

MARKS = _words(
    """.sm-portable README.txt SwarmUI.csproj SwarmUI.sln comfyui_version.py entry_with_update.py extra_model_paths.yaml
    folder_paths.py fooocus_version.py installer.py invokeai.yaml launch-linux.sh webui-user.bat webui-user.sh"""
)
"""Files that tell which program a folder belongs to. They are noted where they are met, and never opened for that."""

MARKING_FOLDERS = _words("Packages custom_nodes databases dlbackend manifests")
"""Folders that tell the same."""

_COMPANIONS = frozenset(("special_tokens_map.json", "added_tokens.json", "merges.txt"))
_COMPANION_STARTS = ("tokenizer", "vocab.", "chat_template")
_COMPANION_ENDS = ("config.json", "index.json", ".model")
_INDEX_OF_VARIANT = ".index."

_DATA_OF = re.compile(r"(?P<owner>.+\.onnx)[._]data(?:_[0-9]{1,5})?", re.DOTALL)
"""onnx.save, torch.onnx, ONNX Runtime GenAI, and transformers.js, which numbers several."""
_DATA_TAIL = ".data"
_DATA_OF_PIPELINES = ("weights.pb", "model.onnx")
"""What diffusers' converter to ONNX calls the data of a component, and the file that it belongs to."""

_STATE_STARTS = ("rng_state", "random_states_", "zero_pp_rank_", "mp_rank_")
_STATE_STEMS = frozenset(("optimizer", "scheduler", "scaler", "training_args", "trainer_state"))
_STATE_ENDS = ("_optim_states.pt",)
STATE_SUFFIXES = frozenset((".bin", ".pt", ".pth", ".pkl"))
"""Suffixes that the state of a training has."""


def suffix_of(name: str) -> str:
    """From the last dot, lower case; nothing when there is none."""
    dot = name.rfind(".")
    return name[dot:].lower() if dot >= 0 else ""


def is_companion(name: str) -> bool:
    """A file that goes with the weights of a folder: configuration, tokenizer, index of shards."""
    return (
        name.endswith(_COMPANION_ENDS)
        or name in _COMPANIONS
        or name.startswith(_COMPANION_STARTS)
        or (_INDEX_OF_VARIANT in name and name.endswith(".json"))
    )


def data_owners(name: str) -> tuple[str, ...]:
    """The ONNX files whose external data a file called so may be, if one of them lies beside it."""
    if ".onnx" in name and (found := _DATA_OF.fullmatch(name)):
        return (found["owner"],)
    if name.endswith(_DATA_TAIL):
        return (name.removesuffix(_DATA_TAIL) + ".onnx",)
    return _DATA_OF_PIPELINES[1:] if name == _DATA_OF_PIPELINES[0] else ()


def data_of(owner: str, names: Iterable[str]) -> list[str]:
    """Those of the names beside an ONNX file that are its external data."""
    return sorted(name for name in names if owner in data_owners(name))


def is_training_state(name: str) -> bool:
    """A file that a training leaves beside its weights in order to go on later."""
    stem, dot, suffix = name.rpartition(".")
    return dot + suffix in STATE_SUFFIXES and (
        stem in _STATE_STEMS or name.startswith(_STATE_STARTS) or name.endswith(_STATE_ENDS)
    )


def is_pruned(name: str, parent: str) -> bool:
    """A folder that is not entered, by its own name and that of the folder it lies in (both lower case)."""
    if name in PRUNED or name.startswith(PRUNED_PREFIXES):
        return True
    return parent in CACHES and name not in STORES and not name.startswith(STORE_PREFIX)
