"""What a file's own header says for people."""

from __future__ import annotations

from typing import TYPE_CHECKING

from catalog.formats import Probe
from catalog.services.identity.header import said
from catalog.services.identity.known import Known
from catalog.vocabulary import Format, Outcome

if TYPE_CHECKING:
    from catalog.formats import Json


def _header(**metadata: Json) -> Probe:
    return Probe(Format.GGUF, Outcome.OK, metadata={key.replace("__", "."): value for key, value in metadata.items()})


def test_modelspec_tells_licence_tags_and_trigger_words() -> None:
    told = said(
        _header(modelspec__license="CreativeML", modelspec__tags="a, b,a,", modelspec__trigger_phrase="ohwx man")
    )
    assert told == Known(licence="CreativeML", tags=("a", "b"), words=("ohwx man",))


def test_gguf_tells_version_licence_source_and_tags() -> None:
    told = said(
        _header(
            general__version="v0.2",
            general__license="mit",
            general__source__url="javascript:alert(1)",
            general__repo_url="https://huggingface.co/org/name",
            general__tags=["chat", 7, "chat"],
        )
    )
    assert told == Known(version="v0.2", licence="mit", source="https://huggingface.co/org/name", tags=("chat",))


def test_what_is_no_text_says_nothing() -> None:
    assert said(_header(general__version=3, general__tags={"a": "b"}, modelspec__license=["x"])) == Known()
