"""`manage.py status`: what runs, and how the catalog stands."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING

from django.conf import settings

from catalog.management.output import DONE, CatalogCommand
from catalog.queries import jobs, parts
from catalog.queries.standing import Standing, standing
from catalog.vocabulary.sizes import human_size
from config import serving

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

_WIDTH = 16


class Command(CatalogCommand):
    """Starts the servers for its own duration where they do not run."""

    help = "Say what runs, and how many models, files and jobs there are."
    needs_servers = True

    def work(self, options: Mapping[str, object]) -> int:
        running, found = serving.running(), standing()
        versions, workers, queues = parts.versions(), parts.workers(), parts.queues()
        reads = jobs.running()
        if self.json:
            self.emit(
                {
                    "running": running is not None,
                    "url": running.url if running else None,
                    "data": str(settings.ISOTOPE_DATA),
                    "versions": {part.name: part.version or None for part in versions},
                    "workers": [asdict(worker) for worker in workers],
                    "queues": {queue.name: queue.waiting for queue in queues},
                    **asdict(found),
                    "reading": [asdict(read) for read in reads],
                }
            )
            return DONE
        where = f"runs at {running.url}" if running else "does not run (the servers were started for this question)"
        self.show(f"Isotope {settings.VERSION} {where}; its data lies in {settings.ISOTOPE_DATA}")
        for part in versions[1:]:
            self.show(
                f"  {part.name:{_WIDTH}} {part.version or 'does not answer'}" + (f", {part.note}" if part.note else "")
            )
        self.show(f"  {'Workers':{_WIDTH}} {', '.join(worker.name for worker in workers) or 'none'}")
        for line in _lines(found):
            self.show(line)
        for read in reads:
            self.show(f"  reading {read.path} ({human_size(read.done)} of {human_size(read.size)})")
        return DONE


def _lines(found: Standing) -> Iterator[str]:
    offline = f", {found.offline} offline" if found.offline else ""
    yield f"  {'Library folders':{_WIDTH}} {found.libraries}{offline}"
    yield f"  {'Models':{_WIDTH}} {found.models:,} in {found.variants:,} variants"
    yield f"  {'On disk':{_WIDTH}} {found.locations:,} places, {human_size(found.bytes)}"
    waiting = ", ".join(f"{count:,} to {stage}" for stage, count in found.waiting.items() if count)
    yield f"  {'Waiting':{_WIDTH}} {waiting or 'nothing'}"
    yield f"  {'Needs attention':{_WIDTH}} {found.findings:,}"
