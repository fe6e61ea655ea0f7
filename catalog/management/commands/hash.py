"""`manage.py hash PATH...`: digests of a file or a folder, in one read, without a database."""

from __future__ import annotations

import base64
from contextlib import contextmanager
from typing import TYPE_CHECKING

from catalog.errors import CatalogError
from catalog.hashing.notation import Notation, crc32_other_order, parse, printed
from catalog.management.digesting import Answer, Place, Wanted, digests, find, named
from catalog.management.output import DONE, FAILED, NO, CatalogCommand, strings
from catalog.storage.values import shown
from catalog.vocabulary import AUTOV2_DIGITS, Algorithm
from catalog.vocabulary.sizes import human_size

if TYPE_CHECKING:
    from argparse import ArgumentParser
    from collections.abc import Callable, Iterator, Mapping

_ORDER = {name: place for place, name in enumerate(Algorithm.values())}
_WIDTH = 26


class Command(CatalogCommand):
    """The workshop alone: no database, no server."""

    help = "Compute the digests of files and folders, all of them in one read of each file."

    def arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("paths", nargs="+", metavar="PATH", help="a file, a folder, or PATH#SET of a folder")
        parser.add_argument(
            "--algorithm",
            metavar="A,B",
            help="which digests (sha256, blake3, autov1, autov2, autov3, crc32, git-sha1, imohash, folder:v1, "
            "invoke-dir:blake3, tensors:v1, weights:v1, or any of hashlib's; default: the usual ones)",
        )
        parser.add_argument(
            "--expect", metavar="ALGO:DIGEST", help="exit 1 unless the digest is this one, or begins with it"
        )

    def work(self, options: Mapping[str, object]) -> int:
        try:
            expected = _expected(options["expect"])
            wanted = _wanted(options["algorithm"], expected)
        except ValueError as error:
            self.say(f"{str(error)[:1].upper()}{str(error)[1:]}.")
            return FAILED
        places, code = self._places(strings(options, "paths"))
        with self._bar(sum(place.size for place in places)) as progress:
            for place in places:
                code = max(code, self._place(place, wanted, expected, progress))
        return code

    def _places(self, paths: list[str]) -> tuple[list[Place], int]:
        places, code = [], DONE
        for path in paths:
            try:
                places.append(find(path))
            except CatalogError as error:
                self.say(str(error) if path in str(error) else f"{path}: {error}")
                code = FAILED
        return places, code

    def _place(self, place: Place, wanted: Wanted, expected: Notation | None, progress: Callable[[int], None]) -> int:
        """Answer for one path; what cannot be read does not keep the next path from its answer."""
        code = DONE
        try:
            for answer in digests(place, wanted, progress):
                self._answer(answer)
                code = max(code, self._compare(answer, expected))
        except CatalogError as error:
            self.say(f"{shown(place.path)}: {error}")
            return FAILED
        return code

    def _answer(self, answer: Answer) -> None:
        if self.json:
            self.emit(_row(answer))
            return
        self.show(f"{named(answer)}  ({human_size(answer.size)})")
        for name, digits in _lines(answer.digests):
            self.show(f"  {Algorithm.label_of(name):{_WIDTH}} {digits}")
        for file in answer.files:
            self.show(f"  {shown(file.path)}  ({human_size(file.size)})")
            for name, digits in _lines(file.digests):
                self.show(f"    {Algorithm.label_of(name):{_WIDTH - 2}} {digits}")

    def _compare(self, answer: Answer, expected: Notation | None) -> int:
        if expected is None or expected.algorithm is None:
            return DONE
        name = expected.algorithm
        found = answer.digests.get(name) or answer.digests.get(f"invoke-dir:{name}")
        if found is None:
            self.say(f"{named(answer)} has no {Algorithm.label_of(name)}, so it is not the one expected.")
            return NO
        if _agree(name, printed(found), expected.digits):
            return DONE
        self.say(f"{named(answer)} is not the one expected: {name} is {printed(found)}, not {expected.digits}.")
        return NO

    @contextmanager
    def _bar(self, total: int) -> Iterator[Callable[[int], None]]:
        """A bar in bytes, on standard error, where that is a terminal."""
        if not self.stderr.isatty():
            yield lambda _more: None
            return
        from rich import progress  # noqa: PLC0415 - costs time that only a person at a terminal needs to spend

        columns = (progress.BarColumn(), progress.DownloadColumn(), progress.TransferSpeedColumn())
        with progress.Progress(*columns, progress.TimeRemainingColumn(), console=self._err, transient=True) as bar:
            task = bar.add_task("", total=total)
            yield lambda more: bar.advance(task, more)


def _expected(given: object) -> Notation | None:
    if not given:
        return None
    found = parse(str(given))
    if found is None or found.algorithm is None:
        raise ValueError(
            f"{given} is no digest with its algorithm: write it as sha256:0123abcd..., eight digits at least"
        )
    return found


def _wanted(given: object, expected: Notation | None) -> Wanted:
    """What is asked for, and what is expected; of the latter alone if nothing is asked for."""
    names = [name.strip().lower() for name in str(given).split(",") if name.strip()] if given else []
    if not names and expected is None:
        return Wanted()
    asked = {Algorithm.SHA256.value if name == "autov2" else name for name in names}
    if expected is not None and expected.algorithm is not None:
        asked |= {expected.algorithm}
        if expected.algorithm in (Algorithm.BLAKE3, Algorithm.SHA256):
            asked |= {f"invoke-dir:{expected.algorithm}"}  # as InvokeAI writes the digest of a folder
    return Wanted.of(asked)


def _agree(name: str, found: str, digits: str) -> bool:
    """Equal as far as the digits go; a CRC-32 is written in either order of its bytes."""
    if name == Algorithm.CRC32 and digits in (found, crc32_other_order(found)):
        return True
    return found.startswith(digits)


def _lines(digests: Mapping[str, bytes]) -> Iterator[tuple[str, str]]:
    """The digests in the order in which people see them; AutoV2 after the SHA-256 that it is cut from."""
    for name in sorted(digests, key=lambda name: (_ORDER.get(name, len(_ORDER)), name)):
        yield name, printed(digests[name])
        if name == Algorithm.SHA256:
            yield "AutoV2", printed(digests[name])[:AUTOV2_DIGITS]


def _row(answer: Answer) -> dict[str, object]:
    row: dict[str, object] = {
        "path": shown(answer.path),
        "path_b64": base64.b64encode(answer.path).decode(),
        "set": answer.set,
        "size": answer.size,
        **{name: printed(digest) for name, digest in answer.digests.items()},
        "seconds": round(answer.seconds, 6),
        "bytes_read": answer.bytes_read,
    }
    if answer.files:
        row["files"] = [
            {"path": shown(file.path), "size": file.size}
            | {name: printed(digest) for name, digest in file.digests.items()}
            for file in answer.files
        ]
    return row
