"""Tokens for programs: made here, shown once, ended here."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

from django import forms
from django.contrib import messages
from django.http import Http404
from django.shortcuts import redirect
from django.utils import timezone

from catalog.admin.pages.base import action, form, render
from catalog.models import ApiToken
from catalog.services import tokens

if TYPE_CHECKING:
    from django.contrib.auth.models import User
    from django.db.models import QuerySet
    from django.http import HttpRequest, HttpResponse

_ENDS = {"30": "in 30 days", "365": "in a year", "": "never"}


class TokenForm(forms.Form):
    """What a token is for, and when it ends."""

    name = forms.CharField(label="What is it for?", max_length=100)
    days = forms.ChoiceField(label="It ends", choices=list(_ENDS.items()), required=False, initial="365")


@form("catalog.add_apitoken")
def index(request: HttpRequest) -> HttpResponse:
    """The tokens of the asking person (a superuser sees all), and a form; a new one is shown this once."""
    user: User = request.user  # type: ignore[assignment]  # nobody else gets here
    given = TokenForm(request.POST or None, label_suffix="")
    secret = ""
    if request.method == "POST" and given.is_valid():
        days = given.cleaned_data["days"]
        ends = timezone.now() + timedelta(days=int(days)) if days else None
        _row, secret = tokens.make(user=user, name=given.cleaned_data["name"], expires_at=ends)
        given = TokenForm(label_suffix="")
    return render(
        request,
        "catalog/tokens.html",
        "API tokens",
        section="tokens",
        form=given,
        secret=secret,
        tokens=_visible(user).select_related("user").order_by("-created_at"),
        now=timezone.now(),
    )


@action("catalog.add_apitoken")
def revoke(request: HttpRequest, token_id: int) -> HttpResponse:
    """Ends a token at once."""
    row = _visible(request.user).filter(pk=token_id).first()  # type: ignore[arg-type]  # nobody else gets here
    if row is None:
        raise Http404("No token has this number.")
    tokens.revoke(token_id=row.pk)
    messages.success(request, f"The token “{row.name}” is ended; whoever uses it gets no answer any more.")
    return redirect("admin:tokens")


def _visible(user: User) -> QuerySet[ApiToken]:
    return ApiToken.objects.all() if user.is_superuser else ApiToken.objects.filter(user=user)
