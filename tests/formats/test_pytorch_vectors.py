"""Files that PyTorch itself wrote (1.13), and the values that it reads from them."""

from __future__ import annotations

import base64
from typing import TYPE_CHECKING

import numpy as np
import pytest

from catalog.formats import probe_file
from catalog.hashing.base import Plan
from catalog.hashing.engine import digest_file
from catalog.hashing.tensors import tensor_digest
from catalog.storage.root import open_path
from catalog.vocabulary import Outcome

if TYPE_CHECKING:
    from pathlib import Path

# torch.save({'m': torch.arange(6.).view(2, 3).t(), 'b': torch.tensor([1.5, -2]).bfloat16()}, ...)
ZIP = """
UEsDBAAACAgAAAAAAAAAAAAAAAAAAAAAAAAMABYAdmVjL2RhdGEucGtsRkISAFpaWlpaWlpaWlpaWlpaWlpaWoACfXEAKFgBAAAAbXEBY3RvcmNoLl91
dGlscwpfcmVidWlsZF90ZW5zb3JfdjIKcQIoKFgHAAAAc3RvcmFnZXEDY3RvcmNoCkZsb2F0U3RvcmFnZQpxBFgBAAAAMHEFWAMAAABjcHVxBksGdHEH
UUsASwNLAoZxCEsBSwOGcQmJY2NvbGxlY3Rpb25zCk9yZGVyZWREaWN0CnEKKVJxC3RxDFJxDVgBAAAAYnEOaAIoKGgDY3RvcmNoCkJGbG9hdDE2U3Rv
cmFnZQpxD1gBAAAAMXEQaAZLAnRxEVFLAEsChXESSwGFcROJaAopUnEUdHEVUnEWdS5QSwcI23f8cfcAAAD3AAAAUEsDBAAACAgAAAAAAAAAAAAAAAAA
AAAAAAAKABEAdmVjL2RhdGEvMEZCDQBaWlpaWlpaWlpaWlpaAAAAAAAAgD8AAABAAABAQAAAgEAAAKBAUEsHCBeQ55EYAAAAGAAAAFBLAwQAAAgIAAAA
AAAAAAAAAAAAAAAAAAAACgAwAHZlYy9kYXRhLzFGQiwAWlpaWlpaWlpaWlpaWlpaWlpaWlpaWlpaWlpaWlpaWlpaWlpaWlpaWlpaWlrAPwDAUEsHCAdR
WuMEAAAABAAAAFBLAwQAAAgIAAAAAAAAAAAAAAAAAAAAAAAACwBDAHZlYy92ZXJzaW9uRkI/AFpaWlpaWlpaWlpaWlpaWlpaWlpaWlpaWlpaWlpaWlpa
WlpaWlpaWlpaWlpaWlpaWlpaWlpaWlpaWlpaWlpaWjMKUEsHCNGeZ1UCAAAAAgAAAFBLAQIAAAAACAgAAAAAAADbd/xx9wAAAPcAAAAMAAAAAAAAAAAA
AAAAAAAAAAB2ZWMvZGF0YS5wa2xQSwECAAAAAAgIAAAAAAAAF5DnkRgAAAAYAAAACgAAAAAAAAAAAAAAAABHAQAAdmVjL2RhdGEvMFBLAQIAAAAACAgA
AAAAAAAHUVrjBAAAAAQAAAAKAAAAAAAAAAAAAAAAAKgBAAB2ZWMvZGF0YS8xUEsBAgAAAAAICAAAAAAAANGeZ1UCAAAAAgAAAAsAAAAAAAAAAAAAAAAA
FAIAAHZlYy92ZXJzaW9uUEsGBiwAAAAAAAAAHgMtAAAAAAAAAAAABAAAAAAAAAAEAAAAAAAAAOMAAAAAAAAAkgIAAAAAAABQSwYHAAAAAHUDAAAAAAAA
AQAAAFBLBQYAAAAABAAEAOMAAACSAgAAAAA=
"""
# torch.save({'m': torch.arange(4.).view(2, 2).t(), 'h': Parameter(torch.ones(2).half())}, ..., without the zip)
LEGACY = """
gAKKCmz8nEb5IGqoUBkugAJN6QMugAJ9cQAoWBAAAABwcm90b2NvbF92ZXJzaW9ucQFN6QNYDQAAAGxpdHRsZV9lbmRpYW5xAohYCgAAAHR5cGVfc2l6
ZXNxA31xBChYBQAAAHNob3J0cQVLAlgDAAAAaW50cQZLBFgEAAAAbG9uZ3EHSwR1dS6AAn1xAChYAQAAAG1xAWN0b3JjaC5fdXRpbHMKX3JlYnVpbGRf
dGVuc29yX3YyCnECKChYBwAAAHN0b3JhZ2VxA2N0b3JjaApGbG9hdFN0b3JhZ2UKcQRYCQAAADExMTY4NDQwMHEFWAMAAABjcHVxBksETnRxB1FLAEsC
SwKGcQhLAUsChnEJiWNjb2xsZWN0aW9ucwpPcmRlcmVkRGljdApxCilScQt0cQxScQ1YAQAAAGhxDmN0b3JjaC5fdXRpbHMKX3JlYnVpbGRfcGFyYW1l
dGVyCnEPaAIoKGgDY3RvcmNoCkhhbGZTdG9yYWdlCnEQWAkAAAAxMTE2ODQzMDRxEWgGSwJOdHESUUsASwKFcRNLAYVxFIloCilScRV0cRZScReIaAop
UnEYh3EZUnEadS6AAl1xAChYCQAAADExMTY4NDMwNHEBWAkAAAAxMTE2ODQ0MDBxAmUuAgAAAAAAAAAAPAA8BAAAAAAAAAAAAAAAAACAPwAAAEAAAEBA
"""
# pickle.dumps of torch.ones(2), protocol 4
PLAIN = """
gASVfQEAAAAAAACMDHRvcmNoLl91dGlsc5SMEl9yZWJ1aWxkX3RlbnNvcl92MpSTlCiMDXRvcmNoLnN0b3JhZ2WUjBBfbG9hZF9mcm9tX2J5dGVzlJOU
Q/mAAooKbPycRvkgaqhQGS6AAk3pAy6AAn1xAChYEAAAAHByb3RvY29sX3ZlcnNpb25xAU3pA1gNAAAAbGl0dGxlX2VuZGlhbnECiFgKAAAAdHlwZV9z
aXplc3EDfXEEKFgFAAAAc2hvcnRxBUsCWAMAAABpbnRxBksEWAQAAABsb25ncQdLBHV1LoACKFgHAAAAc3RvcmFnZXEAY3RvcmNoCkZsb2F0U3RvcmFn
ZQpxAVgJAAAAOTg2NTMxNzEycQJYAwAAAGNwdXEDSwJOdHEEUS6AAl1xAFgJAAAAOTg2NTMxNzEycQFhLgIAAAAAAAAAAACAPwAAAECUhZRSlEsASwKF
lEsBhZSJjAtjb2xsZWN0aW9uc5SMC09yZGVyZWREaWN0lJOUKVKUdJRSlC4=
"""

TURNED = np.arange(6, dtype=np.float32).reshape(2, 3).T
SQUARE = np.arange(4, dtype=np.float32).reshape(2, 2).T


@pytest.mark.parametrize(
    ("content", "outcome", "expected"),
    [
        (ZIP, Outcome.OK, {"b": ("BF16", (2,), b"\xc0\x3f\x00\xc0"), "m": ("F32", (3, 2), TURNED.tobytes())}),
        (LEGACY, Outcome.OK, {"h": ("F16", (2,), b"\x00\x3c" * 2), "m": ("F32", (2, 2), SQUARE.tobytes())}),
        (PLAIN, Outcome.SUSPICIOUS, {"tensor": ("F32", (2,), np.array([1, 2], np.float32).tobytes())}),
    ],
)
def test_what_pytorch_wrote_is_read_as_it_does(
    tmp_path: Path, content: str, outcome: Outcome, expected: dict[str, tuple[str, tuple[int, ...], bytes]]
) -> None:
    path = tmp_path / "a.pt"
    path.write_bytes(base64.b64decode(content))
    with open_path(bytes(path)) as file:
        found = probe_file(file)
        digests = digest_file(file, Plan(frozenset(), tensors=found.tensors)).tensors
    assert found.outcome is outcome
    told = {t.name: (t.dtype, t.shape, digest) for t, digest in zip(found.tensors, digests, strict=True)}
    assert told == {
        name: (dtype, shape, tensor_digest(dtype, len(data) // (2 if dtype != "F32" else 4), data))
        for name, (dtype, shape, data) in expected.items()
    }
