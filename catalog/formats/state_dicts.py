"""The tensors in the tree that a pickle is, and the names they have there.

A tensor is named by the keys on the way to it, joined by dots. What programs wrap around the weights is left out, so
that weights saved plainly and weights saved under `state_dict` have the same names:

- if the dictionary has one entry that is called like weights (`state_dict`, `model`, `params` ...) and no other one is
  as large, its tensors are named as inside it, however often that happens; if there are several, all keep their path;
- copies with averaged values (`ema`, `params_ema` ...) begin with `ema.`; where nothing else is there, they are the
  weights;
- what belongs to the training alone (`optimizer_states`, `lr_schedulers`, `callbacks` ...) begins with `optimizer`;
- modules pickled whole give their parameters, buffers and submodules the names that their own `state_dict()` would.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, NamedTuple, TypeAlias

from catalog.formats.base import malformed
from catalog.formats.pickle_values import Made, Name, Pairs, Tensor, Value
from catalog.formats.text import clean_name

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from catalog.formats.base import Json


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


MAX_DEPTH = 256
MAX_TENSORS = 100_000
MAX_NAME = 4_096
MAX_NAMES = 33_554_432
"""Characters of all names."""
MAX_FACTS = 256
"""Plain values beside the tensors that are kept, none deeper than `_FACT_DEPTH`, no text longer than `_FACT_TEXT`."""

_FACT_DEPTH = 3
_CONTAINERS = (list, tuple, Pairs, Made)
_PLAIN = (str, bytes, int, float, type(None), Name)
_FACT_TEXT = 4_096
_FACT_LIST = 64

_WEIGHTS = _words(
    """
    state_dict model module params parameters weights generator net network state model_state
    model_state_dict model_dict net_dict net_g netg g gen student checkpoint
    """
)
_AVERAGED = re.compile(r"(?:.+_)?ema(?:_.+)?|averaged_model|swa_model|swa_state_dict")
_OPTIMISER = ("optimizer.", "optimizer_state.", "optimizer_states.", "optimizer_state_dict.", "optim.")
_TRAINING = _words(
    """
    opt opts callbacks loops scaler grad_scaler amp amp_scaler scheduler schedulers lr_scheduler
    lr_schedulers lr_scheduler_state_dict scheduler_state_dict amp_scaling_state rng_state rng_states
    random_state cuda_rng_state
    """
)

Path: TypeAlias = "tuple[str, ...]"
"""The keys on the way; within an object its own way is one key."""


class Found(NamedTuple):
    """`tensors` by where they are, `facts`: the plain values near the root."""

    tensors: list[tuple[Path, Tensor]]
    facts: dict[str, Json]


class _Place(NamedTuple):
    value: Value
    path: Path  # the keys of dictionaries and lists
    tail: str  # the way within an object
    depth: int
    inside: bool  # an object

    @property
    def whole(self) -> Path:
        return (*self.path, self.tail) if self.tail else self.path


def find(root: Value, legacy: Callable[[Made], Tensor | None]) -> Found:
    """Every tensor in the tree, each container looked into once. `legacy` tells an object that is a tensor."""
    found = Found([], {})
    seen: set[int] = set()
    left = [_Place(root, (), "", 0, inside=False)]
    characters = 0
    while left:
        place = left.pop()
        value = legacy(place.value) or place.value if isinstance(place.value, Made) else place.value
        if isinstance(value, Tensor):
            found.tensors.append((place.whole, value))
            characters += sum(map(len, place.whole))
            _check_room(len(found.tensors), characters)
        elif isinstance(value, (Pairs, Made, list, tuple)):
            if id(value) not in seen and place.depth < MAX_DEPTH:
                seen.add(id(value))
                left.extend(reversed([*_children(place)]))
        elif len(found.facts) < MAX_FACTS and 0 < len(place.path) <= _FACT_DEPTH and not place.inside:
            _note(found.facts, place)
    return found


def names(tensors: list[tuple[Path, Tensor]]) -> dict[str, Tensor]:
    """A name of its own for each tensor."""
    paths = [path for path, _ in tensors]
    chosen = _without_wrappers(paths)
    if len(set(chosen)) != len(chosen):
        chosen = [".".join(path) for path in paths]
    named: dict[str, Tensor] = {}
    numbers: dict[str, int] = {}
    for name, (_, tensor) in zip(chosen, tensors, strict=True):
        named[_unused(clean_name(name or "tensor"), named, numbers)] = tensor
    return named


def _check_room(count: int, characters: int) -> None:
    if count > MAX_TENSORS or characters > MAX_NAMES:
        raise malformed(f"More tensors or longer names than are read ({MAX_TENSORS:,})", "the pickle")


def _children(place: _Place) -> Iterator[_Place]:
    inside = place.inside or isinstance(place.value, Made)
    room = MAX_NAME - sum(map(len, place.path)) - len(place.tail)
    plain = inside or len(place.path) >= _FACT_DEPTH
    for key, value in _entries(place.value):
        if _is_empty(value) if isinstance(value, _CONTAINERS) else plain and isinstance(value, _PLAIN):
            continue
        if len(key) >= room:
            raise malformed(f"A name of more than {MAX_NAME:,} characters", "the pickle")
        path, tail = place.path, f"{place.tail}.{key}" if place.tail else key
        if not inside:
            path, tail = (*path, key), ""
        yield _Place(value, path, tail, place.depth + 1, inside)


def _is_empty(value: Value) -> bool:
    if isinstance(value, Made):
        return not (value.args or value.state or value.items or value.pairs)
    return not (value.flat if isinstance(value, Pairs) else value)


def _entries(value: Value) -> Iterable[tuple[str, Value]]:
    """What a container holds, by name."""
    if isinstance(value, Pairs):
        return _last_of_each(value)
    if isinstance(value, (list, tuple)):
        return ((str(at), item) for at, item in enumerate(value))
    return _attributes(value) if isinstance(value, Made) else ()


def _last_of_each(pairs: Pairs) -> Iterable[tuple[str, Value]]:
    """Name and value of each key, the last one where it is given twice. Objects are different keys, each of them."""
    found: dict[tuple[str, str, int], tuple[str, Value]] = {}
    for at, (key, value) in enumerate(zip(pairs.flat[::2], pairs.flat[1::2], strict=True)):
        name = _key(key)
        found[type(key).__name__, name, at if name.startswith("<") else 0] = (name, value)
    return found.values()


def _key(key: Value) -> str:
    """A key as text: numbers as they are written, anything else by its kind."""
    if isinstance(key, str):
        return key
    if isinstance(key, bytes):
        return key.decode("utf-8", "replace")
    if isinstance(key, (bool, int, float)) and (not isinstance(key, int) or key.bit_length() <= 64):
        return str(key)
    if isinstance(key, tuple) and len(key) <= 4 and all(isinstance(part, (str, bool)) for part in key):
        return ",".join(map(str, key))
    return f"<{type(key).__name__.lower()}>"


def _attributes(made: Made) -> Iterable[tuple[str, Value]]:
    """What an object holds: a module's parameters, buffers and submodules; else all that was put into it."""
    state = [part for part in _states(made.state) if isinstance(part, Pairs)]
    attributes = {key: value for part in state for key, value in _last_of_each(part)}
    if "_parameters" in attributes and "_modules" in attributes:
        for kind in ("_parameters", "_buffers", "_modules"):
            yield from _within(attributes.get(kind), kind)
        return
    yield from attributes.items()
    if not state:
        yield from _within(made.state, "state")
    yield from _within(made.args, "args")
    yield from _within(made.items, "items")
    yield from _within(made.pairs, "pairs")


def _within(value: Value, name: str) -> Iterable[tuple[str, Value]]:
    """What a plain container holds; an object, which may hold itself, under that name."""
    return _entries(value) if not isinstance(value, Made) else ((name, value),)


def _states(state: Value) -> tuple[Value, ...]:
    """A state, or the state and the slots of one that has both."""
    return state if isinstance(state, tuple) and len(state) == 2 else (state,)


def _note(facts: dict[str, Json], place: _Place) -> None:
    """Keep a plain value, unless it belongs to the training's own state or would be long."""
    value = place.value
    if any(_is_training(part) for part in place.path) or not isinstance(value, (bool, int, float, str)):
        return
    if isinstance(value, int) and value.bit_length() > 63:
        return
    if not isinstance(value, str) or len(value) <= _FACT_TEXT:
        facts[".".join(place.path)] = value


def _without_wrappers(paths: list[Path]) -> list[str]:
    """The name of each path, by the rule of this module."""
    chosen = [""] * len(paths)
    inner, cut = list(range(len(paths))), 0
    while inner:
        groups: dict[str, list[int]] = {}
        for at in inner:
            if len(paths[at]) > cut + 1:
                groups.setdefault(paths[at][cut], []).append(at)
        wrapped = groups.get(_wrapper({key: len(group) for key, group in groups.items()}, len(inner)), [])
        averaged = sum(map(_is_averaged, groups)) == 1
        within = set(wrapped)
        for at in inner:
            if at not in within:
                chosen[at] = _name(paths[at][cut:], averaged=averaged)
        inner, cut = wrapped, cut + 1
    return chosen


def _wrapper(groups: dict[str, int], total: int) -> str:
    """The key under which the weights are, of the keys with the number of tensors below them; empty for none."""
    own = {key: count for key, count in groups.items() if not _is_training(key) and not _is_averaged(key)}
    named = [key for key in own if key.lower() in _WEIGHTS]
    if len(named) == 1 and all(own[key] < own[named[0]] for key in own if key != named[0]):
        return named[0]
    averaged = [key for key in groups if _is_averaged(key)]
    others = total - sum(count for key, count in groups.items() if key not in own)
    return averaged[0] if len(averaged) == 1 and not others else ""


def _name(path: Path, *, averaged: bool) -> str:
    """`averaged`: there is one averaged copy only, so its own key says nothing."""
    joined = ".".join(path)
    if len(path) > 1 and _is_averaged(path[0]):
        return f"ema.{'.'.join(path[1:]) if averaged else joined}"
    if len(path) > 1 and _is_training(path[0]) and not joined.startswith(_OPTIMISER):
        return f"optimizer.{joined}"
    return joined


def _is_averaged(key: str) -> bool:
    return _AVERAGED.fullmatch(key.lower()) is not None


def _is_training(key: str) -> bool:
    low = key.lower()
    return low in _TRAINING or low.startswith("optim") or low.endswith(("_optim", "_optimizer", "_opt"))


def _unused(name: str, taken: dict[str, Tensor], numbers: dict[str, int]) -> str:
    """The name, or the name with the first number that makes it one of its own; `numbers` remembers the last ones."""
    free = name
    while free in taken:
        numbers[name] = numbers.get(name, 1) + 1
        free = f"{name} ({numbers[name]})"
    return free
