"""The pages beside the models: dashboard, library folders, jobs, findings, look-up, status, tokens, help."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING

import pytest
from django.conf import settings as site_settings
from django.contrib.auth.models import Permission, User
from django.utils import timezone

from catalog.admin.pages import help as help_pages
from catalog.models import ApiToken, Finding, Job, Library, Location, ModelRecord, StorageTotal
from catalog.queries import attention
from catalog.services import tokens
from catalog.templatetags import look
from catalog.vocabulary import FindingCode
from config import programs

if TYPE_CHECKING:
    from pathlib import Path

    from django.test import Client
    from pytest_django import Settings

pytestmark = pytest.mark.django_db


def _text(page: bytes) -> str:
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", page.decode()))


def test_the_first_page_asks_where_the_models_are(boss: Client) -> None:
    text = _text(boss.get("/").content)
    assert "Where are your models?" in text
    assert "changes nothing and sends nothing" in text


def test_the_dashboard_tells_the_sums_of_the_catalogue(boss: Client, catalogue: list[ModelRecord]) -> None:
    page = boss.get("/").content
    text = _text(page)
    assert "Models 16" in text
    assert "Variants 26" in text
    assert "Identical copies 1 23.8 GB held more than once" in text
    on_disk = sum(StorageTotal.objects.filter(state="present").values_list("bytes", flat=True))
    assert f"On disk {look.size(on_disk)}" in text
    assert b'href="/models/?format=gguf&amp;precision=Q8_0"' in page
    assert "320 GB of 719 GB, 464 of 612 files" in text


def test_the_picture_has_its_figures_as_a_table(boss: Client, catalogue: list[ModelRecord]) -> None:
    page = boss.get("/").content.decode()
    table = _text(page[page.index("Show as table") : page.index("</details>", page.index("Show as table"))].encode())
    labels = re.findall(r'<a href="/models/\?[^"]*"\s+aria-label="([^"]*)"', page)
    assert len(labels) >= 10
    for label in labels:
        assert label.rsplit(", ", 1)[1] in table


def test_a_hard_link_is_no_copy(boss: Client, catalogue: list[ModelRecord]) -> None:
    from catalog.models import LocationFile

    LocationFile.objects.filter(ino=900).update(ino=10)  # the inode of the first place of that variant
    assert "Identical copies 0" in _text(boss.get("/").content)


def test_an_unchanged_page_costs_a_few_bytes(boss: Client, catalogue: list[ModelRecord]) -> None:
    Job.objects.filter(state="running").update(state="paused")
    first = boss.get("/live/dashboard/")
    said = json.loads(first.content)
    assert set(said["parts"]) == {"numbers", "storage", "hashing", "findings", "folders"}
    again = boss.get("/live/dashboard/", headers={"If-None-Match": first["ETag"]})
    assert again.status_code == 304
    assert again.content == b""
    Job.objects.filter(kind="hash", state="paused").update(bytes_done=500_000_000_000)
    assert boss.get("/live/dashboard/", headers={"If-None-Match": first["ETag"]}).status_code == 200


def test_adding_a_folder_scans_it(boss: Client, settings: Settings, tmp_path: Path) -> None:
    settings.ISOTOPE_FOLDERS = [str(tmp_path)]
    (tmp_path / "models").mkdir()
    answer = boss.post("/libraries/add/", {"path": str(tmp_path / "models")}, follow=True)
    assert "is a library folder now" in _text(answer.content)
    job = Job.objects.get()
    assert (job.kind, job.library.path_text, job.requested_by.username) == ("scan", str(tmp_path / "models"), "boss")  # type: ignore[union-attr]


@pytest.mark.parametrize("path", ["/etc", "/no/such/folder", "relative", "", "/root/../etc", "/\0etc", "/etc/passwd"])
def test_a_folder_outside_is_refused_whether_or_not_it_exists(
    boss: Client, settings: Settings, tmp_path: Path, path: str
) -> None:
    settings.ISOTOPE_FOLDERS = [str(tmp_path)]
    text = _text(boss.post("/libraries/add/", {"path": path}, follow=True).content)
    assert "outside the folders that may be used here" in text or "Give the whole path" in text
    assert not Library.objects.exists()


def test_a_link_out_of_the_allowed_folders_does_not_help(boss: Client, settings: Settings, tmp_path: Path) -> None:
    settings.ISOTOPE_FOLDERS = [str(tmp_path)]
    (tmp_path / "out").symlink_to("/etc")
    boss.post("/libraries/add/", {"path": str(tmp_path / "out")})
    assert not Library.objects.exists()


def test_the_page_of_a_library_tells_its_last_scan(boss: Client, catalogue: list[ModelRecord]) -> None:
    library = Library.objects.get(name="ComfyUI")
    text = _text(boss.get(f"/libraries/{library.pk}/").content)
    for words in (
        "New 412",
        "1,204 other files",
        "read-only: Isotope never writes here",
        "25 variants",
        "Took 2 seconds",
    ):
        assert words in text, words
    assert "None" not in text


def test_a_scan_is_asked_for_by_a_button(boss: Client, catalogue: list[ModelRecord]) -> None:
    library = Library.objects.get(name="ComfyUI")
    answer = boss.post(f"/libraries/{library.pk}/scan/", headers={"Referer": "http://testserver/libraries/"})
    assert answer["Location"] == "http://testserver/libraries/"
    assert Job.objects.filter(library=library, kind="scan", state="waiting").count() == 1


def test_a_form_does_not_lead_to_another_site(boss: Client, catalogue: list[ModelRecord]) -> None:
    library = Library.objects.get(name="ComfyUI")
    answer = boss.post(f"/libraries/{library.pk}/scan/", headers={"Referer": "https://elsewhere.example/"})
    assert answer["Location"] == f"/libraries/{library.pk}/"


def test_settings_of_a_library_are_kept(boss: Client, catalogue: list[ModelRecord]) -> None:
    library = Library.objects.get(name="ComfyUI")
    given = {"name": "Comfy", "include": "", "exclude": "old/*\n*.tmp\n\nold/*", "paused": "on", "speed_limit": "80",
             "quiet_from_0": "", "quiet_from": "22:00", "quiet_until": "06:30", "read_only": "on"}  # fmt: skip
    assert boss.post(f"/libraries/{library.pk}/edit/", given).status_code == 302
    library.refresh_from_db()
    assert (library.name, library.exclude, library.paused, library.speed_limit) == (
        "Comfy",
        ["old/*", "*.tmp"],
        True,
        80,
    )
    boss.post(f"/libraries/{library.pk}/pause/", {"paused": "no"})
    library.refresh_from_db()
    assert not library.paused


def test_removing_a_library_asks_first_and_keeps_what_was_learnt(boss: Client, catalogue: list[ModelRecord]) -> None:
    library = Library.objects.get(name="ComfyUI")
    assert "No file is touched." in _text(boss.get(f"/libraries/{library.pk}/remove/").content)
    boss.post(f"/libraries/{library.pk}/remove/")
    library.refresh_from_db()
    assert library.removed_at is not None
    assert boss.get(f"/libraries/{library.pk}/").status_code == 404
    assert ModelRecord.objects.filter(merged_into=None).count() == len(catalogue)


def test_jobs_are_listed_open_ones_first(boss: Client, catalogue: list[ModelRecord]) -> None:
    states = re.findall(r'<span class="status \w+">(\w+)</span>', boss.get("/jobs/").content.decode())
    opened = [state in ("Running", "Waiting", "Paused") for state in states]
    assert opened == sorted(opened, reverse=True)
    failed = _text(boss.get("/jobs/", {"state": "failed"}).content)
    assert "The worker was lost three times over it." in failed
    assert "about 5 minutes left" not in failed


def test_a_job_can_be_paused_resumed_cancelled_and_tried_again(boss: Client, catalogue: list[ModelRecord]) -> None:
    job = Job.objects.get(kind="hash", state="running")
    for verb, state in (("pause", "paused"), ("resume", "waiting"), ("cancel", "cancelled")):
        boss.post(f"/jobs/{job.pk}/{verb}/")
        job.refresh_from_db()
        assert job.state == state
    text = _text(boss.post(f"/jobs/{job.pk}/pause/", follow=True).content)
    assert "has ended" in text
    assert boss.post(f"/jobs/{job.pk}/explode/").status_code == 404


def test_the_page_of_a_job_tells_what_its_scan_found(boss: Client, catalogue: list[ModelRecord]) -> None:
    job = Job.objects.get(kind="scan", state="done")
    text = _text(boss.get(f"/jobs/{job.pk}/").content)
    assert "What the scan found" in text
    assert "New 412" in text
    assert "None" not in text


def test_every_finding_has_a_sentence_and_a_paragraph_of_help(boss: Client, db: None) -> None:
    names = (
        "expected actual what where claimed allowed format reason shard target path count other algorithm listed "
        "computed setting found"
    )
    params = dict.fromkeys(names.split(), 7)
    for code in FindingCode:
        Finding.objects.create(code=code, params=params, place=code.value)
    page = boss.get("/attention/").content.decode()
    paragraphs = set(re.findall(r'id="([^"]+)"', boss.get("/help/attention/").content.decode()))
    anchors = set(re.findall(r'href="/help/attention/#([^"]*)"', page))
    assert len(anchors) == len(FindingCode)
    assert anchors <= paragraphs
    for item in attention.items(Finding.objects.all()):
        assert item.heading in page.replace("&quot;", '"')
        assert look.sentence(item).endswith(FindingCode(item.code).advice)


def test_a_finding_of_another_release_is_shown_by_its_name(boss: Client, catalogue: list[ModelRecord]) -> None:
    assert "from_a_newer_release" in _text(boss.get("/attention/").content)
    Finding.objects.create(code="truncated", params={"other": "words"}, place="x")
    assert boss.get("/attention/").status_code == 200


def test_a_file_that_failed_can_be_tried_again(boss: Client, catalogue: list[ModelRecord]) -> None:
    finding = Finding.objects.get(code="disk_read_error")
    place = Location.objects.filter(findings=finding)
    place.update(stage="", hashed_at=None)
    boss.post(f"/attention/{finding.pk}/retry/")
    assert place.get().stage == "hash"


def test_findings_of_one_sort_can_be_picked(boss: Client, catalogue: list[ModelRecord]) -> None:
    text = _text(boss.get("/attention/", {"sort": "truncated"}).content)
    assert "The header promises 6.94 GB, the file has 4.1 GB." in text
    assert "Input/output error" not in text
    assert boss.get("/attention/", {"sort": "'", "page": "x"}).status_code == 200


def test_a_look_up_says_what_matched(boss: Client, catalogue: list[ModelRecord]) -> None:
    variant = catalogue[1].variants.order_by("number")[0]
    digest = bytes(variant.hashes.get(algorithm="sha256").digest).hex()
    page = boss.get("/lookup/", {"q": digest[:10].upper()}).content
    assert f"<mark>{digest[:10]}</mark>{digest[10:]}" in page.decode()
    assert "SHA-256, 10 of 64 digits" in _text(page)
    assert "fewer than 8 digits" in _text(boss.get("/lookup/", {"q": "abc12"}).content)
    nothing = boss.get("/lookup/", {"q": "<b>nowhere</b>"}).content
    assert b"<b>nowhere" not in nothing
    assert "Nothing here is named" in _text(nothing)


def test_the_status_page_shows_versions_and_flower_to_those_who_may_stop_jobs(
    boss: Client, viewer: Client, settings: Settings, tmp_path: Path
) -> None:
    settings.ISOTOPE_DATA = tmp_path
    access = {"url": "http://127.0.0.1:5555/", "user": "isotope", "password": "pass-for-flower"}
    (tmp_path / "flower.json").write_text(json.dumps(access))
    assert programs.flower_access() is not None
    text = _text(boss.get("/status/").content)
    for words in (
        site_settings.VERSION,
        "PostgreSQL 18",
        "Valkey",
        "pass-for-flower",
        "http://127.0.0.1:5555/",
        "office",
    ):
        assert words in text, words
    seen = _text(viewer.get("/status/").content)
    assert "PostgreSQL" in seen
    assert "pass-for-flower" not in seen


def test_a_token_is_shown_once_and_kept_as_a_digest(boss: Client) -> None:
    page = boss.post("/tokens/", {"name": "backup script", "days": "30"}).content.decode()
    secret = re.findall(r"isotope_[\w-]+", page)[0]
    user = tokens.resolve(token=secret)
    assert user is not None
    assert user.username == "boss"
    row = ApiToken.objects.get()
    assert secret.encode() not in bytes(row.digest)
    assert row.expires_at is not None
    assert row.expires_at > timezone.now()
    assert secret not in boss.get("/tokens/").content.decode()
    boss.post(f"/tokens/{row.pk}/revoke/")
    assert tokens.resolve(token=secret) is None


def test_nobody_ends_the_token_of_another(boss: Client, client: Client) -> None:
    boss.post("/tokens/", {"name": "mine", "days": ""})
    other = User.objects.create_user("other", password="long-enough-1", is_staff=True)
    other.user_permissions.set(Permission.objects.filter(codename="add_apitoken"))
    client.force_login(other)
    assert client.post(f"/tokens/{ApiToken.objects.get().pk}/revoke/").status_code == 404
    assert "mine" not in _text(client.get("/tokens/").content)


@pytest.mark.parametrize("name", sorted(path.stem for path in help_pages.FOLDER.glob("*.md")))
def test_every_link_of_the_help_leads_somewhere(boss: Client, name: str) -> None:
    page = boss.get(f"/help/{name}/").content.decode()
    body = page[page.index('<article class="card prose">') : page.index("</article>")]
    for target in re.findall(r'href="([^"]+)"', body):
        path, _mark, anchor = target.partition("#")
        answer = boss.get(path or f"/help/{name}/")
        assert answer.status_code == 200, target
        assert not anchor or f'id="{anchor}"' in answer.content.decode(), target


def test_html_in_the_help_is_text() -> None:
    assert "&lt;script&gt;" in help_pages._MARKDOWN.render("<script>")


@pytest.mark.parametrize(
    "address", ["/help/nope/", "/help/..%2f..%2fREADME/", "/libraries/999/", "/no/such/page/", "/static/../x"]
)
def test_what_is_not_there_says_so_kindly(boss: Client, address: str) -> None:
    answer = boss.get(address)
    assert answer.status_code == 404
    assert "There is nothing here" in _text(answer.content)
