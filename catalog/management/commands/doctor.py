"""`manage.py doctor`: is everything here as it should be, and if not, what to do."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING

from catalog.management.checking import CHECKS, checks_of_libraries
from catalog.management.output import DONE, NO, CatalogCommand

if TYPE_CHECKING:
    from collections.abc import Mapping

    from catalog.management.checking import Checked


class Command(CatalogCommand):
    """Exit code 1 when something is wrong."""

    help = "Check Python, settings, servers, disk space and folders; say what is wrong and how to mend it."

    def work(self, options: Mapping[str, object]) -> int:
        code = DONE
        for check in CHECKS:
            code = max(code, self._tell(check()))
        for one in checks_of_libraries():
            code = max(code, self._tell(one))
        return code

    def _tell(self, found: Checked) -> int:
        if self.json:
            self.emit(asdict(found))
        else:
            mark = "ok     " if found.ok else "problem"
            self.show(f"{mark}  {found.name}: {found.text}" + (f" {found.fix}" if found.fix else ""))
        return DONE if found.ok else NO
