"""The one Django application."""

from __future__ import annotations

from importlib import import_module

from django.apps import AppConfig


class CatalogConfig(AppConfig):
    name = "catalog"
    verbose_name = "Isotope"

    def ready(self) -> None:
        """Registers the checks of the settings."""
        import_module("catalog.checks")
