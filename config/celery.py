"""The Celery application: `celery -A config.celery worker`. Its settings are the `CELERY_` ones of settings.py."""

from __future__ import annotations

import os
import signal

from celery import Celery
from celery.signals import worker_process_init

from config.embedded.children import die_with_parent

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
app = Celery("isotope")
app.config_from_object("django.conf:settings", namespace="CELERY")
app.set_default()  # for every thread: being "current" is a matter of the thread that made it
app.autodiscover_tasks()


@worker_process_init.connect
def end_with_the_worker(**_facts: object) -> None:
    """A worker that was killed takes its pool along: nobody would take the results of what it still computes."""
    die_with_parent(signal.SIGKILL)
