"""The web's entrance for a WSGI server."""

from __future__ import annotations

import os
import signal

from django.core.wsgi import get_wsgi_application

from config.embedded.children import die_with_parent

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
if os.environ.get("ISOTOPE_PROCESS") == "web":
    # A web server that was killed must not leave its processes behind: they would hold the port.
    die_with_parent(signal.SIGKILL)
application = get_wsgi_application()
