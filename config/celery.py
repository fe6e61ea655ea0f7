"""The Celery application: `celery -A config.celery worker`. Its settings are the `CELERY_` ones of settings.py."""

from __future__ import annotations

import os
import signal
import threading

from celery import Celery
from celery.signals import worker_process_init, worker_shutting_down

from config.embedded.children import die_with_parent

COLD_STOP_SECONDS = 3.0
os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
app = Celery("isotope")
app.config_from_object("django.conf:settings", namespace="CELERY")
app.set_default()  # for every thread: being "current" is a matter of the thread that made it
app.autodiscover_tasks()


@worker_shutting_down.connect
def end_for_certain(how: str, **_facts: object) -> None:
    """A cold stop ends in seconds. Celery's heartbeat would wait for ever for a broker that has gone already."""
    if how == "Cold":
        last = threading.Timer(COLD_STOP_SECONDS, os._exit, (os.EX_TEMPFAIL,))
        last.daemon = True
        last.start()


@worker_process_init.connect
def end_with_the_worker(**_facts: object) -> None:
    """A worker that was killed takes its pool along: nobody would take the results of what it still computes."""
    die_with_parent(signal.SIGKILL)
