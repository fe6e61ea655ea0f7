"""Whoever reads in the background steps back for everybody else."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]
TELL = """
import ctypes, os, platform
import django
django.setup()
from catalog.services import drives
drives.step_back()
drives.step_back()
get = {"x86_64": 252, "aarch64": 31, "riscv64": 31}[platform.machine()]  # ioprio_get
print(os.nice(0), ctypes.CDLL(None).syscall(get, 1, 0) >> 13)
"""


def test_a_bulk_worker_computes_and_reads_when_nobody_else_wants_to() -> None:
    before = os.nice(0)

    told = subprocess.run([sys.executable, "-c", TELL], cwd=ROOT, capture_output=True, text=True, check=True)

    idle = 3  # IOPRIO_CLASS_IDLE
    assert told.stdout.split() == [str(min(19, before + 10)), str(idle)]
