"""Who gets in, who may do what, and what strangers learn."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest
from django.contrib.auth.models import User
from django.test import Client
from django.urls import URLPattern, URLResolver, get_resolver

from catalog.models import ApiToken, Decision, Finding, Job, Library, Location, Match, ModelRecord

if TYPE_CHECKING:
    from collections.abc import Iterator

pytestmark = pytest.mark.django_db
OPEN_TO_ALL = {"admin:login", "admin:setup", "admin:logout"}


def _pages(patterns: list[URLPattern | URLResolver] | None = None) -> Iterator[URLPattern]:
    for pattern in patterns if patterns is not None else get_resolver().url_patterns:
        if isinstance(pattern, URLResolver):
            if pattern.app_name == "admin" or patterns is not None:
                yield from _pages(pattern.url_patterns)
        elif pattern.name:
            yield pattern


def _address(pattern: URLPattern) -> str:
    """Some address that the pattern fits."""
    text = str(pattern.pattern)
    fills = {"uuid": "00000000-0000-4000-8000-000000000000", "int": "1", "slug": "x", "str": "x", "path": "x"}
    return "/" + re.sub(r"<(\w+):\w+>", lambda found: fills[found.group(1)], text)


ADDRESSES = sorted({(str(page.name), _address(page)) for page in _pages() if "(?P" not in str(page.pattern)})


@pytest.mark.parametrize(("name", "address"), ADDRESSES)
def test_a_stranger_is_sent_to_the_log_in(name: str, address: str, client: Client) -> None:
    if f"admin:{name}" in OPEN_TO_ALL:
        return
    for answer in (client.get(address), client.post(address)):
        assert answer.status_code == 302
        assert answer["Location"].startswith("/login/")


def test_a_stranger_cannot_tell_a_page_from_none(client: Client) -> None:
    here, nowhere = client.get("/models/"), client.get("/no-such-page/")
    assert here.status_code == nowhere.status_code == 302


def _deeds(models: list[ModelRecord]) -> list[str]:
    library, job = Library.objects.get(name="ComfyUI"), Job.objects.filter(state="running")[0]
    finding = Finding.objects.filter(code="disk_read_error")[0]
    decision, token, match = Decision.objects.get(), ApiToken.objects.first(), Match.objects.all()[0]
    return [
        "/libraries/add/", "/libraries/scan/", f"/libraries/{library.pk}/scan/", f"/libraries/{library.pk}/pause/",
        f"/libraries/{library.pk}/verify/", f"/libraries/{library.pk}/remove/", f"/jobs/{job.pk}/cancel/",
        f"/jobs/{job.pk}/pause/", f"/attention/{finding.pk}/retry/", f"/decisions/{decision.pk}/undo/",
        f"/models/{models[0].pk}/forget/", f"/relations/{match.pk}/decide/", "/tokens/",
        f"/tokens/{token.pk if token else 1}/revoke/",
    ]  # fmt: skip


def test_whoever_may_only_look_changes_nothing(viewer: Client, catalogue: list[ModelRecord]) -> None:
    before = _state()
    for address in _deeds(catalogue):
        assert viewer.post(address, {"path": "/models", "paused": "yes", "name": "x"}).status_code == 403, address
    viewer.post(f"/models/{catalogue[0].pk}/edit/", {"name": "stolen"})
    viewer.post(f"/libraries/{Library.objects.get(name='ComfyUI').pk}/edit/", {"name": "stolen"})
    viewer.post("/models/", {"action": "delete_selected", "_selected_action": str(catalogue[0].pk)})
    assert _state() == before


def test_whoever_may_only_look_sees_no_button_that_changes(viewer: Client, catalogue: list[ModelRecord]) -> None:
    library = Library.objects.get(name="ComfyUI")
    for address in (
        "/",
        "/libraries/",
        f"/libraries/{library.pk}/",
        "/jobs/",
        "/attention/",
        f"/models/{catalogue[1].pk}/",
    ):
        page = viewer.get(address)
        assert page.status_code == 200
        forms = set(re.findall(r'<form[^>]*method="post"[^>]*action="([^"]*)"', page.content.decode()))
        assert forms <= {"/logout/"}, address


def test_no_get_changes_anything(boss: Client, catalogue: list[ModelRecord]) -> None:
    before = _state()
    for address in _deeds(catalogue):
        assert boss.get(address, {"path": "/models"}).status_code in (200, 405), address
    assert _state() == before


def test_a_form_from_another_site_is_refused(boss: Client, catalogue: list[ModelRecord]) -> None:
    strict = Client(enforce_csrf_checks=True)
    strict.cookies = boss.cookies
    before = _state()
    for address in _deeds(catalogue):
        for kind in ("application/x-www-form-urlencoded", "text/plain", "multipart/form-data; boundary=x"):
            answer = strict.post(address, "path=/models", content_type=kind, headers={"Origin": "null"})
            assert answer.status_code == 403, address
    assert b"Nothing was changed" in answer.content
    assert _state() == before


def test_staff_without_any_permission_is_told_so(db: None) -> None:
    user = User.objects.create_user("new", password="long-enough-1", is_staff=True)
    client = Client()
    client.force_login(user)
    answer = client.get("/")
    assert answer.status_code == 403
    assert b"Ask whoever runs this catalog" in answer.content


def test_log_ins_are_slowed_after_ten_wrong_ones(client: Client) -> None:
    User.objects.create_superuser("dora", password="long-enough-1")
    for _attempt in range(10):
        client.post("/login/", {"username": "dora", "password": "wrong"})
    answer = client.post("/login/", {"username": "dora", "password": "long-enough-1"})
    assert answer.status_code == 200
    assert b"Too many wrong tries" in answer.content


def test_other_names_may_still_log_in_meanwhile(client: Client) -> None:
    User.objects.create_superuser("berta", password="long-enough-1")
    for _attempt in range(11):
        client.post("/login/", {"username": "carla", "password": "wrong"})
    assert client.post("/login/?next=/", {"username": "berta", "password": "long-enough-1"}).status_code == 302


def test_a_new_password_ends_other_sessions(boss: Client) -> None:
    user = User.objects.get(username="boss")
    assert boss.get("/").status_code == 200
    user.set_password("another-one-2")
    user.save()
    assert boss.get("/").status_code == 302


def test_pages_carry_the_policy(boss: Client) -> None:
    policy = boss.get("/")["Content-Security-Policy"]
    assert "default-src 'self'" in policy
    assert "unsafe" not in policy


def _state() -> tuple[object, ...]:
    return (
        list(Library.objects.order_by("pk").values()),
        list(Job.objects.order_by("pk").values()),
        list(ModelRecord.objects.order_by("pk").values()),
        list(Location.objects.order_by("pk").values("pk", "stage", "state", "lease")),
        Decision.objects.count(),
        ApiToken.objects.count(),
        Finding.objects.filter(cleared_at=None).count(),
    )
