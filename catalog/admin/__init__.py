"""The pages for people, on the stock admin."""

from __future__ import annotations

from django.contrib.auth.models import Group, User

from catalog.admin.pages.urls import PAGES
from catalog.admin.records import AccountAdmin, LibraryAdmin, ModelsAdmin, RoleAdmin
from catalog.admin.site import site
from catalog.models import Library, ModelRecord

__all__ = ["site"]

site.add_pages(PAGES)
site.mount("models/", ModelRecord, ModelsAdmin)
site.mount("libraries/", Library, LibraryAdmin)
site.mount("users/", User, AccountAdmin)
site.mount("groups/", Group, RoleAdmin)
