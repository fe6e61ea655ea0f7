"""`manage.py lookup ANYTHING...`: who is this? The same answer as the API and the pages, from the same call."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING

from catalog.management.output import DONE, NO, CatalogCommand, strings
from catalog.queries import lookup
from catalog.vocabulary import Algorithm, Base, Format, Kind, LocationState, Precision
from catalog.vocabulary.sizes import human_size

if TYPE_CHECKING:
    from argparse import ArgumentParser
    from collections.abc import Iterator, Mapping


_KNOWN_HOW = {
    (False, False): "computed",
    (True, False): "listed, not computed yet",
    (True, True): "listed, but the bytes have another one",
}


class Command(CatalogCommand):
    """Exit code 1 when nothing answers to one of the questions."""

    help = "Find the model that a hash, the first digits of one, an id, a name or a path belongs to."
    needs_servers = True

    def arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("anything", nargs="+", metavar="ANYTHING", help="a hash in any notation, an id, name, path")

    def work(self, options: Mapping[str, object]) -> int:
        answers = lookup.find_many(strings(options, "anything"))
        for answer in answers:
            self._answer(answer)
        return DONE if all(answer.hits for answer in answers) else NO

    def _answer(self, answer: lookup.Answer) -> None:
        if self.json:
            self.emit({"query": answer.query, "hits": [asdict(hit) for hit in answer.hits], "note": answer.note})
            return
        if not answer.hits:
            self.say(answer.note or f"Nothing here answers to {answer.query}.")
        for hit in answer.hits:
            for line in _lines(hit):
                self.show(line)


def _lines(hit: lookup.Hit) -> Iterator[str]:
    """One answer for a person."""
    yield hit.name
    if hit.digest:
        where = _KNOWN_HOW[hit.listed, hit.differs]
        yield f"  {Algorithm.label_of(hit.algorithm)}, {hit.matched} of {hit.of} digits, {where}: {hit.digest}"
    else:
        yield f"  found by its {hit.algorithm}"
    facts = [
        Kind.label_of(hit.kind) if hit.kind != Kind.UNKNOWN else "",
        Base.label_of(hit.base) if hit.base != Base.UNKNOWN else "",
        Format.label_of(hit.format),
        Precision.label_of(hit.precision) if hit.precision != Precision.UNKNOWN else "",
        human_size(hit.size) if hit.size else "",
    ]
    yield "  " + " · ".join(filter(None, facts))
    yield f"  model {hit.model}" + (f", variant {hit.variant}" if hit.variant else "")
    yield from (f"  {path}" + (f"  ({name})" if name else "") for path, name in hit.named_paths)
    if not hit.paths:
        yield f"  {LocationState.label_of(hit.state)}: not on disk, remembered"
