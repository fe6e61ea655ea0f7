"""The first question, answered by ticking what was found, by a path, or by a pasted file."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from django.contrib.auth.models import User
from django.core.cache import cache

from catalog.models import Job, Library
from tests import servers
from tests.journeys.conftest import NAME, PASSWORD, Walker
from tests.processes import Site

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from playwright.sync_api import Browser

    Make = Callable[..., Walker]

pytestmark = [pytest.mark.browser, pytest.mark.xdist_group("browser")]


@pytest.fixture
def drive(tmp_path: Path) -> Path:
    """A drive with the folders of three tools, and a drawer that only a person would name."""
    put(tmp_path, "ComfyUI/folder_paths.py", "ComfyUI/models/checkpoints/a.safetensors", "ComfyUI/models/vae/b.pt")
    put(tmp_path, "huggingface/hub/models--org--name/snapshots/1a/model.safetensors")
    put(tmp_path, "stable-diffusion-webui/webui-user.sh", "stable-diffusion-webui/models/Lora/c.safetensors")
    put(tmp_path, "drawer/d.gguf", "deep/er/and/deeper/models/Lora/e.safetensors")
    return tmp_path


def put(top: Path, *names: str) -> None:
    for name in names:
        (top / name).parent.mkdir(parents=True, exist_ok=True)
        (top / name).write_bytes(name.encode() * 1000)


@pytest.fixture
def walker(chromium: Browser, transactional_db: None, drive: Path) -> Iterator[Make]:
    """Makes a person who has just signed in to a site that may look at the drive."""
    servers.running()
    site = Site(folders=str(drive))
    site.start()
    cache.clear()
    User.objects.create_superuser(NAME, password=PASSWORD)
    contexts = []

    def make(*, scripts: bool = True) -> Walker:
        context = chromium.new_context(
            viewport={"width": 1280, "height": 800}, java_script_enabled=scripts, reduced_motion="reduce"
        )
        contexts.append(context)
        someone = Walker(context.new_page(), site.url)
        someone.log_in()
        return someone

    yield make
    for context in contexts:
        context.close()
    site.stop()


def test_what_was_found_is_ticked_and_scanned_with_one_button(walker: Make, drive: Path) -> None:
    someone = walker()
    page = someone.page
    page.get_by_role("heading", name="Where are your models?").wait_for()
    faults = someone.faults_in_every_light()
    assert page.get_by_role("checkbox").count() == 3
    comfy = page.get_by_role("checkbox", name="ComfyUI")
    assert comfy.is_checked()
    assert "2 files" in page.locator(".pick li", has_text="ComfyUI").inner_text()
    assert "1 file, managed, read-only" in page.locator(".pick li", has_text="Hugging Face cache").inner_text()
    page.get_by_role("checkbox", name="A1111 or Forge").uncheck()
    page.get_by_text("Paste an extra_model_paths.yaml").click()
    faults += someone.faults_in_every_light()
    page.get_by_role("button", name="Scan these folders").click()
    page.get_by_text("are library folders now").wait_for()
    added = {row.path_text for row in Library.objects.all()}
    assert added == {str(drive / "ComfyUI"), str(drive / "huggingface/hub")}
    assert set(Job.objects.values_list("library__path_text", flat=True)) == added
    someone.go("/libraries/")
    faults += someone.faults_in_every_light()
    assert page.get_by_role("checkbox").count() == 1, "what was not taken is still offered"
    assert not page.get_by_role("checkbox", name="A1111 or Forge").is_checked()
    assert faults == []
    assert someone.complaints == []


def test_the_card_works_without_javascript(walker: Make, drive: Path) -> None:
    someone = walker(scripts=False)
    page = someone.page
    for box in page.get_by_role("checkbox").all():
        box.uncheck()
    page.get_by_role("button", name="Scan these folders").click()
    page.get_by_text("Give the whole path of the folder").wait_for()
    for box in page.get_by_role("checkbox").all():
        box.uncheck()
    page.get_by_label("Another folder").fill(str(drive / "drawer"))
    page.get_by_text("Paste an extra_model_paths.yaml").click()
    text = f"a:\n  base_path: {drive}/deep/er/and/deeper\n  loras: models/Lora\n  vae: /etc/vae\n"
    page.get_by_label("Text of the file").fill(text)
    page.get_by_role("button", name="Scan these folders").click()
    page.get_by_text("/etc/vae lies outside the folders that may be used here").wait_for()
    page.get_by_text("are library folders now").wait_for()
    assert {row.path_text for row in Library.objects.all()} == {
        str(drive / "drawer"),
        str(drive / "deep/er/and/deeper/models"),
    }
    assert someone.complaints == []
