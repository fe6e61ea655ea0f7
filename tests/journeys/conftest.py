"""A filled catalogue behind a real web server, and a browser that notes every complaint."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cache
from importlib.resources import files
from typing import TYPE_CHECKING, Any

import pytest
from django.contrib.auth.models import User

from tests.journeys.catalogue import fill

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from playwright.sync_api import Browser, Page

    from catalog.models import ModelRecord
    from tests.processes import Site

NAME, PASSWORD = "anna", "long-enough-1"
_LOUD = ("error", "warning")
_SERIOUS = ("serious", "critical")


@dataclass(slots=True)
class Walker:
    """A person in a browser. `complaints` collects what the console says, and requests to other hosts."""

    page: Page
    url: str
    complaints: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.page.on("console", lambda said: self._note(said.text) if said.type in _LOUD else None)
        self.page.on("pageerror", lambda error: self._note(str(error)))
        self.page.on("request", lambda sent: None if sent.url.startswith((self.url, "data:")) else self._note(sent.url))

    def go(self, path: str) -> int:
        """Opens a page of the site; its status."""
        answer = self.page.goto(self.url + path)
        assert answer is not None
        return answer.status

    def log_in(self) -> None:
        """Through the form, as a person would."""
        self.go("/login/")
        self.page.fill("#id_username", NAME)
        self.page.fill("#id_password", PASSWORD)
        self.page.click("input[type=submit]")
        self.page.locator("#user-tools").wait_for()

    def faults_in_every_light(self) -> list[str]:
        """The faults of this page on a desk and on a phone, by day and by night."""
        self.page.evaluate(_axe())
        found = []
        for width in (1280, 390):
            self.page.set_viewport_size({"width": width, "height": 800})
            for theme in ("light", "dark"):
                self.page.emulate_media(color_scheme="dark" if theme == "dark" else "light")
                found += [f"{fault} ({width}, {theme})" for fault in self.faults()]
        return found

    def faults(self) -> list[str]:
        """What shuts people out of this page: serious findings of axe, and a page wider than the window."""
        found: dict[str, Any] = self.page.evaluate("axe.run(document, {resultTypes: ['violations'], preload: false})")
        said = [
            f"{self.page.url}: {fault['id']} at {fault['nodes'][0]['target']}"
            for fault in found["violations"]
            if fault["impact"] in _SERIOUS
        ]
        wide = self.page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")
        return [*said, *([f"{self.page.url}: {wide} px too wide"] if wide > 0 else [])]

    def _note(self, text: str) -> None:
        self.complaints.append(f"{self.page.url}: {text}")


@cache
def _axe() -> str:
    return files("axe_playwright_python").joinpath("axe.min.js").read_text(encoding="utf-8")


@pytest.fixture
def walker(chromium: Browser, live_site: Site) -> Iterator[Callable[..., Walker]]:
    """Makes a person with a window of a size, a theme, and JavaScript or not."""
    contexts = []

    def make(*, width: int = 1280, theme: str = "light", scripts: bool = True) -> Walker:
        context = chromium.new_context(
            viewport={"width": width, "height": 800},
            color_scheme="dark" if theme == "dark" else "light",
            java_script_enabled=scripts,
            reduced_motion="reduce",  # colours that are on their way from one theme to the other have no contrast
        )
        contexts.append(context)
        return Walker(context.new_page(), live_site.url)

    yield make
    for context in contexts:
        context.close()


@pytest.fixture
def filled(live_site: Site) -> list[ModelRecord]:
    """A dozen models, and an account."""
    User.objects.create_superuser(NAME, password=PASSWORD)
    return fill()
