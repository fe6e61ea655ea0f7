"""What CivitAI Browser+ keeps of the API's answers."""

from __future__ import annotations

import json

from catalog.sidecars.api_info import read

MODEL = {"id": 4, "name": "A Model", "type": "LORA", "tags": ["x"]}


def test_a_version_stands_by_itself() -> None:
    assert read(json.dumps({"id": 5, "modelId": 4, "model": {"name": "A Model"}}).encode()).name == "A Model"


def test_a_model_with_one_version_is_that_version() -> None:
    told = read(json.dumps({**MODEL, "modelVersions": [{"id": 5, "name": "v1", "trainedWords": ["w"]}]}).encode())

    assert (told.name, told.version_name, told.trigger_words) == ("A Model", "v1", ("w",))
    assert told.source == "https://civitai.com/models/4?modelVersionId=5"


def test_of_several_versions_none_is_taken_for_this_one() -> None:
    told = read(json.dumps({"items": [{**MODEL, "modelVersions": [{"id": 5, "name": "v1"}, {"id": 6}]}]}).encode())

    assert (told.name, told.version_name, told.source) == ("A Model", "", "https://civitai.com/models/4")
