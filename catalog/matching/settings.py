"""What is not weights, compared and named: settings, configurations of a folder, tokenizer, chat template."""

from __future__ import annotations

import json
import math
from dataclasses import replace
from itertools import chain, islice
from typing import TYPE_CHECKING

from catalog.formats.folders import CONFIG, HEADER
from catalog.matching import scales
from catalog.matching.base import Difference
from catalog.matching.meanings import MEANING, NOISE
from catalog.matching.scales import number
from catalog.vocabulary import Direction, Relation, SameModel

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from catalog.formats.base import Json
    from catalog.matching.base import ComponentVerdict, Evidence, Subject

_MOST = 64
"""Differences that are named; those that stop a join come first."""
_DEEPEST = 4
_MOST_KEYS = 10_000
_LONGEST = 200
_AS_STORED = 1e-6
"""Relative. GGUF keeps as f32 what a configuration writes in decimal: 1e-05 is 9.99999974737875e-06 there."""

_TEMPLATES = ("tokenizer.chat_template", "chat_template")
_TOKENIZERS = ("tokenizer", "vocab", "merges", "special_tokens_map", "added_tokens", "spiece", "sentencepiece")
_PIPELINE = "model_index.json"
_EMPTY = frozenset({"none", "default", ""})
"""Words for "not at all"."""


def stated(evidence: Evidence, left: Subject, right: Subject) -> Evidence:
    """The evidence with the settings that differ, and with what they make of the relation.

    A LoRA of equal matrices that acts at another strength is not the same model.
    """
    if evidence.relation is Relation.IDENTICAL:
        return evidence
    same_names = evidence.relation is Relation.SAME_TENSORS
    strengths = scales.differences(left, right, evidence.components, same_names=same_names)
    found = replace(evidence, settings=(*strengths, *differences(left, right, evidence.components)))
    if found.same_model is SameModel.NO or not any(None not in (one.left, one.right) for one in strengths):
        return found
    return replace(
        found, relation=Relation.DERIVED, same_model=SameModel.NO, direction=Direction.NONE, full=False, doubt=None
    )


def differences(left: Subject, right: Subject, verdicts: Iterable[ComponentVerdict] = ()) -> tuple[Difference, ...]:
    """Each setting that both state, and state differently; those that stop a join first.

    Configurations are compared where both have one of the same name, or one for each of two components that
    `verdicts` bring together.
    """
    found: dict[tuple[str, str], Difference] = {}
    of_variants = _of_tables(left.settings, right.settings, "")
    for one in islice(chain(of_variants, _of_files(left, right, verdicts), _of_words(left, right)), _MOST_KEYS):
        if (one.name.rpartition(".")[2], "") not in found:
            found.setdefault((one.name, one.file), one)
    return tuple(sorted(found.values(), key=lambda one: not one.stops)[:_MOST])


def _of_files(left: Subject, right: Subject, verdicts: Iterable[ComponentVerdict]) -> Iterator[Difference]:
    pairs = dict.fromkeys((name, name) for name in left.metadata if name.endswith(".json") and name in right.metadata)
    pairs |= dict.fromkeys((_config(one.left), _config(one.right)) for one in verdicts)
    for first, second in pairs:
        one, other = left.metadata.get(first), right.metadata.get(second)
        if isinstance(one, dict) and isinstance(other, dict) and first.rpartition("/")[2] != _PIPELINE:
            yield from _of_tables(dict(_flat(one)), dict(_flat(other)), first)


def _config(part: str) -> str:
    return f"{part}/{CONFIG}" if part else CONFIG


def _of_tables(left: Mapping[str, Json], right: Mapping[str, Json], file: str) -> Iterator[Difference]:
    for name, value in left.items():
        last = name.rpartition(".")[2]
        if last in NOISE or last.startswith("_") or name not in right:
            continue
        if _differ(value, right[name]):
            yield Difference(name, _short(value), _short(right[name]), file, last in MEANING)


def _of_words(left: Subject, right: Subject) -> Iterator[Difference]:
    """The chat template, wherever it is stated, and the files of the tokenizer by their digests."""
    one, other = _template(left), _template(right)
    if one and other and one != other:
        yield Difference("chat template", _short(one), _short(other), stops=False)
    for name in sorted(left.files.keys() & right.files.keys()):
        if name.rpartition("/")[2].startswith(_TOKENIZERS) and left.files[name] != right.files[name]:
            yield Difference("tokenizer", left.files[name].hex()[:8], right.files[name].hex()[:8], name, stops=False)


def _template(subject: Subject) -> str:
    places: tuple[Json, ...] = (
        dict(subject.metadata),
        subject.metadata.get(HEADER),
        subject.metadata.get("tokenizer_config.json"),
    )
    said = (place.get(key) for place in places if isinstance(place, dict) for key in _TEMPLATES)
    return next((text for text in said if isinstance(text, str) and text), "")


def _flat(table: Mapping[str, Json]) -> Iterator[tuple[str, Json]]:
    """Nested tables as dotted names, without recursion; what lies deeper than any configuration is left out."""
    waiting: list[tuple[str, Json, int]] = [("", dict(table), 0)]
    told = 0
    while waiting and told < _MOST_KEYS:
        name, value, depth = waiting.pop()
        if isinstance(value, dict):
            if depth < _DEEPEST and name.rpartition(".")[2] not in NOISE:
                waiting += [(f"{name}.{key}" if name else key, inner, depth + 1) for key, inner in value.items()]
        else:
            told += 1
            yield name, value


def _differ(left: Json, right: Json) -> bool:
    """Both state something, and it is not the same; numbers as exactly as they are kept."""
    if _nothing(left) or _nothing(right):
        return False
    one, other = number(left), number(right)
    if one is not None and other is not None:
        return not math.isclose(one, other, rel_tol=_AS_STORED)
    if isinstance(left, str) and isinstance(right, str):
        return left.lower() != right.lower()
    return type(left) is not type(right) or _text(left) != _text(right)


def _nothing(value: Json) -> bool:
    return value is None or (isinstance(value, str) and value.lower() in _EMPTY)


def _short(value: Json) -> Json:
    """What a line can hold of a value."""
    if isinstance(value, int) and value.bit_length() > _WIDEST:
        return "a very large number"
    if not isinstance(value, str | list | dict):
        return value
    text = value if isinstance(value, str) else _text(value)
    if len(text) <= _LONGEST:
        return value
    return text[: _LONGEST - 1] + "…"


def _text(value: Json) -> str:
    """One spelling; what is nested deeper, or longer in digits, than anything sane is all alike."""
    try:
        return json.dumps(value, sort_keys=True)
    except (RecursionError, ValueError):
        return _DEEP


_WIDEST = 64
_DEEP = "…" * (_LONGEST + 1)
