"""What the programs that keep these files say of them: InvokeAI, a cache of Hugging Face, Ollama, LM Studio."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from blake3 import blake3

from catalog.services.identity import store_invokeai, store_ollama
from catalog.services.identity.known import NOTHING, Known
from catalog.services.identity.store_hub import Hub

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from catalog.models import Library
    from catalog.services.findings import Raised
    from catalog.services.identity.places import Place
    from catalog.storage.root import Root
    from catalog.storage.walk import Walk

_LONGEST_ID = 2000
"""Bytes: a longer text has no place in an index of the database."""
_SNAPSHOTS = b"/snapshots/"


@dataclass(frozen=True, slots=True)
class Gathered:
    """`known` by the number of the location.

    `problems` are notes that cannot be read; `read` are those that could be, as a finding's `place` has them.
    """

    known: Mapping[int, Known] = field(default_factory=dict)
    problems: tuple[Raised, ...] = ()
    read: tuple[str, ...] = ()


def gather(root: Root, library: Library, places: Sequence[Place]) -> Gathered:
    """Asks every program for these places. Nothing is written, and no model file is opened."""
    invoke = store_invokeai.of_places(root, library, places)
    ollama = store_ollama.of_places(root, places)
    hub = Hub(root)
    known = {}
    for place in places:
        said = invoke.known.get(place.id, NOTHING).besides(ollama.get(place.id, NOTHING)).besides(hub.of(place))
        if said != NOTHING:
            known[place.id] = _sound(said)
    return Gathered(known, invoke.problems, invoke.read)


def _sound(known: Known) -> Known:
    ids = tuple(pair for pair in known.ids if 0 < len(pair[1].encode("utf-8", "replace")) <= _LONGEST_ID)
    return replace(known, ids=ids)


def stamp(root: Root, others: Iterable[bytes], walked: Walk) -> str:
    """Changes when one of the programs may have learnt something: new notes, other names, further revisions.

    `others` are the paths of the other libraries of this host.
    """
    state = blake3()
    for install in store_invokeai.installations(root, others, (entry.path for entry in walked.entries)):
        state.update(store_invokeai.noted(install))
    for blob, titles in sorted(walked.names.items()):
        state.update(repr((blob, titles)).encode())
    for twin in walked.twins:
        if _SNAPSHOTS in twin.path:
            state.update(repr((twin.path, twin.real)).encode())
    for snapshot in sorted({_snapshot(entry.path) for entry in walked.entries if _SNAPSHOTS in entry.path}):
        state.update(repr(snapshot).encode())
    return state.hexdigest(length=16)


def _snapshot(path: bytes) -> bytes:
    """Repository and commit of a path in a cache."""
    repository, _, rest = path.partition(_SNAPSHOTS)
    return repository + b"@" + rest.partition(b"/")[0]
