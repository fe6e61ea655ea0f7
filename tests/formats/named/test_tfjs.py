"""TensorFlow.js: the description, and shards by their names."""

from __future__ import annotations

import pytest

from catalog.vocabulary import Format
from tests.builders.named import named

LAYERS = b'{"format": "layers-model", "generatedBy": "keras v2.15.0", "convertedBy": "TensorFlow.js Converter v4.2", '
TOPOLOGY = b'"modelTopology": {"node": []}, "weightsManifest": [{"paths": ["group1-shard1of2.bin"], "weights": []}]}'


def test_the_description_tells_who_made_it() -> None:
    probe = named(LAYERS + TOPOLOGY, b"model.json")
    assert probe.format is Format.TFJS
    assert probe.metadata == {
        "format": "layers-model",
        "generatedBy": "keras v2.15.0",
        "convertedBy": "TensorFlow.js Converter v4.2",
    }


def test_an_older_description_begins_with_its_topology() -> None:
    assert named(b"\n{" + TOPOLOGY, b"model.json").format is Format.TFJS


@pytest.mark.parametrize("name", [b"group1-shard1of2.bin", b"group1-shard12of99", b"group2-shard1of1.bin"])
@pytest.mark.parametrize("content", [bytes(5000), b"\x9a\x99" * 2000])
def test_a_shard_is_known_by_its_name(name: bytes, content: bytes) -> None:
    assert named(content, name).format is Format.TFJS
