"""Ids that other programs and sites give to a model: what the scheme is called, and the page that shows it."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING
from urllib.parse import quote

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from catalog.models import ExternalId

_REPOSITORY = re.compile(r"(?P<repo>[\w.-]+(?:/[\w.-]+)?)(?:@(?P<at>[^/@]+)(?:/(?P<path>.+))?)?")
_OLLAMA = re.compile(r"(?:registry\.ollama\.ai/)?(?:(?P<user>[\w.-]+)/)?(?P<name>[\w.-]+)(?::(?P<tag>[\w.-]+))?")
_COMMIT = re.compile(r"(?<=@)[0-9a-f]{40}\b")
_COMMIT_DIGITS = 7
_OWN = "library"
"""The namespace of Ollama's own models."""


@dataclass(frozen=True, slots=True)
class Known:
    """One id. `url` is the page of it on the web; empty where there is none. `shown` has a long commit cut short."""

    scheme: str
    label: str
    value: str
    url: str

    @property
    def shown(self) -> str:
        """The value as a page has room for it."""
        return _COMMIT.sub(lambda found: found[0][:_COMMIT_DIGITS], self.value)


def known(rows: Iterable[ExternalId]) -> tuple[Known, ...]:
    """Each id once, those of the model before those of its variants, by scheme."""
    ranked = sorted(rows, key=lambda row: (row.model_id is None, _rank(row.scheme), row.scheme, row.value))
    pairs = dict.fromkeys((row.scheme, row.value) for row in ranked)
    return tuple(Known(scheme, label_of(scheme), value, url_of(scheme, value)) for scheme, value in pairs)


def label_of(scheme: str) -> str:
    """The scheme's name for people; one of a newer release as it stands."""
    return _SCHEMES[scheme][0] if scheme in _SCHEMES else scheme


def url_of(scheme: str, value: str) -> str:
    """Where an id leads on the web. A value of another shape than the scheme's leads nowhere."""
    return _SCHEMES[scheme][1](value) if scheme in _SCHEMES else ""


def _rank(scheme: str) -> int:
    return list(_SCHEMES).index(scheme) if scheme in _SCHEMES else len(_SCHEMES)


def _numbered(page: str) -> Callable[[str], str]:
    return lambda value: f"https://civitai.com/{page}/{value}" if re.fullmatch(r"[0-9]{1,18}", value) else ""


def _hugging_face(value: str) -> str:
    """`repo@commit/path`: the file at that commit; less of it: the repository."""
    found = _REPOSITORY.fullmatch(value)
    if found is None:
        return ""
    page = f"https://huggingface.co/{quote(found['repo'])}"
    if found["at"]:
        page += f"/{'blob' if found['path'] else 'tree'}/{quote(found['at'])}"
    return f"{page}/{quote(found['path'])}" if found["path"] else page


def _ollama(value: str) -> str:
    """`name:tag`, or `user/name:tag`; what was pulled from elsewhere has no page there."""
    found = _OLLAMA.fullmatch(value)
    if found is None:
        return ""
    tag = f":{found['tag']}" if found["tag"] else ""
    return f"https://ollama.com/{found['user'] or _OWN}/{found['name']}{tag}"


def _nowhere(value: str) -> str:
    return ""


_SCHEMES: Mapping[str, tuple[str, Callable[[str], str]]] = {
    "civitai-model": ("Civitai model", _numbered("models")),
    "civitai-version": ("Civitai version", _numbered("model-versions")),
    "hf": ("Hugging Face", _hugging_face),
    "ollama": ("Ollama", _ollama),
    "ollama-id": ("Ollama id", _nowhere),
    "invokeai-key": ("InvokeAI", _nowhere),
    "air": ("AIR", _nowhere),
}
