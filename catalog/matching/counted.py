"""What of a variant is compared: neither EMA copies, nor optimiser state, nor parts that are no part of the model."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from catalog.fingerprints.base import CODES, CORE_VALUES, Fingerprint
from catalog.formats.base import TensorInfo
from catalog.hashing.parts import is_weight, without_copies
from catalog.matching.scales import alphas

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from catalog.fingerprints.base import TensorPrint
    from catalog.matching.base import Subject

_BESIDE = frozenset({"model_ema", "safety_checker", "feature_extractor"})
"""Parts that a model is the same with or without. Folder names: diffusers pipelines; `model_ema`: CompVis."""


def parts(subject: Subject) -> tuple[Fingerprint, ...]:
    """The components of a variant, reduced to their weights; the one with most core values first.

    Without those that hold no core tensor, unless none does; LoRA alphas are left to `scales`.
    """
    found = [part for part in weights(subject) if part.tensors]
    cored = [part for part in found if core_values(part)]
    return tuple(sorted(cored or found, key=lambda part: (-core_values(part), part.name)))


def leftovers(subject: Subject) -> Fingerprint | None:
    """What `parts` leaves out: the small tensors of parts that hold no core tensor, where others do; as one."""
    found = list(weights(subject))
    small = [tensor for part in found if not core_values(part) for tensor in part.tensors]
    if not small or len(small) == sum(len(part.tensors) for part in found):
        return None
    return Fingerprint("", tuple(sorted(small, key=lambda tensor: tensor.name)), found[0].version)


def weights(subject: Subject) -> Iterator[Fingerprint]:
    """Each part with nothing but its weights."""
    whole = [part for part in subject.components if part.name.rpartition("/")[2] not in _BESIDE]
    whole = whole or list(subject.components)
    names = [tensor.name for part in whole for tensor in part.tensors]
    kept = {names[at] for at in without_copies(names)}
    for part in whole:
        left_out = alphas(part)
        yield replace(
            part,
            tensors=tuple(
                tensor
                for tensor in part.tensors
                if tensor.name in kept and tensor.name not in left_out and _weighs(tensor)
            ),
        )


def comparable(lefts: Sequence[Fingerprint], rights: Sequence[Fingerprint]) -> bool:
    """Whether both have components, made by one version: keys and samples of two do not meet, digests do."""
    versions = {part.version for part in (*lefts, *rights)}
    return bool(lefts) and bool(rights) and len(versions) == 1


def ema_copy(subject: Subject) -> Fingerprint | None:
    """The EMA copy that a checkpoint keeps beside the weights it was trained with; None where it has none."""
    names = [tensor.name for part in subject.components for tensor in part.tensors]
    kept = {names[at] for at in without_copies(names)}
    copies = [tensor for part in subject.components for tensor in part.tensors if tensor.name not in kept]
    return Fingerprint("model_ema", tuple(filter(_weighs, copies))) if copies else None


def core_values(part: Fingerprint) -> int:
    """Values of its core tensors; tied ones count once."""
    return sum({tensor.td: tensor.values for tensor in part.tensors if is_core(tensor)}.values())


def is_core(tensor: TensorPrint) -> bool:
    """Big enough, of two dimensions or more, and no constant, to be evidence of its own."""
    if tensor.values < CORE_VALUES or len(tensor.axes) < 2:
        return False
    return tensor.lanes is None or max(tensor.codes_f16, tensor.codes_bf16) >= CODES


def _weighs(tensor: TensorPrint) -> bool:
    """An empty tensor is a mark (`v_pred`), and counted among the settings."""
    return tensor.values > 0 and is_weight(TensorInfo(tensor.name, tensor.dtype, tensor.shape, 0, 0))
