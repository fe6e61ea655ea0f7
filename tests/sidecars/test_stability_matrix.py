"""The sidecar of StabilityMatrix."""

from __future__ import annotations

import json

from catalog.sidecars.stability_matrix import read
from catalog.vocabulary import ClaimSource

INFO = {
    "ModelId": 4,
    "ModelName": "A Model",
    "VersionId": 5,
    "VersionName": "v5",
    "BaseModel": "SD 1.5",
    "Tags": ["anime"],
    "TrainedWords": ["one, two"],
    "Hashes": {"SHA256": "CD" * 32, "CRC32": "85114A0D"},
    "UserTitle": "",
    "Source": "Civitai",
}


def test_what_it_knows_of_a_model_of_civitai() -> None:
    told = read(json.dumps(INFO).encode())

    assert (told.name, told.version_name, told.base, told.trigger_words) == ("A Model", "v5", "SD 1.5", ("one", "two"))
    assert told.source == "https://civitai.com/models/4?modelVersionId=5"
    assert {one.source for one in told.hashes} == {ClaimSource.CIVITAI}


def test_the_title_of_its_user_comes_first() -> None:
    assert read(json.dumps({**INFO, "UserTitle": "Mine"}).encode()).name == "Mine"


def test_numbers_of_another_site_are_none_of_civitais() -> None:
    told = read(json.dumps({**INFO, "Source": "OpenModelDb"}).encode())

    assert (told.ids, told.source) == ((), "")
    assert {one.source for one in told.hashes} == {ClaimSource.SIDECAR}
