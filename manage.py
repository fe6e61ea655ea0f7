#!/usr/bin/env python
"""The one entrance: every command of Isotope."""

from __future__ import annotations

import os
import sys


def main() -> None:
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
    from django.core.exceptions import ImproperlyConfigured  # noqa: PLC0415 - after the settings are named
    from django.core.management import execute_from_command_line  # noqa: PLC0415
    from environs.exceptions import EnvError  # noqa: PLC0415

    try:
        execute_from_command_line(sys.argv)
    except (ImproperlyConfigured, EnvError) as problem:
        sys.stderr.write(f"The settings are wrong: {problem}\n")
        sys.exit(2)


if __name__ == "__main__":
    main()
