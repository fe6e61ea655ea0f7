"""What every page of ours shares: who may see it, what may be sent to it, and the frame around it."""

from __future__ import annotations

import functools
from typing import TYPE_CHECKING, Any

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import HttpResponse, HttpResponseNotAllowed
from django.shortcuts import redirect
from django.template.response import TemplateResponse
from django.utils.http import url_has_allowed_host_and_scheme

from catalog.admin.site import site
from catalog.errors import CatalogError

if TYPE_CHECKING:
    from collections.abc import Callable

    from django.http import HttpRequest

    View = Callable[..., HttpResponse]


def page(permission: str, *, cacheable: bool = False) -> Callable[[View], View]:
    """A view that signed-in people with `permission` may look at; it answers GET alone.

    A browser keeps no page of ours, unless it is `cacheable` and says itself for how long.
    """
    return functools.partial(_guarded, permission, ("GET", "HEAD"), cacheable=cacheable)


def action(permission: str) -> Callable[[View], View]:
    """A view that changes something: POST alone, with the CSRF token, for people with `permission`."""
    return functools.partial(_guarded, permission, ("POST",))


def form(permission: str) -> Callable[[View], View]:
    """A view that shows a form by GET and takes it by POST."""
    return functools.partial(_guarded, permission, ("GET", "HEAD", "POST"))


def _guarded(permission: str, methods: tuple[str, ...], view: View, *, cacheable: bool = False) -> View:
    @functools.wraps(view)
    def inner(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        if not request.user.has_perm(permission):
            raise PermissionDenied
        if request.method not in methods:
            return HttpResponseNotAllowed(methods)
        return view(request, *args, **kwargs)

    return site.admin_view(inner, cacheable=cacheable)


def render(request: HttpRequest, template: str, title: str, *, section: str, **context: Any) -> TemplateResponse:
    """A page in the site's frame; `section` marks the current word of the main navigation."""
    frame = {**site.each_context(request), "title": title, "section": section}
    return TemplateResponse(request, template, {**frame, **context})


def attempt(request: HttpRequest, work: Callable[[], object], done: str) -> bool:
    """Does it and says so; a refusal of the rules becomes a message. Whether it was done."""
    try:
        work()
    except CatalogError as problem:
        messages.error(request, str(problem))
        return False
    messages.success(request, done)
    return True


def back(request: HttpRequest, fallback: str, *args: Any) -> HttpResponse:
    """To the page that the form was on, when the browser says which and it is one of ours; else to a named one."""
    wanted = request.headers.get("Referer", "")
    ours = url_has_allowed_host_and_scheme(wanted, {request.get_host()}, require_https=request.is_secure())
    return redirect(wanted) if wanted and ours else redirect(fallback, *args)
