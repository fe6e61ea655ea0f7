"""Rules by what a file must have for them to speak, so that of hundreds only those are asked that may.

A rule needs every one of its markers. One of them that looks up tensors by their names, or a value of the header or
of a configuration, tells at once of most rules that they are silent.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Generic, NamedTuple, Protocol, TypeVar

from catalog.recognition.markers import ARCHITECTURE, Architecture, Either, Has, Quietly, Says, Tells

if TYPE_CHECKING:
    from collections.abc import Iterable

    from catalog.recognition.facts import Facts
    from catalog.recognition.rules import Marker


class _HasMarkers(Protocol):
    @property
    def markers(self) -> tuple[Marker, ...]: ...


Rule = TypeVar("Rule", bound=_HasMarkers)


class _Needs(NamedTuple):
    """One of these tensors, or of these paths (see `Facts.says`), must be there."""

    tensors: frozenset[str] = frozenset()
    paths: frozenset[str] = frozenset()


class Index(Generic[Rule]):
    """Rules in their order."""

    def __init__(self, rules: Iterable[Rule]) -> None:
        self.rules = tuple(rules)
        self._always: list[int] = []
        self._by_tensor: dict[str, list[int]] = {}
        self._by_path: dict[str, list[int]] = {}
        for at, rule in enumerate(self.rules):
            needs = next((found for marker in rule.markers if (found := _needs(marker)) is not None), None)
            if needs is None:
                self._always.append(at)
                continue
            for name in needs.tensors:
                self._by_tensor.setdefault(name, []).append(at)
            for path in needs.paths:
                self._by_path.setdefault(path, []).append(at)

    def likely(self, facts: Facts) -> list[Rule]:
        """Those that may speak, in their order."""
        found = set(self._always)
        for name in facts.tensors.keys() & self._by_tensor.keys():
            found.update(self._by_tensor[name])
        for path, numbers in self._by_path.items():
            if facts.says(path) is not None:
                found.update(numbers)
        return [self.rules[at] for at in sorted(found)]


def _needs(marker: Marker) -> _Needs | None:
    """None where a marker looks at more than a few names."""
    match marker:
        case Has(name=name, under=under):
            return _Needs(tensors=frozenset(prefix + name for prefix in under))
        case Says() | Architecture() | Tells():
            return _Needs(paths=frozenset(_paths(marker)))
        case Quietly(marker=inner):
            return _needs(inner)
        case Either(markers=markers):
            return _either([_needs(one) for one in markers])
        case _:
            return None


def _paths(marker: Says | Architecture | Tells) -> tuple[str, ...]:
    if isinstance(marker, Tells):
        return marker.keys
    return (marker.path,) if isinstance(marker, Says) else (ARCHITECTURE,)


def _either(several: list[_Needs | None]) -> _Needs | None:
    known = [one for one in several if one is not None]
    if len(known) < len(several):
        return None
    return _Needs(
        frozenset(name for one in known for name in one.tensors), frozenset(path for one in known for path in one.paths)
    )
