"""Asking only the rules that may speak gives the answers that asking all of them gives."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from catalog import recognition
from catalog.formats.base import Probe, TensorInfo
from catalog.recognition.facts import Facts
from catalog.recognition.index import Index
from catalog.recognition.markers import Either, Has, Says, Tells
from catalog.recognition.rules import BaseRule, KindRule, TraitRule, evidence
from catalog.vocabulary import Format, Kind, Outcome

if TYPE_CHECKING:
    from catalog.formats.base import Json
    from catalog.recognition.rules import Marker

_RULES: list[KindRule | BaseRule | TraitRule] = [
    *(rule for family in recognition.FAMILIES for rule in family.kinds),
    *(rule for family in recognition.FAMILIES for rule in family.bases),
    *(rule for family in recognition.FAMILIES for rule in family.traits),
]


def facts(names: list[str], metadata: dict[str, Json]) -> Facts:
    """A file with tensors of these names."""
    tensors = tuple(TensorInfo(name, "F32", (320, 768), 0, 4) for name in names)
    return Facts(Probe(Format.SAFETENSORS, Outcome.OK, tensors=tensors, metadata=metadata))


def _wanted(marker: Marker) -> tuple[list[str], dict[str, Json]]:
    """Tensors and metadata that may please a marker."""
    if isinstance(marker, Has):
        return [marker.under[-1] + marker.name], {}
    if isinstance(marker, Says):
        file, colon, key = marker.path.rpartition(":")
        return [], {file: {key: marker.words[0]}} if colon else {key: marker.words[0]}
    if isinstance(marker, Tells):
        return [], {marker.keys[-1]: marker.words[0]}
    return _wanted(marker.markers[-1]) if isinstance(marker, Either) else ([], {})


@pytest.mark.parametrize("number", range(0, len(_RULES), 40))
def test_no_rule_that_speaks_is_left_out(number: int) -> None:
    names: list[str] = ["lora_unet_down_blocks_0.lora_up.weight"] if number % 2 else []
    metadata: dict[str, Json] = {}
    for marker in _RULES[number].markers:
        tensors, said = _wanted(marker)
        names += tensors
        metadata |= said
    seen = facts(names, metadata)

    likely = Index(_RULES).likely(seen)
    assert [rule for rule in _RULES if rule not in likely and evidence(rule.markers, seen)] == []
    assert likely == [rule for rule in _RULES if rule in likely], "they stay in their order"


def test_a_rule_whose_tensor_is_missing_is_not_asked() -> None:
    rules = [KindRule(Kind.VAE, (Has("a.weight"),)), KindRule(Kind.LORA, (Either((Has("b"), Has("c", ("", "x.")))),))]
    rules.append(KindRule(Kind.LLM, (Says("config.json:model_type", ("llama",)),)))

    assert Index(rules).likely(facts(["x.c"], {})) == rules[1:2]
    assert Index(rules).likely(facts(["a.weight"], {"config.json": {"model_type": "bert"}})) == [rules[0], rules[2]]
