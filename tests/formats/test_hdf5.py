"""HDF5 and Keras by offset: what h5py writes is where the index says, and nothing hostile is believed."""

from __future__ import annotations

import io
import json
import random
import struct
import zipfile
from typing import TYPE_CHECKING

import h5py
import numpy as np
import pytest

from catalog.formats import probe_file
from catalog.vocabulary import FindingCode, Format, Outcome
from tests.builders.sources import MemorySource

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from numpy.typing import NDArray

    from catalog.formats import Probe

    Arrays = Mapping[str, NDArray[np.generic]]

LAYERS = {
    f"layers/{layer}/vars/{number}": values.astype(dtype)
    for layer in ("conv", "dense", *(f"block_{count}" for count in range(30)))
    for number, (values, dtype) in enumerate(
        [(np.arange(15).reshape(3, 5), "<f4"), (np.arange(7), ">f8"), (np.arange(4), "<f2"), (np.arange(3), "<i4")]
    )
}


def _file(arrays: Arrays, **options: object) -> bytes:
    content = io.BytesIO()
    with h5py.File(content, "w", **options) as file:
        for name, array in arrays.items():
            file.create_dataset(name, data=array)
    return content.getvalue()


def _probe(content: bytes, name: bytes = b"model.weights.h5") -> Probe:
    return probe_file(MemorySource(content, name))


def _same(content: bytes, probe: Probe, arrays: Arrays) -> None:
    assert (probe.outcome, probe.problems) == (Outcome.OK, ())
    assert [tensor.name for tensor in probe.tensors] == sorted(arrays)
    for tensor in probe.tensors:
        array = arrays[tensor.name]
        assert tensor.shape == array.shape
        assert content[tensor.offset :][: tensor.nbytes] == array.tobytes()
        assert bool(tensor.stored and tensor.stored.big_endian) == (array.dtype.byteorder == ">")


@pytest.mark.parametrize("libver", ["earliest", ("earliest", "v110")])
def test_every_dataset_lies_where_the_index_says(libver: object) -> None:
    content = _file(LAYERS, libver=libver)
    _same(content, _probe(content), LAYERS)


def test_few_links_in_the_newer_way_are_read_from_the_header() -> None:
    arrays = {"a": np.arange(5, dtype="<f4"), "b/c": np.arange(6, dtype="<f8")}
    content = _file(arrays, libver="latest")
    _same(content, _probe(content), arrays)


def test_a_block_of_the_users_own_may_stand_before_it() -> None:
    content = _file(LAYERS, userblock_size=1024)
    _same(content, _probe(content), LAYERS)


def test_kerass_archive_is_read_where_it_lies_and_keeps_what_its_metadata_tells() -> None:
    weights = _file(LAYERS)
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w") as file:
        file.writestr("metadata.json", json.dumps({"keras_version": "3.9.0"}))
        file.writestr("config.json", "{}")
        file.writestr("model.weights.h5", weights)
    probe = _probe(archive.getvalue(), b"model.keras")
    assert probe.format is Format.KERAS
    assert probe.metadata == {"keras_version": "3.9.0"}
    _same(archive.getvalue(), probe, LAYERS)


def test_texts_and_groups_are_no_tensors() -> None:
    content = io.BytesIO()
    with h5py.File(content, "w") as file:
        file.create_dataset("kernel", data=np.arange(3, dtype="<f4"))
        file.create_dataset("name", data="a text")
        file.create_dataset("flags", data=np.array([True, False]))
        file.create_group("empty").attrs["names"] = [b"layer"] * 50
        file["again"] = file["kernel"]
        file["soft"] = h5py.SoftLink("/kernel")
    assert len(_probe(content.getvalue()).tensors) == 1


def _chunked(file: h5py.File) -> None:
    file.create_dataset("kernel", data=np.zeros((100, 100)), chunks=(10, 10), compression="gzip")


def _crowded(file: h5py.File) -> None:
    for number in range(50):
        file.create_group(f"group {number}")


@pytest.mark.parametrize(("fill", "libver"), [(_chunked, "earliest"), (_crowded, "latest")])
def test_what_is_packed_or_kept_in_a_heap_is_named_only(fill: Callable[[h5py.File], None], libver: str) -> None:
    content = io.BytesIO()
    with h5py.File(content, "w", libver=libver) as file:
        fill(file)
    probe = _probe(content.getvalue(), b"a.h5")
    assert (probe.format, probe.outcome) == (Format.HDF5, Outcome.UNSUPPORTED)
    assert probe.problems[0].code is FindingCode.UNSUPPORTED


def test_a_file_that_is_cut_off_says_so() -> None:
    content = _file(LAYERS)
    probe = _probe(content[:-100])
    assert (probe.outcome, probe.problems[0].code) == (Outcome.INVALID, FindingCode.TRUNCATED)
    assert not probe.tensors


def test_whatever_the_bytes_are_an_answer_comes() -> None:
    content = _file({name: LAYERS[name] for name in list(LAYERS)[:12]})
    chance = random.Random(5)  # noqa: S311 - the same every time
    used = [at for at, byte in enumerate(content) if byte]
    for _ in range(400):
        changed = bytearray(content)
        for _ in range(chance.randrange(1, 4)):
            changed[chance.choice(used)] = chance.choice([0, 1, 2, 255, chance.randrange(256)])
        for tensor in _probe(bytes(changed)).tensors:
            assert 0 <= tensor.offset <= tensor.offset + tensor.nbytes <= len(content)


def _endless(children: int, entries: int, *, itself: bool = False) -> bytes:
    """A group whose tree names one node again and again, or itself; its node has so many entries, all far away."""
    data = bytearray(4 << 20)
    pack = struct.pack_into
    data[:8], data[13:15] = b"\x89HDF\r\n\x1a\n", b"\x08\x08"
    pack("<4Q", data, 24, 0, 2**64 - 1, len(data), 2**64 - 1)
    pack("<2Q", data, 56, 0, 1000)
    pack("<BxHIIxxxx", data, 1000, 1, 1, 1, 24)
    pack("<HHxxxxQQ", data, 1016, 17, 16, 2000, 3000)
    pack("<4sxxxxQQQ", data, 3000, b"HEAP", 1 << 16, 0, 3 << 20)
    data[3 << 20 : (3 << 20) + 4000] = b"a" * 4000
    pack("<4sBBH", data, 2000, b"TREE", 0, 0, children)
    for child in range(children):
        pack("<Q", data, 2032 + 16 * child, 2000 if itself else 100_000)
    pack("<4sBBH", data, 100_000, b"SNOD", 1, 0, entries)
    for entry in range(entries):
        pack("<QQ", data, 100_008 + 40 * entry, 0, 3_000_000 + entry)
    return bytes(data)


@pytest.mark.parametrize("content", [_endless(60, 60_000), _endless(60, 1, itself=True), _endless(1, 40_000)])
def test_groups_without_end_are_malformed(content: bytes) -> None:
    probe = _probe(content)
    assert (probe.outcome, probe.problems[0].code) == (Outcome.INVALID, FindingCode.MALFORMED)


def test_messages_without_end_are_malformed() -> None:
    data = bytearray(_endless(1, 1)) + bytes(12 << 20)
    struct.pack_into("<I", data, 1008, 12 << 20)
    struct.pack_into("<Q", data, 40, len(data))
    probe = _probe(bytes(data))
    assert (probe.outcome, probe.problems[0].code) == (Outcome.INVALID, FindingCode.MALFORMED)
