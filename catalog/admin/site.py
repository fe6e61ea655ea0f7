"""The site of the catalog: the stock admin at `/`, with addresses and a main navigation of its own."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django.conf import settings
from django.contrib.admin import AdminSite, ModelAdmin
from django.shortcuts import redirect
from django.urls import include, path, re_path

from catalog.admin.login import LoginForm
from catalog.queries import attention

if TYPE_CHECKING:
    from collections.abc import Sequence

    from django.db.models import Model
    from django.http import HttpRequest, HttpResponse
    from django.urls import URLPattern, URLResolver


class IsotopeAdminSite(AdminSite):
    """Pages are added by `add_pages`, tables by `mount`: at an address that a person would guess."""

    site_title = site_header = "Isotope"
    index_title = "Dashboard"
    site_url = None
    enable_nav_sidebar = False
    login_form = LoginForm
    login_template = "admin/login.html"

    def __init__(self, name: str = "admin") -> None:
        super().__init__(name)
        self.pages: list[URLPattern] = []
        self.mounts: dict[str, ModelAdmin[Any]] = {}

    def add_pages(self, pages: Sequence[URLPattern]) -> None:
        """Pages that stand before everything else."""
        self.pages.extend(pages)

    def mount(self, prefix: str, model: type[Model], admin_class: type[ModelAdmin[Any]]) -> None:
        """Registers a table and gives its lists and forms the address `/prefix/`."""
        self.register(model, admin_class)
        self.mounts[prefix] = self.get_model_admin(model)

    def get_urls(self) -> list[URLPattern | URLResolver]:
        """Ours; what the stock pages need; last a door that asks strangers to log in whether or not a page exists."""
        own: list[URLPattern | URLResolver] = [
            *self.pages,
            path("login/", self.login, name="login"),
            path("logout/", self.admin_view(self.logout), name="logout"),
            path("password/", self.admin_view(self.password_change, cacheable=True), name="password_change"),
            path(
                "password/done/",
                self.admin_view(self.password_change_done, cacheable=True),
                name="password_change_done",
            ),
            path("jsi18n/", self.admin_view(self.i18n_javascript, cacheable=True), name="jsi18n"),
            path("app/<slug:app_label>/", self.admin_view(_home), name="app_list"),
        ]
        mounted = [path(prefix, include(admin.urls)) for prefix, admin in self.mounts.items()]
        return [*own, *mounted, re_path(r"(?P<url>.*)$", self.admin_view(self.catch_all_view))]

    def each_context(self, request: HttpRequest) -> dict[str, Any]:
        """What every page's head and foot show."""
        context = super().each_context(request)
        seen = request.user.has_perm("catalog.view_finding") and self.has_permission(request)
        return {**context, "version": settings.VERSION, "open_findings": attention.open_count() if seen else 0}

    def get_app_list(self, request: HttpRequest, app_label: str | None = None) -> list[Any]:
        """No list of tables: the main navigation names the nouns."""
        return []


def _home(request: HttpRequest, app_label: str) -> HttpResponse:
    """Crumbs of stock pages point to a list of tables, which there is not."""
    return redirect("admin:index")


site = IsotopeAdminSite()
