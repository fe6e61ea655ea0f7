"""Which tensors are weights, and which part of a model each belongs to: told by names and types alone."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from catalog.storage.values import shown

if TYPE_CHECKING:
    from collections.abc import Sequence

    from catalog.formats.base import TensorInfo

REST = ""
"""The part of the tensors that belong to no named part; the only one of a file with no known prefix."""

_PART = re.compile(
    r"(model\.diffusion_model|first_stage_model|cond_stage_model|conditioner\.embedders\.\d+"
    r"|model_ema|text_encoders\.[^.]+|vae)\."
)

_MOST_PARTS = 64

_NO_WEIGHT_TYPES = frozenset({"I64", "BOOL"})

# CompVis stable-diffusion ldm/models/diffusion/ddpm.py: DDPM.register_schedule; k-diffusion external.py: sigmas
_SCHEDULE = frozenset(
    {
        "betas",
        "alphas",
        "alphas_cumprod",
        "alphas_cumprod_prev",
        "sqrt_alphas_cumprod",
        "sqrt_one_minus_alphas_cumprod",
        "log_one_minus_alphas_cumprod",
        "sqrt_recip_alphas_cumprod",
        "sqrt_recipm1_alphas_cumprod",
        "posterior_variance",
        "posterior_log_variance_clipped",
        "posterior_mean_coef1",
        "posterior_mean_coef2",
        "lvlb_weights",
        "sigmas",
        "log_sigmas",
    }
)
_COUNTERS = frozenset({"position_ids", "num_batches_tracked", "num_updates"})

# torch.optim: the per-parameter state of Adam, AdamW, Adagrad, Adadelta, RMSprop and SGD
_OPTIMISER = frozenset(
    {"exp_avg", "exp_avg_sq", "max_exp_avg_sq", "momentum_buffer", "square_avg", "acc_delta", "grad_avg"}
)
_OPTIMISER_PREFIXES = ("optimizer.", "optimizer_state.", "optimizer_states.", "optimizer_state_dict.", "optim.")

# LitEma in CompVis stable-diffusion, ema-pytorch, timm
_EMA_PREFIXES = ("model_ema.", "ema.", "ema_model.", "ema_state_dict.", "state_dict_ema.")


def components(names: Sequence[str], folders: Sequence[str] = ()) -> dict[str, tuple[int, ...]]:
    """The parts with weights of their own: part -> indices into `names`, each in exactly one part.

    A part is the sub-folder that a tensor's file lies in where `folders` (parallel to `names`) says one, else its
    known prefix without the last dot (`conditioner.embedders.0`), else `REST`. Sorted by the part's name.
    """
    found: dict[str, list[int]] = {}
    for index, name in enumerate(names):
        folder = folders[index] if folders else ""
        found.setdefault(folder or _part(name), []).append(index)
    return {part: tuple(found[part]) for part in sorted(found)}


def parts_of(tensors: Sequence[TensorInfo], names: Sequence[bytes]) -> dict[str, tuple[int, ...]]:
    """Part -> its tensors by number: those of a folder of a set, else those with a known prefix.

    `names` are those of the variant's files. A file that makes up parts without end has none.
    """
    folders = () if len(names) == 1 else [shown(name.rpartition(b"/")[0]) for name in names]
    places = [folders[tensor.file] for tensor in tensors] if folders else ()
    found = components([tensor.name for tensor in tensors], places)
    return found if len(found) <= _MOST_PARTS else {REST: tuple(range(len(tensors)))}


def _part(name: str) -> str:
    known = _PART.match(name)
    return known.group(1) if known else REST


def is_weight(tensor: TensorInfo) -> bool:
    """False for 64-bit integers and truth values, noise schedules, position ids, counters and optimiser state.

    32-bit integers stay in: GPTQ and AWQ keep their weights in them.
    """
    if tensor.dtype in _NO_WEIGHT_TYPES or is_optimiser_state(tensor.name):
        return False
    last = tensor.name.rpartition(".")[2]
    if last in _SCHEDULE:  # one number a step: a matrix of that name is something else
        return sum(length > 1 for length in tensor.shape) > 1
    return last not in _COUNTERS


def is_optimiser_state(name: str) -> bool:
    """Whether a training run keeps it beside the weights."""
    return name.startswith(_OPTIMISER_PREFIXES) or name.rpartition(".")[2] in _OPTIMISER


def without_copies(names: Sequence[str]) -> list[int]:
    """The indices of the names that are no EMA copies. Where nothing else is there, they are no copies."""
    kept = [index for index, name in enumerate(names) if not name.startswith(_EMA_PREFIXES)]
    return kept or list(range(len(names)))
