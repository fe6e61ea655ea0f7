"""Every page in a real browser: both widths, both themes, with and without JavaScript."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest
from django.utils import timezone

from catalog.models import Finding, Job, Library, Match
from catalog.services import first_account
from tests.journeys.recognised import TROUBLES

if TYPE_CHECKING:
    from collections.abc import Callable

    from catalog.models import ModelRecord
    from tests.journeys.conftest import Walker

    Make = Callable[..., Walker]

pytestmark = [pytest.mark.browser, pytest.mark.xdist_group("browser")]


def _addresses(models: list[ModelRecord]) -> list[str]:
    library = Library.objects.get(name="ComfyUI")
    job = Job.objects.get(kind="scan", state="done")
    variant = models[1].variants.order_by("number")[0]
    troubled = [model for model in models if model.name in {name for name, *_rest in TROUBLES}]
    unsafe = troubled[0].variants.get()
    return [
        f"/models/{models[0].pk}/", f"/models/{models[5].pk}/", *(f"/models/{model.pk}/" for model in troubled),
        f"/variants/{unsafe.pk}/tensors/", "/models/?quantisation=none&layout=none", "/attention/?group=bad",
        "/help/formats/", "/help/models/", "/help/comparing/", "/help/duplicates/",
        f"/relations/{Match.objects.get(relation='shares_parts').pk}/?show=",
        "/", "/models/", "/models/?format=gguf&q=flux", "/models/?q=nothing-like-this", f"/models/{models[1].pk}/",
        f"/models/{models[6].pk}/", f"/models/{models[-1].pk}/", f"/models/{models[1].pk}/edit/",
        f"/models/{models[1].pk}/forget/", f"/variants/{variant.pk}/tensors/", "/libraries/",
        f"/libraries/{library.pk}/", f"/libraries/{library.pk}/edit/", f"/libraries/{library.pk}/remove/", "/jobs/",
        f"/jobs/{job.pk}/", "/attention/", "/lookup/?q=flux", "/lookup/?q=abc", "/status/", "/tokens/", "/users/",
        "/users/add/", "/groups/", "/password/", "/help/", "/help/hashes/", "/help/attention/",
    ]  # fmt: skip


def test_every_page_is_open_to_everybody(walker: Make, filled: list[ModelRecord]) -> None:
    someone = walker()
    someone.go("/login/")
    faults = someone.faults_in_every_light()
    someone.log_in()
    for address in _addresses(filled):
        assert someone.go(address) == 200, address
        faults += someone.faults_in_every_light()
    assert faults == []
    assert someone.complaints == []


def test_everything_works_without_javascript(walker: Make, filled: list[ModelRecord]) -> None:
    someone = walker(scripts=False)
    page = someone.page
    someone.log_in()
    page.get_by_role("heading", name="Dashboard").wait_for()
    assert "http-equiv" in page.content()  # something moves, so the page is loaded anew after a while
    page.locator("#lookup").fill("FLUX")
    page.locator("#lookup").press("Enter")
    page.locator(".hit h2 a").first.click()
    page.get_by_role("heading", name="FLUX.1").wait_for()
    assert not page.locator(".copy").first.is_visible()
    page.get_by_role("link", name="Edit", exact=True).click()
    page.get_by_label("Notes").fill("written without a script")
    page.get_by_role("button", name="Save").click()
    page.get_by_text("written without a script").wait_for()
    someone.go("/jobs/")
    page.get_by_role("button", name="Pause Hash ComfyUI").click()
    page.get_by_text("Paused: Hash ComfyUI.").wait_for()
    for address in _addresses(filled):
        assert someone.go(address) == 200
    assert someone.complaints == []


def test_the_keyboard_reaches_everything_and_shows_where_it_is(walker: Make, filled: list[ModelRecord]) -> None:
    someone = walker()
    someone.log_in()
    someone.go(f"/models/{filled[1].pk}/")
    met = set()
    for _press in range(60):
        someone.page.keyboard.press("Tab")
        said = someone.page.evaluate(
            """() => {
                const here = document.activeElement, style = getComputedStyle(here);
                return [here.tagName, here.textContent.trim().slice(0, 30),
                        style.outlineStyle !== 'none' && parseFloat(style.outlineWidth) >= 2];
            }"""
        )
        if said[0] != "BODY":
            assert said[2], f"the focus on {said[:2]} cannot be seen"
        met.add(said[0])
    assert {"A", "INPUT", "BUTTON", "SUMMARY"} <= met


def test_a_hash_is_copied_whole(walker: Make, filled: list[ModelRecord]) -> None:
    someone = walker()
    someone.page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    someone.log_in()
    someone.go(f"/models/{filled[1].pk}/")
    someone.page.get_by_role("button", name="Copy BLAKE3").first.click()
    someone.page.wait_for_selector(".copied")
    copied = someone.page.evaluate("navigator.clipboard.readText()")
    variant = filled[1].variants.order_by("number")[0]
    assert copied == bytes(variant.hashes.get(algorithm="blake3").digest).hex()


def test_a_trigger_word_is_copied_alone(walker: Make, filled: list[ModelRecord]) -> None:
    someone = walker()
    someone.page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    someone.log_in()
    someone.go(f"/models/{filled[5].pk}/")
    someone.page.get_by_role("button", name="Copy masterpiece").click()
    someone.page.wait_for_selector(".word .copied")
    assert someone.page.evaluate("navigator.clipboard.readText()") == "masterpiece, best quality, intricate"


def test_a_picture_moves_nothing_when_it_comes(walker: Make, filled: list[ModelRecord]) -> None:
    someone = walker()
    someone.log_in()
    size = """() => {
        const box = document.querySelector(".preview").getBoundingClientRect();
        return [box.width, box.height];
    }"""
    someone.page.route("**/preview/", lambda route: route.abort())
    someone.go(f"/models/{filled[0].pk}/")
    before = someone.page.evaluate(size)
    someone.page.unroute("**/preview/")
    someone.go(f"/models/{filled[0].pk}/")
    someone.page.wait_for_function("() => document.querySelector('.preview').naturalWidth > 0")
    assert someone.page.evaluate(size) == before


def test_rare_values_of_a_filter_unfold_without_javascript(walker: Make, filled: list[ModelRecord]) -> None:
    someone = walker(scripts=False)
    someone.log_in()
    someone.go("/models/")
    kinds = someone.page.locator("details[data-filter-title=kind]")
    link = kinds.locator(".more a").first
    assert not link.is_visible()
    kinds.locator(".more > summary").click()
    link.click()
    assert "kind=" in someone.page.url
    assert someone.page.locator(".who-name").count() >= 1


def test_progress_moves_by_itself(walker: Make, filled: list[ModelRecord]) -> None:
    someone = walker()
    someone.log_in()
    bar = someone.page.locator("progress[data-key=bar]")
    before = float(bar.get_attribute("value") or 0)
    opened = someone.page.locator("details.as-table > summary")
    opened.click()
    Job.objects.filter(kind="hash", state="running").update(bytes_done=700_000_000_000, files_done=600)
    someone.page.wait_for_function(
        "before => document.querySelector('progress[data-key=bar]').value > before", arg=before
    )
    assert "600 of 612 files" in someone.page.locator("[data-part=hashing]").inner_text()
    assert re.match(r"9\d % · Dashboard", someone.page.title())
    assert someone.page.locator("details.as-table").get_attribute("open") is not None
    scan = someone.page.get_by_role("button", name="Scan Hugging Face cache")
    assert scan.is_disabled()
    Job.objects.filter(kind="scan", state="running").update(state="done", finished_at=timezone.now())
    Finding.objects.all()[0].delete()
    someone.page.wait_for_function("() => !document.querySelector('[data-part=folders] button:disabled')")
    assert someone.page.locator(".mainnav .count").inner_text() == str(Finding.objects.filter(cleared_at=None).count())
    assert someone.complaints == []


def test_filters_open_as_a_sheet_on_a_phone(walker: Make, filled: list[ModelRecord]) -> None:
    someone = walker(width=390)
    someone.log_in()
    someone.go("/models/")
    sheet = someone.page.locator("#changelist-filter")
    assert not sheet.is_visible()
    someone.page.get_by_role("button", name="Filter").click()
    sheet.get_by_role("link", name="GGUF").click()
    someone.page.wait_for_url("**format=gguf*")
    assert someone.page.locator(".who-name").all_inner_texts() == ["FLUX.1 dev", "Llama-3.2-3B-Instruct"]


def test_the_theme_can_be_chosen(walker: Make, filled: list[ModelRecord]) -> None:
    someone = walker()
    someone.log_in()
    ground = "getComputedStyle(document.body).backgroundColor"
    light = someone.page.evaluate(ground)
    for _press in range(3):
        someone.page.locator(".theme-toggle").first.click()
        if someone.page.evaluate(ground) != light:
            break
    assert someone.page.evaluate(ground) != light
    someone.go("/jobs/")
    assert someone.page.evaluate(ground) != light


def test_the_first_account_and_the_first_folder(walker: Make) -> None:
    token = first_account.issue_token()
    someone = walker()
    assert someone.go("/setup/not-the-token/") == 403
    someone.complaints.clear()  # the browser notes the refusal
    someone.go(f"/setup/{token}/")
    faults = someone.faults_in_every_light()
    someone.page.get_by_label("Username").fill("anna")
    someone.page.get_by_label("Password", exact=True).fill("long-enough-1")
    someone.page.get_by_label("Password confirmation").fill("long-enough-1")
    someone.page.get_by_role("button", name="Create account").click()
    someone.page.get_by_role("heading", name="Where are your models?").wait_for()
    faults += someone.faults_in_every_light()
    someone.page.get_by_label("Folder").fill("/etc")
    someone.page.get_by_role("button", name="Scan this folder").click()
    someone.page.get_by_text("outside the folders that may be used here").wait_for()
    faults += someone.faults_in_every_light()
    someone.go(f"/setup/{token}/")
    assert someone.page.title().startswith("Where are your models?")
    assert faults == []
    assert someone.complaints == []
