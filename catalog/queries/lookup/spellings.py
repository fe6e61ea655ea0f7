"""The ways in which people write the ids that other programs give: addresses, registries, tags left out."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

_SITE = re.compile(
    r"(?:https?://)?(?:www\.)?(?P<site>huggingface\.co|hf\.co|ollama\.com|registry\.ollama\.ai)/(?P<rest>[^?#]+)(?:[?#].*)?"
)
_ON_HUB = re.compile(r"(?P<repo>[\w.-]+(?:/[\w.-]+)?)/(?:tree|blob|resolve|raw)/(?P<at>[^/]+)(?P<path>/.*)?", re.ASCII)
_AT_COMMIT = re.compile(r"(?P<repo>[\w.-]+(?:/[\w.-]+)?@[0-9a-f]{40})(?P<path>/.*)?", re.ASCII | re.DOTALL)
_COMMIT = re.compile(r"[0-9a-f]{40}")
_TAGLESS = re.compile(r"[\w.-]+(?:/[\w.-]+){0,3}", re.ASCII)
_OWN = "library/"
_LATEST = ":latest"
_DEEPEST = 16


def spellings(text: str) -> tuple[str, ...]:
    """The values that an id may have which somebody writes like that, the text itself first.

    >>> spellings("https://huggingface.co/org/name/tree/main")
    ('https://huggingface.co/org/name/tree/main', 'org/name')
    >>> spellings("library/llama3")
    ('library/llama3', 'library/llama3:latest', 'llama3', 'llama3:latest')
    """
    return tuple(dict.fromkeys(_spellings(text)))


def _spellings(text: str) -> Iterator[str]:
    yield text
    at_site = _SITE.fullmatch(text)
    rest = at_site["rest"].strip("/") if at_site is not None else text
    if at_site is not None and at_site["site"] in ("huggingface.co", "hf.co"):
        yield from _with_tag(f"hf.co/{rest}")
        rest = _of_address(rest)
        yield rest
    else:
        yield from _with_tag(rest)
        yield from _with_tag(rest.removeprefix(_OWN))
    yield from _at_commit(rest)


def _of_address(rest: str) -> str:
    """`org/name/blob/<commit>/path` as the id that has it; at a branch or a tag, the repository."""
    found = _ON_HUB.fullmatch(rest)
    if found is None:
        return rest
    return f"{found['repo']}@{found['at']}{found['path'] or ''}" if _COMMIT.fullmatch(found["at"]) else found["repo"]


def _with_tag(name: str) -> Iterator[str]:
    """Ollama means `latest` when no tag is given."""
    yield name
    if _TAGLESS.fullmatch(name):
        yield name + _LATEST


def _at_commit(text: str) -> Iterator[str]:
    """A model that is a folder has the id of the folder: a file in it is found by the folders above."""
    found = _AT_COMMIT.fullmatch(text)
    parts = (found["path"] or "").split("/") if found is not None else []
    if found is not None:
        for count in range(min(len(parts), _DEEPEST), 0, -1):
            yield found["repo"] + "/".join(parts[:count])


def begins(text: str) -> str | None:
    """What ids begin with that belong to all of a revision: `org/name@<commit>/`; None for any other text."""
    found = [match for spelt in spellings(text) if (match := _AT_COMMIT.fullmatch(spelt))]
    return f"{found[0]['repo']}/" if found and not any(match["path"] for match in found) else None
