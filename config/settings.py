"""Every setting, read once from the environment; names begin with `ISOTOPE_`, but for the two addresses of servers."""

from __future__ import annotations

import contextlib
import os
import secrets
from pathlib import Path

from csp.constants import NONE, SELF
from django.core.exceptions import ImproperlyConfigured
from environs import Env

from config.addresses import cache, celery_broker, database, secret
from config.embedded.places import data_folder, places

env = Env()
BASE_DIR = Path(__file__).resolve().parent.parent
VERSION = "0.1"

# -- where our own data lies ----------------------------------------------------------------------------------------


def _secret_key(folder: Path) -> str:
    """`ISOTOPE_SECRET_KEY`, or a file named by `ISOTOPE_SECRET_KEY_FILE`, else one made once and kept."""
    given = env.str("ISOTOPE_SECRET_KEY", "")
    if given:
        return given
    path = Path(env.str("ISOTOPE_SECRET_KEY_FILE", "") or folder / "secret-key")
    key = secrets.token_urlsafe(48)
    try:
        if not path.exists():
            path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            _write_once(path, key)
        return path.read_text().strip()
    except OSError as problem:
        if os.path.lexists(path):
            raise ImproperlyConfigured(f"the secret key {path} cannot be read: {problem.strerror}.") from problem
        return key  # a folder we may not use: `up` says so; sessions end with the process


def _write_once(path: Path, text: str) -> None:
    """Whole or not at all, and never over what another process wrote in the same moment."""
    part = path.with_name(f"{path.name}.{os.getpid()}")
    with open(os.open(part, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as handle:
        handle.write(text)
    with contextlib.suppress(FileExistsError):
        os.link(part, path)
    part.unlink()


PLACES = places(data_folder(env.str("ISOTOPE_DATA", ""), env.str("XDG_DATA_HOME", "")))
ISOTOPE_DATA = PLACES.data
"""`ISOTOPE_DATA`, else `isotope` under the user's XDG data home."""
SECRET_KEY = _secret_key(ISOTOPE_DATA)

ISOTOPE_FOLDERS = [folder for folder in env.str("ISOTOPE_FOLDERS", "").split(os.pathsep) if folder] or [
    str(Path.home()),
    "/models",
    "/mnt",
    "/media",
]
"""Where libraries may lie that are added in the browser or by a program; the command line may add any folder."""

# -- web ------------------------------------------------------------------------------------------------------------

DEBUG = env.bool("ISOTOPE_DEBUG", False)
ALLOWED_HOSTS = env.list("ISOTOPE_HOSTS", ["localhost", "127.0.0.1", "[::1]"])
CSRF_TRUSTED_ORIGINS: list[str] = env.list("ISOTOPE_ORIGINS", [])
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
    "django.contrib.admin.apps.SimpleAdminConfig",  # its pages are imported by config.urls, so only in the web
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

PROCESS = env.str("ISOTOPE_PROCESS", "")
"""What this process is: `web` in the web processes, set by whoever starts them; else empty."""
CONTAINED = env.bool("ISOTOPE_CONTAINER", False)
"""Do we run in our container image? Then only published ports are of use outside, and logs go to standard output."""
DATABASE_URL = secret(env, "DATABASE_URL") or PLACES.database_url
BROKER_URL = secret(env, "BROKER_URL") or PLACES.broker_url
EMBEDDED = {"database": PLACES.database_url == DATABASE_URL, "broker": PLACES.broker_url == BROKER_URL}
"""Which servers are our own."""
DATABASES = {
    "default": database(DATABASE_URL, password=secret(env, "ISOTOPE_DATABASE_PASSWORD"), pooled=PROCESS == "web"),
}
CACHES = {"default": cache(BROKER_URL)}

# -- background work ------------------------------------------------------------------------------------------------

QUEUE = env.str("ISOTOPE_QUEUE", "local")
"""The queue of the workers that reach the folders of this host; its short jobs go to `<queue>.quick`."""
LEASE_SECONDS = env.float("ISOTOPE_LEASE_SECONDS", 30.0)
"""After so long without a sign of life a worker counts as dead, and what it worked on is given to others."""
RECONCILE_SECONDS = env.float("ISOTOPE_RECONCILE_SECONDS", 10.0)
"""How often it is seen to that whatever waits is worked on."""
CELERY_BROKER_URL = celery_broker(BROKER_URL)
CELERY_BROKER_CONNECTION_RETRY_ON_STARTUP = True
CELERY_BROKER_CONNECTION_TIMEOUT = 2.0
CELERY_BROKER_TRANSPORT_OPTIONS = {
    "visibility_timeout": 24 * 3600,  # a delivery that is older was lost; rows carry leases of their own anyway
    "socket_connect_timeout": 1.0,
    "socket_timeout": 0.7,  # of one that hangs, too: whoever asks for work waits for it twice at most
    "socket_keepalive": True,
    "max_retries": 1,
}
CELERY_TASK_PUBLISH_RETRY_POLICY = {"max_retries": 1, "interval_start": 0.1, "interval_step": 0.2, "interval_max": 0.5}
CELERY_TASK_SERIALIZER = CELERY_RESULT_SERIALIZER = CELERY_EVENT_SERIALIZER = "json"
CELERY_ACCEPT_CONTENT = ["json"]
CELERY_TASK_IGNORE_RESULT = True  # our rows are the truth
CELERY_TASK_ACKS_LATE = True
CELERY_TASK_REJECT_ON_WORKER_LOST = True
CELERY_WORKER_PREFETCH_MULTIPLIER = 1
CELERY_WORKER_HIJACK_ROOT_LOGGER = False
CELERY_WORKER_SEND_TASK_EVENTS = CELERY_TASK_SEND_SENT_EVENT = True
CELERY_TASK_DEFAULT_QUEUE = "office"
CELERY_TIMEZONE = TIME_ZONE
CELERY_BEAT_SCHEDULE = {
    "reconcile": {
        "task": "catalog.tasks.reconcile",
        "schedule": RECONCILE_SECONDS,
        "options": {"queue": "office", "expires": RECONCILE_SECONDS},
    },
}
CELERY_BEAT_SCHEDULE_FILENAME = str(ISOTOPE_DATA / "beat-schedule")

# -- what is said to the log ----------------------------------------------------------------------------------------

LOG_LEVEL = env.str("ISOTOPE_LOG_LEVEL", "INFO").upper()
LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {"line": {"format": "%(asctime)s %(levelname)s %(name)s: %(message)s"}},
    "handlers": {"stderr": {"class": "logging.StreamHandler", "formatter": "line"}},
    "root": {"handlers": ["stderr"], "level": "WARNING"},
    # Files and their rotation are the business of whoever started us and reads our standard error.
    "loggers": {
        **{
            name: {"handlers": ["stderr"], "level": LOG_LEVEL, "propagate": False}
            for name in ("catalog", "config", "celery", "django", "flower")
        },
        "celery.beat": {"level": "WARNING"},  # a line for each tick
        "celery.worker.strategy": {"level": "WARNING"},  # a line for each received task
        "celery.app.trace": {"level": "WARNING"},  # and one for each done
    },
}
