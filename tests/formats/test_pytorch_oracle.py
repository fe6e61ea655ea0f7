"""PyTorch itself writes files in all of its forms and says what is in them; the reader must say the same."""

from __future__ import annotations

import json
import subprocess
import sys
from typing import TYPE_CHECKING, TypeAlias

import pytest

from catalog.formats import Probe, probe_file
from catalog.hashing.base import Plan
from catalog.hashing.engine import digest_file
from catalog.hashing.tensors import tensor_digest
from catalog.storage.root import open_path
from catalog.vocabulary import Outcome
from tests.builders import torch_files

if TYPE_CHECKING:
    from pathlib import Path

Expected: TypeAlias = "dict[str, list[object]]"

PYTHONS = (sys.executable, "/usr/bin/python3")
FILES = (
    *(f"{name}.{form}.pt" for name in ("plain", "nested", "trained", "module") for form in ("zip", "old", "protocol4")),
    "module.jit",
)
BITS = {"F32": 32, "F16": 16, "BF16": 16, "I64": 64, "U8": 8, "BOOL": 8}


@pytest.fixture(scope="session")
def written(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder that PyTorch wrote. It weighs gigabytes on PyPI, so the one of the system is asked, too."""
    folder = tmp_path_factory.mktemp("torch")
    for python in PYTHONS:
        done = subprocess.run([python, torch_files.__file__, folder], capture_output=True, check=False)
        if done.returncode == 0:
            return folder
        if b"No module named 'torch'" not in done.stderr and b"No such file" not in done.stderr:
            pytest.fail(done.stderr.decode())
    pytest.skip("no PyTorch is installed (Debian: apt-get install python3-torch): comparing with it is left out")


def _read(path: Path) -> tuple[Probe, dict[str, tuple[object, ...]]]:
    with open_path(bytes(path)) as file:
        probe = probe_file(file)
        digests = digest_file(file, Plan(frozenset(), tensors=probe.tensors)).tensors
    return probe, {t.name: (t.dtype, t.shape, digest) for t, digest in zip(probe.tensors, digests, strict=True)}


@pytest.mark.parametrize("name", FILES)
def test_names_types_shapes_and_values_are_those_of_pytorch(written: Path, name: str) -> None:
    expected: Expected = json.loads((written / "expected.json").read_text())[name]
    probe, found = _read(written / name)

    assert probe.outcome is (Outcome.SUSPICIOUS if name.startswith("module.") and name.endswith(".pt") else Outcome.OK)
    wanted = {}
    for key, (dtype, shape, values) in expected.items():
        raw = bytes.fromhex(str(values))
        digest = tensor_digest(str(dtype), len(raw) * 8 // BITS[str(dtype)], raw)
        wanted[key] = (dtype, tuple(shape) if isinstance(shape, list) else (), digest)
    assert {key: value for key, value in found.items() if not key.startswith("constants.")} == wanted
