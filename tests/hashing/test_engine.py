"""One read gives what the plain libraries give, or nothing at all."""

from __future__ import annotations

import hashlib
import os
import subprocess
import sys
import threading
import zlib
from typing import TYPE_CHECKING

import pytest
from blake3 import blake3
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from catalog.errors import Cancelled, ChangedFile, MalformedFile
from catalog.formats.base import TensorInfo
from catalog.hashing.base import STANDARD, Plan
from catalog.hashing.engine import BLOCK, DEPTH, SMALL_BLOCK, THREADS_FROM, digest_file
from catalog.hashing.tensors import tensor_digest
from catalog.storage.root import open_path
from catalog.vocabulary import Algorithm, FindingCode

if TYPE_CHECKING:
    from pathlib import Path

    from tests.hashing.conftest import Opener

NOISE = hashlib.shake_256(b"noise").digest(3 * BLOCK)
EDGES = (0, 1, 2, SMALL_BLOCK, THREADS_FROM, THREADS_FROM + 0x10000, THREADS_FROM + 3 * SMALL_BLOCK, BLOCK + 5)


def plainly(data: bytes, body: int) -> dict[str, bytes]:
    """The six of Civitai and git's, each by its own read."""
    expected = {
        "blake3": blake3(data).digest(),
        "sha256": hashlib.sha256(data).digest(),
        "crc32": zlib.crc32(data).to_bytes(4, "big"),
        "git-sha1": hashlib.sha1(b"blob %d\0" % len(data) + data, usedforsecurity=False).digest(),
        "autov3": hashlib.sha256(data[body:]).digest(),
        "autov1": hashlib.sha256(data[0x100000:0x110000]).digest()[:4],
    }
    if len(data) <= 0x100000:
        del expected["autov1"]
    if body >= len(data):
        del expected["autov3"]
    return expected if data else {}


@st.composite
def sizes(draw: st.DrawFn) -> int:
    """Around the places where blocks, threads and digests begin."""
    return max(0, draw(st.sampled_from(EDGES)) + draw(st.integers(-3, 3)))


@st.composite
def ranges(draw: st.DrawFn, size: int) -> TensorInfo:
    """A tensor anywhere in the file: overlapping others, empty, or all of it."""
    start = draw(st.integers(0, size))
    stop = draw(st.one_of(st.integers(start, size), st.just(min(size, start + draw(st.integers(0, 5000))))))
    return TensorInfo("any", draw(st.sampled_from(["F32", "I8"])), (stop - start, 1), start, stop - start)


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.data())
def test_one_read_gives_what_each_library_gives_alone(tmp_path: Path, data: st.DataObject) -> None:
    size = data.draw(sizes())
    body = data.draw(st.integers(0, size))
    tensors = tuple(data.draw(st.lists(ranges(size), max_size=6)))
    content = NOISE[:size]
    path = tmp_path / "model"
    path.write_bytes(content)
    with open_path(os.fsencode(path)) as file:
        found = digest_file(file, Plan(body=body, tensors=tensors))
    assert found.digests == plainly(content, body)
    expected = [tensor_digest(t.dtype, t.values, content[t.offset : t.offset + t.nbytes]) for t in tensors]
    assert list(found.tensors) == expected
    assert found.bytes_read == size


@pytest.mark.parametrize("algorithm", ["md5", "sha1", "sha512", "sha3_256", "blake2b"])
@pytest.mark.parametrize("size", [1000, THREADS_FROM + 1])
def test_any_algorithm_of_hashlib_is_had_by_its_name(opened: Opener, algorithm: str, size: int) -> None:
    found = digest_file(opened(NOISE[:size]), Plan(frozenset({algorithm})))
    assert found.digests == {algorithm: hashlib.new(algorithm, NOISE[:size]).digest()}


@pytest.mark.parametrize("size", [THREADS_FROM - 1, THREADS_FROM, 3 * BLOCK])
def test_blake3_alone_uses_all_cores_and_says_the_same(opened: Opener, size: int) -> None:
    found = digest_file(opened(NOISE[:size]), Plan(frozenset({Algorithm.BLAKE3})))
    assert found.digests == {"blake3": blake3(NOISE[:size]).digest()}


@pytest.mark.parametrize("algorithm", ["shake_128", "shake_256", "sha257", "folder:v1"])
def test_what_is_no_digest_of_a_file_is_refused_by_name(opened: Opener, algorithm: str) -> None:
    with pytest.raises(ValueError, match=algorithm):
        digest_file(opened(b"model"), Plan(frozenset({algorithm})))


def test_an_empty_file_has_no_digests(opened: Opener) -> None:
    found = digest_file(opened(b""), Plan(STANDARD | {"md5", "imohash"}, body=0))
    assert (found.digests, found.bytes_read) == ({}, 0)


def test_a_plan_that_asks_for_nothing_reads_nothing(opened: Opener) -> None:
    found = digest_file(opened(NOISE), Plan(frozenset()))
    assert (found.digests, found.tensors, found.bytes_read) == ({}, (), 0)


def test_a_short_digest_reads_only_its_part(opened: Opener) -> None:
    assert digest_file(opened(NOISE), Plan(frozenset({Algorithm.AUTOV1}))).bytes_read == 0x10000


@pytest.mark.parametrize("size", [100, 3 * BLOCK])
def test_progress_counts_up_to_the_size(opened: Opener, size: int) -> None:
    seen: list[int] = []
    digest_file(opened(NOISE[:size]), Plan(), progress=seen.append)
    assert seen == sorted(set(seen))
    assert seen[-1] == size


@pytest.mark.parametrize("blocks", [0, 1, 5])
def test_a_cancelled_read_stops_at_the_next_block(opened: Opener, blocks: int) -> None:
    seen: list[int] = []
    with pytest.raises(Cancelled):
        digest_file(opened(NOISE), Plan(), progress=seen.append, cancelled=lambda: len(seen) >= blocks)
    assert len(seen) == blocks


def test_a_small_file_is_cancelled_before_it_is_read(opened: Opener) -> None:
    with pytest.raises(Cancelled):
        digest_file(opened(b"model"), Plan(), cancelled=lambda: True)


def test_a_file_written_to_while_it_is_read_counts_for_nothing(opened: Opener, tmp_path: Path) -> None:
    file = opened(NOISE)

    def write(read: int) -> None:
        with open(tmp_path / "model-0.safetensors", "r+b") as other:
            other.write(b"other")
        os.utime(file.fileno(), ns=(0, read))

    with pytest.raises(ChangedFile) as caught:
        digest_file(file, Plan(), progress=write)
    assert caught.value.code == FindingCode.CHANGING


@pytest.mark.parametrize("size", [0, 10, 2 * BLOCK])
def test_a_file_cut_while_it_is_read_has_changed(opened: Opener, tmp_path: Path, size: int) -> None:
    def cut(read: int) -> None:
        os.truncate(tmp_path / "model-0.safetensors", size)

    with pytest.raises(ChangedFile):
        digest_file(opened(NOISE), Plan(), progress=cut)


@pytest.mark.parametrize("later", [b"", b"other and longer"])
def test_a_file_that_changed_since_it_was_opened_has_changed(opened: Opener, tmp_path: Path, later: bytes) -> None:
    file = opened(b"model")
    (tmp_path / "model-0.safetensors").write_bytes(later)
    with pytest.raises(ChangedFile):
        digest_file(file, Plan())


def test_same_size_and_other_time_since_it_was_opened_has_changed(opened: Opener) -> None:
    file = opened(b"model")
    os.utime(file.fileno(), ns=(1, 1))
    with pytest.raises(ChangedFile):
        digest_file(file, Plan())


@pytest.mark.parametrize(
    "plan",
    [
        Plan(body=6),
        Plan(tensors=(TensorInfo("late", "I8", (3,), 3, 3),)),
        Plan(tensors=(TensorInfo("early", "I8", (3,), -1, 3),)),
        Plan(tensors=(TensorInfo("empty", "I8", (0,), 6, 0),)),
    ],
)
def test_what_reaches_beyond_the_end_is_a_truncated_file(opened: Opener, plan: Plan) -> None:
    with pytest.raises(MalformedFile) as caught:
        digest_file(opened(b"model"), plan)
    assert caught.value.code == FindingCode.TRUNCATED
    assert "5 bytes" in str(caught.value)


def test_no_thread_is_left_behind(opened: Opener) -> None:
    before = set(threading.enumerate())
    seen: list[int] = []
    digest_file(opened(NOISE), Plan())
    with pytest.raises(Cancelled):
        digest_file(opened(NOISE), Plan(), cancelled=lambda: len(threading.enumerate()) > len(before))
    with pytest.raises(ZeroDivisionError):
        digest_file(opened(NOISE), Plan(), progress=lambda read: seen.append(read // 0))
    assert set(threading.enumerate()) == before


def test_the_ring_stays_below_64_mib() -> None:
    assert BLOCK * DEPTH <= 64 << 20


MEASURE = """
import os, resource, sys
from catalog.hashing.base import Plan
from catalog.hashing.engine import digest_file
from catalog.storage.root import open_path

def peak():
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024

paths = [os.fsencode(path) for path in sys.argv[1:]]
peaks = []
for path in paths:
    with open_path(path) as file:
        digest_file(file, Plan(body=8))
    peaks.append(peak())
print(*peaks)
"""


def test_memory_does_not_grow_with_the_file(tmp_path: Path) -> None:
    small, large = tmp_path / "small", tmp_path / "large"
    for path, size in ((small, 1000), (large, 192 << 20)):
        path.touch()
        os.truncate(path, size)
    answer = subprocess.run([sys.executable, "-c", MEASURE, small, large], check=True, capture_output=True, text=True)
    before, after = map(int, answer.stdout.split())
    assert after - before <= 64
