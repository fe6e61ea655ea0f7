"""How a model is told on a terminal: its outcome in the colour of the pages, its facts, what else it could be."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from rich.text import Text

from catalog.management.output import printable
from catalog.vocabulary import Base, Kind, Outcome, Precision, Trait
from catalog.vocabulary.sizes import human_count

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

_COLOURS = {
    Outcome.UNSAFE: "bold red", Outcome.INVALID: "red", Outcome.UNREADABLE: "red", Outcome.SUSPICIOUS: "yellow",
    Outcome.CHANGED: "yellow", Outcome.UNSUPPORTED: "bright_black", Outcome.SKIPPED: "bright_black",
}  # fmt: skip
"""The word alone says it all; the colour helps whoever skims a long list."""
_ANSWERS = {"kind": Kind, "base": Base, "trait": Trait}
_MOST_DTYPES = 4


class Other(NamedTuple):
    """Another answer that something speaks for."""

    about: str
    value: str
    text: str

    def row(self) -> dict[str, str]:
        """For a program."""
        return self._asdict()


class Told(NamedTuple):
    """What was recognised, as words of the vocabulary."""

    kind: str
    base: str
    traits: Iterable[str]
    precision: str
    quantisation: str
    parameters: int
    dtypes: Mapping[str, int]


def headline(outcome: str, before: Iterable[str], told: Told, after: Iterable[str]) -> Text:
    """One line: the outcome where it is not plainly `ok`, then all that is known."""
    line = Text("  ")
    if outcome != Outcome.OK:
        line.append(Outcome.label_of(outcome), style=_COLOURS.get(outcome, ""))  # type: ignore[call-overload]  # a word is found by its text
    for fact in filter(None, [*before, *_facts(told), *after]):
        line.append(" · " if len(line) > len("  ") else "").append_text(printable(fact))
    return line


def others(candidates: Iterable[Other]) -> Iterator[str]:
    """`could also be SDXL (base): a context of 2048`."""
    for one in candidates:
        label = _ANSWERS[one.about].label_of(one.value) if one.about in _ANSWERS else one.value
        yield f"  could also be {label} ({one.about})" + (f": {one.text}" if one.text else "")


def mixture(told: Told) -> Iterator[str]:
    """Which part of the values is stored in which type, where that is more than one."""
    total = sum(told.dtypes.values())
    if len(told.dtypes) > 1 and total:
        ranked = sorted(told.dtypes.items(), key=lambda pair: (-pair[1], pair[0]))
        yield "  stored as " + ", ".join(f"{100 * n / total:.3g} % {dtype}" for dtype, n in ranked[:_MOST_DTYPES])


def _facts(told: Told) -> list[str]:
    return [
        "" if told.kind in ("", Kind.UNKNOWN) else Kind.label_of(told.kind),
        "" if told.base in ("", Base.UNKNOWN) else Base.label_of(told.base),
        *(Trait.label_of(trait) for trait in told.traits),
        "" if told.precision in ("", Precision.UNKNOWN) else Precision.label_of(told.precision),
        told.quantisation if told.quantisation != told.precision else "",
        f"{human_count(told.parameters)} parameters" if told.parameters else "",
    ]
