"""Judged pairs of the small Stable Diffusions, and of a LoRA."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from tests.builders import BRAIN, HALF, misses, safetensors
from tests.builders import networks_diffusion as diffusion
from tests.builders import networks_lora as lora
from tests.builders.conversions import single
from tests.builders.conversions_layout import with_ema
from tests.builders.conversions_precision import chain
from tests.builders.judged_folder import Case
from tests.builders.pickles import torch_zip

if TYPE_CHECKING:
    from collections.abc import Mapping

    from tests.builders import Array, Tensors
    from tests.builders.conversions import Files
    from tests.builders.judged_folder import JudgedFolder
    from tests.builders.networks_diffusion import Form

DIFFUSION = {"sd1": diffusion.SD_1, "sdxl": diffusion.SDXL}
UNET, VAE = "model.diffusion_model.", "first_stage_model."
RENAMED, PRECISION, PART = "same-weights-renamed", "same-weights-precision", "subset-of"


def diffusers_files(tensors: Mapping[str, Array], form: Form = diffusion.SD_1, prediction: str = "epsilon") -> Files:
    """A diffusers folder with these weights of a checkpoint."""
    parts = diffusion.folder(tensors, form)
    kind = "StableDiffusionXLPipeline" if form.linear else "StableDiffusionPipeline"
    scheduler = {"_class_name": "EulerDiscreteScheduler", "prediction_type": prediction}
    classes = {"unet": "UNet2DConditionModel", "vae": "AutoencoderKL"}
    files = {
        "model_index.json": json.dumps({"_class_name": kind, "unet": ["diffusers", "UNet2DConditionModel"]}).encode(),
        "scheduler/scheduler_config.json": json.dumps(scheduler).encode(),
    }
    for part, found in parts.items():
        stem = "diffusion_pytorch_model" if part in classes else "model"
        config = {"_class_name": classes[part]} if part in classes else {"architectures": ["CLIPTextModel"]}
        files[f"{part}/{stem}.safetensors"] = safetensors(found, {"format": "pt"})
        files[f"{part}/config.json"] = json.dumps(config).encode()
    return files


def diffusion_cases(folder: JudgedFolder, name: str, seed: int) -> None:
    """One checkpoint, its conversions and parts, and what is near it."""
    form = DIFFUSION[name]
    tensors = diffusion.checkpoint(seed, form)
    base = folder.put(f"{name}/base", single(tensors))
    for kind, (relation, files) in _conversions(tensors, form).items():
        path = folder.put(f"{name}/same/{kind}", files)
        folder.judge(Case(path, base, relation, same=True, kind=f"{name}: {kind}"))
    for prefix in (UNET, VAE):
        path = folder.put(f"{name}/part/{prefix}", single(_below(tensors, prefix)))
        folder.judge(Case(path, base, PART, "partial", f"{name}: {prefix} alone"))
    half = folder.put(f"{name}/base, f16", single(chain(HALF)(tensors)))
    for kind, (relation, same, changed) in _misses(tensors, form, seed).items():
        for precision, files in {
            "f32": single(changed),
            "f16": single(chain(HALF)(changed)),
            "diffusers f16": diffusers_files(chain(HALF)(changed), form),
        }.items():
            path = folder.put(f"{name}/near/{kind}, {precision}", files)
            for beside in (base, half):
                folder.judge(Case(path, beside, relation, same, f"{name}: {kind}"))


def _conversions(tensors: Tensors, form: Form) -> dict[str, tuple[str, Files]]:
    half, brain = chain(HALF)(tensors), chain(BRAIN)(tensors)
    nested: dict[str, object] = {"global_step": 470000, "state_dict": dict(tensors)}
    return {
        "diffusers folder": (RENAMED, diffusers_files(tensors, form)),
        "diffusers folder, f16": (PRECISION, diffusers_files(half, form)),
        "diffusers folder, bf16": (PRECISION, diffusers_files(brain, form)),
        "there and back": (RENAMED, single(diffusion.back(diffusion.folder(tensors, form), form))),
        "there and back, f16": (PRECISION, single(diffusion.back(diffusion.folder(half, form), form))),
        "f16": (PRECISION, single(half)),
        "bf16": (PRECISION, single(brain)),
        "with EMA copies": (RENAMED, single(with_ema(tensors))),
        "ckpt": ("same-tensors", {"model.ckpt": torch_zip(nested)}),
    }


def _misses(tensors: Tensors, form: Form, seed: int) -> dict[str, tuple[str, bool | str, Tensors]]:
    other = diffusion.checkpoint(seed + 100, form)
    unet = _below(tensors, UNET)
    tuned, swapped = {**tensors, **misses.trained(1e-3)(unet)}, {**tensors, **_below(other, VAE)}
    encoder = {name: array for name, array in other.items() if not name.startswith((UNET, VAE))}
    return {
        "another seed": ("different", False, other),
        "fine-tune 1e-4 of the U-Net": ("finetune-of", False, {**tensors, **misses.trained(1e-4)(unet)}),
        "fine-tune 1e-3 of the U-Net": ("finetune-of", False, tuned),
        "LoRA merged into all": ("finetune-of", False, {**tensors, **misses.lora_merged(1.0, 2e-2)(unet)}),
        "half of it, half of another": ("finetune-of", False, misses.merged(other, 0.5)(tensors)),
        "one tensor changed 1e-4": ("finetune-of", False, {**tensors, **misses.trained_tensor(1e-4)(unet)}),
        "two tensors swapped": ("rearranged", False, {**tensors, **misses.tensors_swapped(unet)}),
        "two layers swapped": ("rearranged", False, {**tensors, **misses.layers_swapped(unet)}),
        "another VAE": ("shares-parts", "partial", swapped),
        "another text encoder": ("shares-parts", "partial", {**tensors, **encoder}),
        "another U-Net": ("different", False, {**tensors, **_below(other, UNET)}),
    }


def _below(tensors: Mapping[str, Array], prefix: str) -> Tensors:
    return {name: array for name, array in tensors.items() if name.startswith(prefix)}


def lora_cases(folder: JudgedFolder, seed: int) -> None:
    """A LoRA of kohya's, the same as others write it, and ones that act otherwise."""
    found, other = lora.pairs(seed), lora.pairs(seed + 100)
    half = {name: (down.astype(HALF), up.astype(HALF)) for name, (down, up) in found.items()}
    base = folder.put("lora/base", single(lora.kohya(found)))
    same = {
        "diffusers": (RENAMED, single(lora.diffusers(found))),
        "PEFT": (RENAMED, lora.peft(found)),
        "without alpha": (RENAMED, single(lora.kohya(found, None))),
        "f16": (PRECISION, single(lora.kohya(half))),
        "diffusers f16": (PRECISION, single(lora.diffusers(half))),
        "PEFT f16": (PRECISION, lora.peft(half)),
    }
    for kind, (relation, files) in same.items():
        folder.judge(Case(folder.put(f"lora/same/{kind}", files), base, relation, same=True, kind=f"lora: {kind}"))
    near = {
        "another alpha": single(lora.kohya(found, 4)),
        "another alpha, f16": single(lora.kohya(half, 4)),
        "another alpha of PEFT": lora.peft(found, 4),
        "twice as strong": single(lora.kohya(lora.rescaled(found, 2))),
        "another seed": single(lora.kohya(other)),
        "another seed, diffusers": single(lora.diffusers(other)),
    }
    for kind, files in near.items():
        folder.judge(
            Case(folder.put(f"lora/near/{kind}", files), base, "finetune-of", same=False, kind=f"lora: {kind}")
        )
