"""The Celery application: `celery -A config.celery worker`. Its settings are the `CELERY_` ones of settings.py."""

from __future__ import annotations

import os
import signal
import threading

from celery import Celery
from celery.signals import task_prerun, worker_process_init, worker_shutting_down
from django.db import close_old_connections

from config.embedded.children import die_with_parent

COLD_STOP_SECONDS = 3.0
KEPT_TASKS = 1000
"""So many tasks go over one database connection: making one costs as much as a small file."""
os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
app = Celery("isotope")
app.config_from_object("django.conf:settings", namespace="CELERY")
app.conf["CELERY_DB_REUSE_MAX"] = KEPT_TASKS  # under its old name, the only one that Celery's Django glue reads
app.set_default()  # for every thread: being "current" is a matter of the thread that made it
app.autodiscover_tasks()


@task_prerun.connect
def look_at_the_connection(**_facts: object) -> None:
    """As before each request of the web: a connection that has gone bad is closed, the next query makes a new one."""
    close_old_connections()


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
