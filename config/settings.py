"""Every setting, read once from the environment; names begin with `ISOTOPE_`, but for the two addresses of servers."""

from __future__ import annotations

import os
import secrets
from pathlib import Path

from csp.constants import NONE, SELF
from environs import Env

env = Env()
BASE_DIR = Path(__file__).resolve().parent.parent
VERSION = "0.1"

# -- where our own data lies ----------------------------------------------------------------------------------------


def _data_folder() -> Path:
    """`ISOTOPE_DATA`, else `isotope` under the user's XDG data home."""
    named = env.str("ISOTOPE_DATA", "")
    if named:
        return Path(named).expanduser().resolve()
    home = env.str("XDG_DATA_HOME", "") or "~/.local/share"
    return Path(home).expanduser().resolve() / "isotope"


def _secret_key(folder: Path) -> str:
    """`ISOTOPE_SECRET_KEY`, or a file named by `ISOTOPE_SECRET_KEY_FILE`, else one made once and kept."""
    given = env.str("ISOTOPE_SECRET_KEY", "")
    if given:
        return given
    path = Path(env.str("ISOTOPE_SECRET_KEY_FILE", "") or folder / "secret-key")
    if path.exists():
        return path.read_text().strip()
    key = secrets.token_urlsafe(48)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with open(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as handle:
            handle.write(key)
    except FileExistsError:
        return path.read_text().strip()
    except OSError:
        return key  # a read-only machine: sessions end with the process
    return key


ISOTOPE_DATA = _data_folder()
SECRET_KEY = _secret_key(ISOTOPE_DATA)

# -- web ------------------------------------------------------------------------------------------------------------

DEBUG = env.bool("ISOTOPE_DEBUG", False)
ALLOWED_HOSTS = env.list("ISOTOPE_HOSTS", ["localhost", "127.0.0.1", "[::1]"])
CSRF_TRUSTED_ORIGINS = env.list("ISOTOPE_ORIGINS", [])
SECURE_SSL = env.bool("ISOTOPE_HTTPS", False)
SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = SECURE_SSL
SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https") if SECURE_SSL else None
SESSION_COOKIE_NAME = "isotope_session"
CSRF_COOKIE_NAME = "isotope_csrf"
ROOT_URLCONF = "config.urls"
WSGI_APPLICATION = "config.wsgi.application"
LOGIN_URL = "admin:login"

INSTALLED_APPS = [
    "catalog",
    "django.contrib.admin",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "whitenoise.runserver_nostatic",
    "django.contrib.staticfiles",
    "django.contrib.humanize",
    "django.contrib.postgres",
    "ninja",
    "csp",
]
MIDDLEWARE = [
    "django.middleware.security.SecurityMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "csp.middleware.CSPMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
]
CONTENT_SECURITY_POLICY = {
    "DIRECTIVES": {
        "default-src": [SELF],
        "img-src": [SELF, "data:"],
        "object-src": [NONE],
        "base-uri": [NONE],
        "frame-ancestors": [NONE],
    }
}
TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
            ],
        },
    },
]
STATIC_URL = "static/"
WHITENOISE_USE_FINDERS = True
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": "django.contrib.auth.password_validation.UserAttributeSimilarityValidator"},
    {"NAME": "django.contrib.auth.password_validation.MinimumLengthValidator"},
    {"NAME": "django.contrib.auth.password_validation.CommonPasswordValidator"},
    {"NAME": "django.contrib.auth.password_validation.NumericPasswordValidator"},
]
LANGUAGE_CODE = "en"
TIME_ZONE = env.str("ISOTOPE_TIME_ZONE", "UTC")
USE_TZ = True
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

# -- servers --------------------------------------------------------------------------------------------------------

SOCKETS = Path(env.str("ISOTOPE_SOCKETS", "") or ISOTOPE_DATA / "run")
"""Folder of the embedded servers' unix sockets; the keeper names another one when this path is too long."""

DATABASE_URL = env.str("DATABASE_URL", "")
BROKER_URL = env.str("BROKER_URL", "")
