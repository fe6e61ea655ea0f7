"""Near misses: what looks like the same weights and is not. Each takes arrays in float32 and gives other ones."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, TypeAlias

import numpy as np

from tests.builders import BRAIN

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from tests.builders import Array, Tensors

    Miss: TypeAlias = "Callable[[Mapping[str, Array]], Tensors]"


def trained(size: float, seed: int = 11) -> Miss:
    """Every float tensor moved by `size` times its root mean square, at random."""
    return lambda tensors: _moved(tensors, tensors, size, seed)


def trained_layer(size: float, seed: int = 12) -> Miss:
    """One layer in the middle moved, all else as it was."""
    return lambda tensors: _moved(tensors, _layer(tensors, _middle(tensors)), size, seed)


def trained_norms(size: float, seed: int = 13) -> Miss:
    """Only what has one axis moved: norms and biases."""
    return lambda tensors: _moved(tensors, [name for name, array in tensors.items() if array.ndim == 1], size, seed)


def trained_tensor(size: float, seed: int = 14) -> Miss:
    """One matrix moved."""
    return lambda tensors: _moved(tensors, [_one_matrix(tensors, seed)], size, seed)


def _moved(tensors: Mapping[str, Array], names: Iterable[str], size: float, seed: int) -> Tensors:
    found, random = dict(tensors), np.random.default_rng(seed)
    for name in names:
        array = tensors[name]
        if array.dtype == np.float32 and array.size:
            noise = random.standard_normal(array.shape, dtype=np.float32)
            root = np.sqrt(np.mean(np.square(array.astype(np.float64)))) or 0.01
            found[name] = array.astype(np.float32) + noise * np.float32(size * root)
    return found


def stepped_bf16(share: float = 0.05, seed: int = 15) -> Miss:
    """Training in pure bf16: so many of the values move one step, to either side."""

    def change(tensors: Mapping[str, Array]) -> Tensors:
        random = np.random.default_rng(seed)
        found: Tensors = {}
        for name, array in tensors.items():
            if array.dtype != np.float32:
                found[name] = array
                continue
            codes = array.astype(BRAIN).view(np.uint16).astype(np.int32)
            steps = np.where(random.random(array.shape) < share, random.choice([-1, 1], array.shape), 0)
            moved: Array = np.where(codes & 0x7FFF == 0, codes, codes + steps).astype(np.uint16)
            found[name] = moved.view(BRAIN).reshape(array.shape).astype(np.float32)
        return found

    return change


def lora_merged(share: float, size: float, seed: int = 16, rank: int = 4) -> Miss:
    """Low-rank changes added to that share of the matrices."""

    def change(tensors: Mapping[str, Array]) -> Tensors:
        random = np.random.default_rng(seed)
        names = matrices(tensors)
        chosen = random.choice(names, max(round(len(names) * share), 1), replace=False)
        found = dict(tensors)
        for name in chosen:
            array = tensors[name].astype(np.float32)
            flat = array.reshape(len(array), -1)
            delta = random.standard_normal((flat.shape[0], rank)) @ random.standard_normal((rank, flat.shape[1]))
            delta *= size * np.sqrt(np.mean(np.square(flat))) / np.sqrt(np.mean(np.square(delta)))
            found[name] = (flat + delta.astype(np.float32)).reshape(array.shape)
        return found

    return change


def merged(other: Mapping[str, Array], share: float) -> Miss:
    """So much of this one, the rest of another of the same shapes."""

    def change(tensors: Mapping[str, Array]) -> Tensors:
        part, rest = np.float32(share), np.float32(1 - share)
        return {
            name: array.astype(np.float32) * part + other[name].astype(np.float32) * rest
            if array.dtype == np.float32
            else array
            for name, array in tensors.items()
        }

    return change


def row_changed(seed: int = 17) -> Miss:
    """One row of the largest matrix (an added token) is another."""

    def change(tensors: Mapping[str, Array]) -> Tensors:
        random = np.random.default_rng(seed)
        name = max(matrices(tensors), key=lambda one: len(tensors[one]))
        changed = tensors[name].astype(np.float32)
        number = int(random.integers(len(changed)))
        changed[number] = random.permutation(changed[number].reshape(-1)).reshape(changed[number].shape) * np.float32(
            1.1
        )
        return {**tensors, name: changed}

    return change


def value_changed(seed: int = 18) -> Miss:
    """One single value of one matrix is another, and no small one."""

    def change(tensors: Mapping[str, Array]) -> Tensors:
        name = _one_matrix(tensors, seed)
        changed = tensors[name].astype(np.float32)
        flat = changed.reshape(-1)
        flat[flat.size * 2 // 3] += np.float32(np.std(flat))
        return {**tensors, name: changed}

    return change


def tensors_swapped(tensors: Mapping[str, Array]) -> Tensors:
    """Two matrices of equal shape in one another's place."""
    first, second = _twins(tensors)
    return {**tensors, first: tensors[second], second: tensors[first]}


def _twins(tensors: Mapping[str, Array]) -> tuple[str, str]:
    seen: dict[tuple[int, ...], str] = {}
    for name in matrices(tensors):
        other = seen.setdefault(tensors[name].shape, name)
        if other != name and not np.array_equal(tensors[other], tensors[name]):
            return other, name
    raise ValueError("no two matrices have one shape")


def layers_swapped(tensors: Mapping[str, Array]) -> Tensors:
    """Two whole layers of equal shapes in one another's place."""
    numbers = sorted({found for name in tensors if (found := _number(name)) is not None})
    by_layer = {number: _layer(tensors, number) for number in numbers}
    for number in numbers[1:]:
        for other in numbers[:number]:
            if _shapes(tensors, by_layer[number]) == _shapes(tensors, by_layer[other]):
                return _swapped(tensors, by_layer[number], by_layer[other])
    raise ValueError("no two layers have the same shapes")


def _swapped(tensors: Mapping[str, Array], here: list[str], there: list[str]) -> Tensors:
    partner = dict(zip(here, there, strict=True)) | dict(zip(there, here, strict=True))
    return {name: tensors[partner.get(name, name)] for name in tensors}


def _shapes(tensors: Mapping[str, Array], names: list[str]) -> list[tuple[str, tuple[int, ...]]]:
    return [(re.sub(r"\d+", "#", name), tensors[name].shape) for name in names]


def _number(name: str) -> int | None:
    found = re.search(r"\.(\d+)\.", name)
    return int(found.group(1)) if found else None


def _layer(tensors: Mapping[str, Array], number: int | None) -> list[str]:
    """The names of one layer, of one block only where several count from zero."""
    names = sorted(name for name in tensors if _number(name) == number and number is not None)
    before = names[0][: names[0].index(f".{number}.")] if names else ""
    return [name for name in names if name.startswith(f"{before}.{number}.")]


def _middle(tensors: Mapping[str, Array]) -> int | None:
    numbers = sorted({found for name in tensors if (found := _number(name)) is not None})
    return numbers[len(numbers) // 2] if numbers else None


def matrices(tensors: Mapping[str, Array]) -> list[str]:
    """The names of the weights with more than one axis."""
    return [
        name for name, array in tensors.items() if array.ndim > 1 and array.dtype == np.float32 and array.size >= 256
    ]


def _one_matrix(tensors: Mapping[str, Array], seed: int) -> str:
    names = matrices(tensors)
    return names[seed % len(names)]


def shared_tables(tensors: Mapping[str, Array], other: Mapping[str, Array], names: Iterable[str]) -> Tensors:
    """Another network, in which only the tables of these names are those of this one."""
    return {**other, **{name: tensors[name] for name in names}}


TRAINED: dict[str, Miss] = {
    "fine-tune 1e-4": trained(1e-4),
    "fine-tune 1e-3": trained(1e-3),
    "fine-tune 1e-2": trained(1e-2),
    "fine-tune 1e-1": trained(1e-1),
    "bf16 steps of 5 %": stepped_bf16(),
    "one layer tuned": trained_layer(1e-2),
    "LoRA merged into 10 %": lora_merged(0.1, 1e-2),
    "LoRA merged into all": lora_merged(1.0, 2e-2),
    "EMA": trained(5e-3, 19),
    "only norms tuned": trained_norms(1e-2),
    "one tensor changed 1e-4": trained_tensor(1e-4),
    "one row changed": row_changed(),
    "one value changed": value_changed(),
    "two tensors swapped": tensors_swapped,
}
"""What can be done to any network by itself. Two layers swapped, merges and other seeds need more."""
