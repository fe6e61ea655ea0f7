"""Makes the secrets that are not there yet: `make_secrets.py FOLDER NAME...`, one file each, with one random line."""

from __future__ import annotations

import secrets
import sys
from pathlib import Path

folder, *names = sys.argv[1:]
for name in names:
    path = Path(folder, name)
    if not path.exists():
        part = path.with_suffix(".part")
        part.write_text(secrets.token_urlsafe(36))
        # The database runs as a user of its own; the volume is closed to everybody outside the containers.
        part.chmod(0o444)
        part.rename(path)
