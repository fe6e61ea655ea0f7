"""Who asks: a signed-in person (with the cross-site check) or a program with a token, and what they may do."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps

from django.contrib.auth.models import AbstractBaseUser, AnonymousUser, User
from django.http import HttpRequest, HttpResponse
from ninja.errors import HttpError
from ninja.security import HttpBearer, SessionAuth

from catalog.services import tokens

VIEW = "catalog.view_modelrecord"


class TokenAuth(HttpBearer):
    """`Authorization: Bearer TOKEN`, a token made on the token page; acts as the person who made it."""

    def authenticate(self, request: HttpRequest, token: str) -> User | None:
        user = tokens.resolve(token=token)
        if user is not None:
            request.user = user
        return user


class SignedIn(SessionAuth):
    """The session of the browser; every request that changes something needs the CSRF token too."""

    def authenticate(self, request: HttpRequest, key: str | None) -> AbstractBaseUser | AnonymousUser | None:
        user = request.user
        return user if user.is_authenticated and user.is_active and user.is_staff else None


def require(request: HttpRequest, permission: str = VIEW) -> None:
    """Answers 403 unless the asking person holds `permission`."""
    if not request.user.has_perm(permission):
        raise HttpError(403, "You may not do that; ask whoever runs this catalog for the permission.")


def staff_or_token(view: Callable[..., HttpResponse]) -> Callable[..., HttpResponse]:
    """For pages beside the routers (documentation, figures): the same people and programs, else 401."""

    @wraps(view)
    def guarded(request: HttpRequest, *args: object, **kwargs: object) -> HttpResponse:
        if TokenAuth()(request) is None and not (request.user.is_active and request.user.is_staff):
            return HttpResponse("Sign in, or send a token.", status=401, content_type="text/plain")
        return view(request, *args, **kwargs)

    return guarded


AUTH = [TokenAuth(), SignedIn()]
