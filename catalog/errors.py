"""Every exception of the catalog, drawn as a tree.

CatalogError
├── FileProblem             something is wrong with one file: becomes a Finding, the rest goes on
│   ├── MalformedFile       outcome invalid
│   ├── UnsafeFile          outcome unsafe: it would run code, or hides what it would do
│   ├── UnreadableFile      outcome unreadable
│   ├── ChangedFile         outcome changed: its bytes or its stat moved while it was read
│   └── UnsupportedFormat   outcome unsupported: digests only
├── Cancelled               a person or the shutdown asked the work to stop
├── LeaseLost               another worker holds the row now: drop what was computed
├── Busy                    somebody else is doing this very work: ask again later
├── LibraryOffline          the library's folder cannot be reached
├── PathRefused             a path outside what is allowed, or overlapping a library
├── ServersProblem          a server cannot be started or reached (defined in config.embedded)
├── Refused                 a decision that the rules do not allow; says which rule
└── NotFound                nothing answers to that name, id or digest
"""

from __future__ import annotations

from catalog.vocabulary import FindingCode, Outcome

MISTAKES = (
    ArithmeticError, AssertionError, AttributeError, LookupError, MemoryError, RuntimeError, TypeError, ValueError,
)  # fmt: skip
"""What a mistake of ours looks like, where one file that nobody foresaw must not stop what is done of others."""


class CatalogError(Exception):
    """Root of the tree; its text is a sentence for a person."""


class FileProblem(CatalogError):
    """Something is wrong with one file. `code` and `params` make the sentence; `outcome` is what the file gets."""

    outcome = Outcome.INVALID

    def __init__(self, code: FindingCode, **params: str | int) -> None:
        self.code = code
        self.params = params
        super().__init__(code.sentence(params))


class MalformedFile(FileProblem):
    """The container breaks its format's rules."""


class UnsafeFile(FileProblem):
    """Loading the file would run code or reach outside, or its container hides what it would do."""

    outcome = Outcome.UNSAFE


class UnreadableFile(FileProblem):
    """The operating system refuses the bytes."""

    outcome = Outcome.UNREADABLE


class ChangedFile(FileProblem):
    """The file changed or vanished while it was read."""

    outcome = Outcome.CHANGED


class UnsupportedFormat(FileProblem):
    """No reader knows the format."""

    outcome = Outcome.UNSUPPORTED


class Cancelled(CatalogError):
    """Somebody asked the work to stop."""


class LeaseLost(CatalogError):
    """The row is leased to somebody else by now."""


class Busy(CatalogError):
    """The same work is being done elsewhere at this moment."""


class LibraryOffline(CatalogError):
    """The folder of a library is not there."""


class PathRefused(CatalogError):
    """The path may not be used; the text names the paths and the way out."""


class Refused(CatalogError):
    """A decision that the rules do not allow."""


class NotFound(CatalogError):
    """Nothing answers."""
