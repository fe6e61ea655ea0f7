"""ComfyUI's `extra_model_paths.yaml`: further folders with models, by category.

Source: https://github.com/comfyanonymous/ComfyUI, utils/extra_config.py (`load_extra_path_config`) and folder_paths.py
(`map_legacy`). Like there, `~` and variables count in `base_path` alone, and a relative path counts from the folder of
the file. Unlike there, only variables that hold a place are filled in, so that none with a secret can be asked for.
"""

from __future__ import annotations

import os
import re
from typing import TYPE_CHECKING, NamedTuple

import yaml

from catalog.layouts.comfyui import LEGACY

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

FILE_NAME = "extra_model_paths.yaml"
LARGEST = 64 << 10
_DEEPEST = 6
_MOST = 500
_NO_MODELS = frozenset(("base_path", "is_default", "custom_nodes", "configs"))
_TRUE = frozenset(("true", "yes", "on", "1"))
_VARIABLE = re.compile(r"\$(?:(\w+)|\{([^}]*)\})")
_NAMES = frozenset(("USER", "LOGNAME"))


class NotExtraPathsError(ValueError):
    """The text is no such file; the message says in a sentence why."""


class ExtraFolder(NamedTuple):
    """One folder with models of a category. `base` is the `base_path` of its section, absolute; "" without one."""

    path: str
    category: str
    is_default: bool
    base: str


def parse(text: str, *, beside: str = "", environment: Mapping[str, str] = os.environ) -> tuple[ExtraFolder, ...]:
    """The folders in the order of the file. `beside` is the folder that the file lies in; "" where it is not known:
    then relative paths are left out.

    Raises `NotExtraPathsError`.
    """
    if len(text) > LARGEST:
        raise NotExtraPathsError(f"This text is too long for an {FILE_NAME}.")
    sections = _read(text)
    if not isinstance(sections, dict):
        raise NotExtraPathsError(f"This is no {FILE_NAME}: it has no sections with folders.")
    found: list[ExtraFolder] = []
    for section in sections.values():
        if isinstance(section, dict):
            found += _folders(section, beside, environment)
    return tuple(found[:_MOST])


def _read(text: str) -> object:
    """Every value as text. References within the file are refused, since a few of them can stand for a million."""
    try:
        depth = 0
        for event in yaml.parse(text, Loader=yaml.BaseLoader):
            depth += isinstance(event, yaml.CollectionStartEvent)
            depth -= isinstance(event, yaml.CollectionEndEvent)
            if isinstance(event, yaml.AliasEvent) or depth > _DEEPEST:
                raise NotExtraPathsError(f"This is no {FILE_NAME}: it is more than a list of sections with folders.")
        return yaml.BaseLoader(text).get_single_data()
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        where = f" in line {mark.line + 1}" if mark is not None else ""
        raise NotExtraPathsError(f"This text is no YAML: something is wrong{where}.") from error


def _folders(section: Mapping[object, object], beside: str, environment: Mapping[str, str]) -> Iterator[ExtraFolder]:
    given = section.get("base_path")
    base = _placed(_expanded(given, environment), beside) if isinstance(given, str) and given else ""
    default = str(section.get("is_default", "")).lower() in _TRUE
    for category, value in section.items():
        if not isinstance(category, str) or category in _NO_MODELS or not isinstance(value, str):
            continue
        for line in filter(None, map(str.strip, value.split("\n"))):
            path = _placed(line, base or beside)
            if path and not (given and not base):
                yield ExtraFolder(path, LEGACY.get(category, category), default, base)


def _placed(path: str, below: str) -> str:
    """Absolute and without `..`; "" where it cannot be told."""
    whole = os.path.join(below, path)
    return os.path.normpath(whole) if whole.startswith("/") and "\0" not in whole else ""


def _expanded(path: str, environment: Mapping[str, str]) -> str:
    if path == "~" or path.startswith("~/"):
        path = environment.get("HOME", "~") + path[1:]
    return _VARIABLE.sub(lambda found: _value(found[1] or found[2] or "", found[0], environment), path)


def _value(name: str, written: str, environment: Mapping[str, str]) -> str:
    value = environment.get(name, "")
    return value if name in _NAMES or value.startswith("/") else written
