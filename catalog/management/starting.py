"""The start of everything, step by step; what `manage.py up` does."""

from __future__ import annotations

import errno
import os
import shlex
import time
import urllib.error
import urllib.request
from contextlib import ExitStack
from typing import TYPE_CHECKING

import redis
from django.conf import settings
from django.core import checks
from django.db import connection

from catalog import tasks
from catalog.errors import CatalogError
from catalog.management.demo import make_demo
from catalog.models import Library
from catalog.services import first_account, libraries, offers
from catalog.vocabulary.sizes import human_size
from config import hosts, programs, serving
from config.embedded.problems import ServersProblem
from config.migrating import bring_up_to_date, pending
from config.supervise import LOOK_SECONDS, Supervisor

if TYPE_CHECKING:
    from collections.abc import Callable

    from catalog.management.steps import Steps
    from catalog.management.wishes import Wishes
    from catalog.services.offers import Offer
    from config.embedded.joining import Membership
    from config.supervise import Child

_WEB_SECONDS = 60.0


class Start:
    """One run of `up`."""

    def __init__(self, steps: Steps, wishes: Wishes) -> None:
        self.steps = steps
        self.wishes = wishes
        self.urls = hosts.urls(wishes.host, wishes.port, contained=settings.CONTAINED)
        self.supervisor = Supervisor(settings.PLACES.logs, say=steps.warn, echo=settings.CONTAINED)
        self.children: list[Child] = []
        self.membership: Membership | None = None

    def run(self) -> None:
        """The steps in their order, the box, the watch, the end. Raises `CatalogError` if it cannot start."""
        self.steps.say(f"Isotope {settings.VERSION}")
        self._settings()
        with ExitStack() as stack:
            with self.steps.step("Data folder") as step:
                self._claim(stack)
                step.text = _where_data_lies()
            self.supervisor.listen()
            self._serve(stack)
        self._await_keeper()
        self.steps.say("Stopped. Everything is kept; the next start goes on from here.")

    def _settings(self) -> None:
        with self.steps.step("Settings") as step:
            found = checks.run_checks()
            step.remarks = [f"{one.msg} {one.hint or ''}".strip() for one in found if one.level >= checks.WARNING]
            if any(one.is_serious() for one in found):
                raise ServersProblem("The settings are wrong; see the lines above.")
            other = serving.running()
            if other is None or other.url != self.urls[0]:  # else the next step says so, more clearly
                self._refuse_taken_port()
            step.text = "fine" if not step.remarks else "with remarks"

    def _refuse_taken_port(self) -> None:
        host, port = self.wishes.host, self.wishes.port
        problem = programs.listens(host, port) if "web" in self.wishes.parts else None
        if problem is None:
            return
        free = programs.free_port(port + 1 if port < 65535 else 8000)
        taken = problem.errno in {errno.EADDRINUSE, errno.EACCES}
        way_out = f"Choose another one: manage.py up --port {free}" if taken else "Choose another --host."
        raise ServersProblem(f"Port {port} of {host} cannot be used ({problem.strerror}). {way_out}")

    def _claim(self, stack: ExitStack) -> None:
        """One `up` a data folder."""
        other = stack.enter_context(serving.only_one(self.urls[0], self.wishes.lock))
        if other is not None:
            raise ServersProblem(
                f"Isotope runs already on this data folder: {other.url} (process {other.pid}). "
                "Open that address, or stop it first, or set ISOTOPE_DATA to another folder."
            )

    def _serve(self, stack: ExitStack) -> None:
        try:
            with self.steps.step("Database") as step:
                self.membership = stack.enter_context(serving.servers_alone())
                step.text = f"PostgreSQL {_dotted(connection.cursor().connection.info.server_version)}"
                step.text += _whose(ours=settings.EMBEDDED["database"])
            for part in self._parts():
                if not self.supervisor.stopping:
                    part()
            self._watch()
        finally:
            if self.supervisor.children:
                self.steps.say("Stopping ...")
            self.supervisor.stop()
            programs.forget_flower()
            connection.close()

    def _parts(self) -> list[Callable[[], None]]:
        web = "web" in self.wishes.parts
        wanted = {
            self._migrate: web,
            self._await_tables: not web,
            self._broker: True,
            self._folders: web or bool(self.wishes.paths),
            self._launch: True,
            self._workers: not {"workers", "beat"}.isdisjoint(self.wishes.parts),
            self._web: web,
            self._flower: self.wishes.flower,
            self._box: web,
        }
        return [part for part, is_wanted in wanted.items() if is_wanted]

    def _await_tables(self) -> None:
        """The web makes the tables; until it has, there is nothing to work on."""
        with self.steps.step("Tables") as step:
            while not self.supervisor.stopping and pending():
                time.sleep(1.0)
            step.text = "up to date"

    def _migrate(self) -> None:
        with self.steps.step("Tables") as step:
            done = bring_up_to_date()
            step.text = f"brought up to date in {len(done.applied)} steps" if done.applied else "up to date"
            if done.dump is not None:
                step.text += f"; before that, a dump to {done.dump}"
            step.remarks = [done.warning] if done.warning else []

    def _broker(self) -> None:
        """A broker that is down stops nobody: work waits in the database until it is back."""
        with self.steps.step("Broker") as step:
            address = settings.CACHES["default"].get("LOCATION")
            if not address:
                step.text = "not looked at: no Redis"
                return
            try:
                with redis.Redis.from_url(address, socket_connect_timeout=2, socket_timeout=2) as client:
                    version = client.info("server").get("valkey_version") or client.info("server")["redis_version"]
                step.text = f"Valkey {version}{_whose(ours=settings.EMBEDDED['broker'])}"
            except redis.RedisError as problem:
                step.failed = True
                step.text = f"does not answer ({problem}); work waits until it does. Start it, or correct BROKER_URL."

    def _folders(self) -> None:
        """Each path becomes a library and is scanned; one that cannot be read is told, and the rest goes on."""
        paths = list(self.wishes.paths)
        with self.steps.step("Folders") as step:
            if self.wishes.demo:
                paths.append(str(settings.ISOTOPE_DATA / "demo"))
                make_demo(settings.ISOTOPE_DATA / "demo")
            added = [path for path in paths if self._add(path, step.remarks)]
            step.failed = len(added) < len(paths)
            step.text = ", ".join(added) if added else _known_folders()
            found = () if Library.objects.filter(removed_at=None).exists() else offers.find(everywhere=True)
            step.remarks += [_offered(offer) for offer in found]
        paths += [offer.path for offer in found]  # so that they can be ticked in the browser
        os.environ["ISOTOPE_FOLDERS"] = os.pathsep.join(dict.fromkeys([*settings.ISOTOPE_FOLDERS, *paths]))
        connection.close()  # the processes that follow have connections of their own

    def _add(self, path: str, remarks: list[str]) -> bool:
        raw = os.fsencode(path)
        try:
            library = libraries.add(path=raw)
            _library, part = libraries.locate(raw)
        except CatalogError as problem:
            remarks.append(str(problem))
            return False
        # One that cannot be read is scanned all the same: that writes down what is wrong, for the page of such things.
        tasks.start_scan(library_id=library.pk, part=part)
        if not os.access(path, os.R_OK | (os.X_OK if os.path.isdir(path) else 0)):
            remarks.append(f"{path} cannot be read. Give the user that runs Isotope the right to, then scan again.")
            return False
        return True

    def _launch(self) -> None:
        """All at once, since each of them takes its time; the steps that follow wait for them in turn."""
        os.environ["ISOTOPE_HOSTS"] = ",".join(hosts.allowed(self.wishes.host, settings.ALLOWED_HOSTS))
        parts = self.wishes.parts
        wanted = [
            *(programs.workers(self.wishes.workers) if "workers" in parts else ()),
            *([programs.beat()] if "beat" in parts else ()),
            *([programs.web(self.wishes.host, self.wishes.port)] if "web" in parts else ()),
            *([programs.flower()] if self.wishes.flower else ()),
        ]
        self.children = self.supervisor.launch(wanted)

    def _works(self, *names: str) -> bool:
        wanted = [child for child in self.children if child.program.name in names]
        return self.supervisor.wait(wanted) or self.supervisor.stopping

    def _workers(self) -> None:
        with self.steps.step("Workers") as step:
            step.failed = not self._works("worker-quick", "worker-bulk", "beat")
            step.text = (
                f"2, reading {self.wishes.workers} files at once" if "workers" in self.wishes.parts else "the clock"
            )
            if step.failed:
                step.text = f"not all of them work; see the logs in {settings.PLACES.logs}"

    def _web(self) -> None:
        with self.steps.step("Web") as step:
            step.failed = not (self._works("web") and self._answers())
            step.text = self.urls[0] if not step.failed else f"does not answer; see {settings.PLACES.logs / 'web.log'}"

    def _answers(self) -> bool:
        """Polls the page that says "here I am" until it does."""
        host = "127.0.0.1" if hosts.is_any(self.wishes.host) else self.wishes.host
        url = hosts.urls(host, self.wishes.port, contained=False)[0] + "healthz"
        limit = time.monotonic() + _WEB_SECONDS
        while time.monotonic() < limit and not self.supervisor.stopping:
            try:
                with urllib.request.urlopen(url, timeout=5):  # noqa: S310 - our own address
                    return True
            except (urllib.error.URLError, OSError):
                time.sleep(0.05)
        return self.supervisor.stopping

    def _flower(self) -> None:
        with self.steps.step("Flower") as step:
            step.failed = not self._works("flower")
            access = programs.flower_access()
            step.text = f"{access.url if access else ''} for staff; the password is on the status page"
            if step.failed:
                step.text = f"does not start; see {settings.PLACES.logs / 'flower.log'}"

    def _box(self) -> None:
        lines = [f"Isotope is ready: {self.urls[0]}", *(f"            also: {url}" for url in self.urls[1:])]
        token = first_account.issue_token()
        if token is not None:
            lines += ["", "Create the first account with this link; it works once:", f"{self.urls[0]}setup/{token}/"]
        lines += ["", "Stop with Ctrl-C."]
        connection.close()
        self.steps.box(lines)

    def _watch(self) -> None:
        while not self.supervisor.stopping:
            self.supervisor.look()
            self._look_at_keeper()
            time.sleep(LOOK_SECONDS)

    def _look_at_keeper(self) -> None:
        if self.membership is None or self.membership.keeper_lives():
            return
        self.steps.warn("The servers' keeper has ended; starting it again")
        try:
            self.membership.ensure()
        except ServersProblem as problem:
            self.steps.warn(str(problem))
            time.sleep(5.0)

    def _await_keeper(self) -> None:
        """So that the prompt (or the end of the container) comes when the database has closed its files."""
        limit = time.monotonic() + (15.0 if os.getpid() == 1 else 3.0)
        while self.membership is not None and self.membership.keeper_lives() and time.monotonic() < limit:
            time.sleep(0.05)


def _where_data_lies() -> str:
    elsewhere = settings.PLACES.servers
    text = str(settings.ISOTOPE_DATA)
    return text if elsewhere == settings.ISOTOPE_DATA else f"{text} (the database in {elsewhere})"


def _whose(*, ours: bool) -> str:
    return ", our own" if ours else ""


def _dotted(version: int) -> str:
    """180006 -> 18.6"""
    return f"{version // 10_000}.{version % 10_000}"


def _offered(offer: Offer) -> str:
    """`Found: ComfyUI, 412 files, 1.1 TB: add it in the browser, or start with its path: manage.py up PATH`"""
    least = "" if offer.whole else "at least "
    files = f"{offer.files:,} file{'' if offer.files == 1 else 's'}"
    managed = ", managed, read-only" if offer.managed else ""
    facts = f"{offer.label}, {least}{files}, {human_size(offer.size)}{managed}"
    return f"Found: {facts}: add it in the browser, or start with its path: manage.py up {shlex.quote(offer.path)}"


def _known_folders() -> str:
    known = Library.objects.filter(removed_at=None).count()
    if known:
        return f"{known} known"
    return "none yet: add one in the browser, or start with a path (or --demo to look around)"
