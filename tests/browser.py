"""A real browser for tests: Chromium, driven by playwright."""

from __future__ import annotations

import os
import tempfile
from typing import TYPE_CHECKING

import pytest

from tests.chromium import find

if TYPE_CHECKING:
    from collections.abc import Iterator

    from playwright.sync_api import Browser, Page

# Without these, Chromium looks up hosts of its maker at every start.
FLAGS = [
    "--disable-background-networking", "--disable-component-update", "--disable-sync", "--disable-quic",
    "--no-first-run", "--disable-gpu",
]  # fmt: skip


@pytest.fixture(scope="session")
def chromium() -> Iterator[Browser]:
    """One browser for the session; where there is none and none can be had, the browser tests are left out."""
    from playwright.sync_api import sync_playwright

    # The driver runs an event loop in this thread; without this, Django would refuse to ask the database beside it.
    os.environ["DJANGO_ALLOW_ASYNC_UNSAFE"] = "true"
    with sync_playwright() as driver, tempfile.TemporaryDirectory(prefix="chromium-") as home:
        found = find(driver.chromium.executable_path)
        if found is None:
            pytest.skip("no Chromium was found and none could be fetched: the browser tests are left out")
        browser = driver.chromium.launch(
            executable_path=str(found.program),
            args=[*FLAGS, *(["--no-sandbox"] if os.geteuid() == 0 or found.fetched else [])],
            env={**os.environ, **found.env, "HOME": home},
        )
        yield browser
        browser.close()


@pytest.fixture
def browser_page(chromium: Browser) -> Iterator[Page]:
    """A fresh page, 1280 x 800; nothing is remembered from other tests. Mark the test `browser`."""
    context = chromium.new_context(viewport={"width": 1280, "height": 800})
    yield context.new_page()
    context.close()
