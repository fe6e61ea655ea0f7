"""The sidecar of ComfyUI-Lora-Manager."""

from __future__ import annotations

import json

from catalog.sidecars.lora_manager import read
from catalog.vocabulary import Algorithm, ClaimSource


def test_its_own_fields_come_before_those_of_civitai() -> None:
    told = read(
        json.dumps(
            {
                "file_name": "style_v2",
                "model_name": "My Style",
                "sha256": "AB" * 32,
                "base_model": "Pony",
                "notes": "use at 0.7<br>or less",
                "tags": ["style"],
                "civitai": {
                    "id": 5,
                    "modelId": 4,
                    "name": "v2",
                    "trainedWords": ["mystyle"],
                    "model": {"name": "A Style"},
                },
            }
        ).encode()
    )

    assert (told.name, told.version_name, told.base, told.notes) == ("My Style", "v2", "Pony", "use at 0.7\nor less")
    assert (told.trigger_words, told.tags) == (("mystyle",), ("style",))
    assert [(one.algorithm, one.source) for one in told.hashes] == [(Algorithm.SHA256, ClaimSource.SIDECAR)]


def test_the_name_of_the_file_is_no_name() -> None:
    assert read(json.dumps({"file_name": "x", "model_name": "x", "base_model": "Unknown"}).encode()).name == ""
