"""What InvokeAI's database says of some places: its key, the name that people gave, hash, source, trigger words."""

from __future__ import annotations

import os
import re
from typing import TYPE_CHECKING, NamedTuple

from catalog.errors import FileProblem
from catalog.hashing.notation import of_nothing, parse
from catalog.models import Library
from catalog.services.findings import Raised
from catalog.services.identity.known import Known, Listed, Name, one_line
from catalog.services.identity.store_hub import SITE
from catalog.storage.invokeai import DATABASE, MODELS, records
from catalog.storage.keys import stem
from catalog.storage.values import shown
from catalog.vocabulary import ClaimSource, FindingCode, NameSource

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from catalog.services.identity.places import Place
    from catalog.storage.invokeai import Record
    from catalog.storage.root import Root

_MOST_INSTALLATIONS = 100
_FOLDER = "invoke-dir:"
_URL = re.compile(r"(https?)://(?:[^/@\s]*@)?([\w.:-]+(?:/[^\s?#]*)?)(?:[?#].*)?")
"""Without the name and password before the host, and without the query: people paste addresses with their tokens."""
_REPOSITORY = re.compile(r"[\w.-]+/[\w.-]+", re.ASCII)
_ON_HUB = re.compile(r"https://huggingface\.co/([\w.-]+/[\w.-]+)(?:/.*)?", re.ASCII)
_ON_CIVITAI = re.compile(r"https://civitai\.com/api/download/models/([0-9]{1,18})")


class Said(NamedTuple):
    """By the number of the location; and the findings about databases, with the paths of those that were read."""

    known: Mapping[int, Known]
    problems: tuple[Raised, ...] = ()
    read: tuple[str, ...] = ()


class Installation(NamedTuple):
    """The absolute path of one; `own` when it is that of the library itself."""

    path: bytes
    own: bool


def of_places(root: Root, library: Library, places: Sequence[Place]) -> Said:
    """What the installations say that these places lie in, and the other libraries', which may use them in place."""
    paths = {place.id: os.path.join(root.real, bytes(place.location.path)) for place in places}
    found: dict[bytes, Record] = {}
    problems, read = [], []
    rows = Library.objects.filter(queue=library.queue, removed_at=None).exclude(pk=library.pk)
    others = [bytes(path) for path in rows.values_list("path", flat=True)]
    for install in installations(root, others, (bytes(place.location.path) for place in places)):
        database = shown(os.path.join(install.path, DATABASE))
        try:
            found |= records(install.path)
        except FileProblem as problem:
            params = {"path": database, "reason": str(problem.params.get("reason", problem))}
            problems += [Raised(FindingCode.NOTE_UNREADABLE, params, library.pk, place=database)] * install.own
        else:
            read.append(database)
    known = {place.id: said for place in places if (said := _said(place, paths[place.id], found)) is not None}
    return Said(known, tuple(problems), tuple(read))


def installations(root: Root, others: Iterable[bytes], paths: Iterable[bytes]) -> list[Installation]:
    """Folders that hold a `models` with something of these in it, then those of other libraries, by their paths.

    Of what lies above a library only its parent is asked, and only when the library is such a `models` itself.
    """
    inside = {path.partition(b"/models/")[0] for path in paths if b"/models/" in path}
    own = [_above(root.real), root.real, *(os.path.join(root.real, folder) for folder in sorted(inside))]
    found = dict.fromkeys(_above(os.path.realpath(path)) for path in others)
    ranked = dict.fromkeys(found, False) | dict.fromkeys(own, True)
    return [Installation(path, own=ranked[path]) for path in dict.fromkeys((*own, *found))][:_MOST_INSTALLATIONS]


def _above(folder: bytes) -> bytes:
    return os.path.dirname(folder) if os.path.basename(folder) == MODELS else folder


def noted(install: Installation) -> bytes:
    """All that the database of an installation says of models, or why it cannot be read; nothing without one."""
    try:
        found = records(install.path)
    except FileProblem as problem:
        return repr((install.path, str(problem))).encode()
    return repr((install.path, sorted(found.items()))).encode("utf-8", "surrogatepass") if found else b""


def _said(place: Place, path: bytes, found: Mapping[bytes, Record]) -> Known | None:
    """A record is of the place itself, or of the folder that the file lies in."""
    itself = found.get(path)
    record = itself or found.get(os.path.dirname(path))
    if record is None:
        return None
    source = _source(record)
    return Known(
        name=_name(record, path),
        ids=(("invokeai-key", one_line(record.key)), *_ids(source)),
        claims=_claims(record, single=place.single and itself is not None),
        source=source,
        words=tuple(dict.fromkeys(word for text in record.words if (word := one_line(text)))),
    )


def _name(record: Record, path: bytes) -> Name | None:
    """InvokeAI begins with the name of the file; anything else was chosen."""
    name = one_line(record.name)
    return Name(name, NameSource.INVOKEAI) if name and name not in (stem(path), shown(os.path.basename(path))) else None


def _claims(record: Record, *, single: bool) -> tuple[Listed, ...]:
    """Of a folder, InvokeAI's own digest of folders. What it calls `random:` is no digest."""
    digest = parse(record.hash)
    if digest is None or digest.algorithm is None or len(digest.digits) % 2 or of_nothing(digest.digits):
        return ()
    algorithm = digest.algorithm if single else _FOLDER + digest.algorithm
    return (Listed(algorithm, bytes.fromhex(digest.digits), ClaimSource.INVOKEAI),)


def _source(record: Record) -> str:
    """The page or the file on the web; empty for what came from this machine."""
    text = one_line(record.source)
    if record.kind == "hf_repo":
        repository = text.partition(":")[0]
        return SITE + repository if _REPOSITORY.fullmatch(repository) else ""
    url = _URL.fullmatch(text)
    return f"{url[1]}://{url[2]}" if url is not None else ""


def _ids(source: str) -> list[tuple[str, str]]:
    repository, version = _ON_HUB.fullmatch(source), _ON_CIVITAI.fullmatch(source)
    ids = [("hf", repository[1])] if repository is not None else []
    return [*ids, ("civitai-version", version[1])] if version is not None else ids
