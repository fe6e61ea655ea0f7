"""The first account, made by whoever holds the one-time link."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.contrib.auth import login
from django.contrib.auth.forms import BaseUserCreationForm
from django.contrib.auth.models import User
from django.core.exceptions import PermissionDenied
from django.shortcuts import redirect
from django.template.response import TemplateResponse
from django.views.decorators.cache import never_cache
from django.views.decorators.csrf import csrf_protect
from django.views.decorators.http import require_http_methods

from catalog.errors import Refused
from catalog.services import first_account

if TYPE_CHECKING:
    from django.http import HttpRequest, HttpResponse


class FirstAccountForm(BaseUserCreationForm):  # type: ignore[type-arg]  # not generic when it runs
    """A name and a password, given twice."""

    class Meta:
        model = User
        fields = ("username",)


@require_http_methods(["GET", "HEAD", "POST"])
@never_cache
@csrf_protect
def show(request: HttpRequest, token: str) -> HttpResponse:
    """Three fields; then he or she is signed in. With an account there already, on to the log-in."""
    if not first_account.needed():
        return redirect("admin:index")
    if not first_account.valid(token=token):
        raise PermissionDenied("This link is not valid. Start `up` again for a new one.")
    given = FirstAccountForm(request.POST or None, label_suffix="")
    if request.method == "POST" and given.is_valid():
        return _made(request, token, given)
    return TemplateResponse(request, "catalog/setup.html", {"title": "Create the first account", "form": given})


def _made(request: HttpRequest, token: str, given: FirstAccountForm) -> HttpResponse:
    name, password = given.cleaned_data["username"], given.cleaned_data["password1"]
    try:
        user = first_account.redeem(token=token, username=name, password=password)
    except Refused as refused:
        raise PermissionDenied(str(refused)) from refused
    login(request, user, backend="django.contrib.auth.backends.ModelBackend")
    return redirect("admin:index")
