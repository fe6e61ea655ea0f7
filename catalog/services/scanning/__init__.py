"""What lies in a library folder now, compared with what was known of it. No model file is opened to find out."""

from __future__ import annotations

from catalog.services.scanning.report import ScanReport
from catalog.services.scanning.running import scan

__all__ = ["ScanReport", "scan"]
