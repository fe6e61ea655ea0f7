"""Digests that notes list, against those that are computed."""

from __future__ import annotations

import hashlib
import json
import sqlite3
import struct
import zlib
from contextlib import closing
from typing import TYPE_CHECKING

import pytest

from catalog.models import HashClaim, Location, ModelHash
from catalog.queries.lookup import digests
from catalog.services.identity import comparing
from tests.builders import HALF, cast, safetensors, weights
from tests.identity.catalogue import add, at, catalogue, hash_all, model, put
from tests.services.notes.scene import differing, info, model_at, open_notes, read, told

if TYPE_CHECKING:
    from collections.abc import Collection
    from pathlib import Path

pytestmark = pytest.mark.django_db


def test_a_listed_hash_that_is_wrong_is_a_finding_until_it_is_right(tmp_path: Path) -> None:
    put(tmp_path, "a.safetensors", model(1))
    put(tmp_path, "a.safetensors.sha256", b"ab" * 32)
    library = add(tmp_path)
    told(library)
    assert differing() == [], "nothing is computed yet"
    hash_all()
    assert differing() == ["ab" * 32]
    put(tmp_path, "a.safetensors.sha256", hashlib.sha256(model(1)).hexdigest().encode())
    told(library)

    assert differing() == []


def test_a_hash_that_is_listed_after_the_hashing_is_compared_too(tmp_path: Path) -> None:
    put(tmp_path, "a.safetensors", model(1))
    library = add(tmp_path)
    catalogue(library)
    put(tmp_path, "a.civitai.info", info(b"another file"))
    told(library)

    assert differing() == [hashlib.sha256(b"another file").hexdigest()]


def test_of_several_files_the_one_of_this_name_is_meant(tmp_path: Path) -> None:
    put(tmp_path, "a.safetensors", model(1))
    files = [
        {"name": "b.safetensors", "hashes": {"AutoV2": "AB" * 5}},
        {"name": "A.safetensors", "hashes": {"AutoV2": hashlib.sha256(model(1)).hexdigest()[:10]}},
    ]
    put(tmp_path, "a.civitai.info", info(files=files))
    library = add(tmp_path)
    catalogue(library)
    read()

    assert bytes(HashClaim.objects.get().digest) == hashlib.sha256(model(1)).digest()[:5]
    assert differing() == []


def test_a_shard_set_is_told_by_the_sidecar_of_its_first_shard(tmp_path: Path) -> None:
    for number in (1, 2):
        put(tmp_path, f"m-0000{number}-of-00002.safetensors", model(number))
    put(tmp_path, "m-00001-of-00002.civitai.info", info())
    put(tmp_path, "m-00002-of-00002.safetensors.sha256", hashlib.sha256(model(2)).hexdigest().encode())
    library = add(tmp_path)
    catalogue(library)
    read()

    assert model_at(library, "m-00001-of-00002.safetensors").name == "A Character"
    claim = HashClaim.objects.select_related("file").get()
    assert claim.file is not None
    assert bytes(claim.file.path) == b"m-00002-of-00002.safetensors"
    assert differing() == []


def test_a1111s_cache_lists_the_digests_of_files_of_that_very_time(tmp_path: Path) -> None:
    put(tmp_path, "models/Stable-diffusion/sub/x.safetensors", model(1))
    put(tmp_path, "models/Lora/y.safetensors", model(2))
    put(tmp_path, "models/Lora/z.safetensors", model(3))
    made = {name: (tmp_path / "models" / name).stat().st_mtime for name in ("Lora/y.safetensors", "Lora/z.safetensors")}
    checkpoint = (tmp_path / "models/Stable-diffusion/sub/x.safetensors").stat().st_mtime
    sha256 = hashlib.sha256(model(1)).hexdigest()
    lines = {
        "hashes": {"checkpoint/sub\\x.safetensors": {"mtime": checkpoint, "sha256": sha256}},
        "hashes-addnet": {
            "lora/y": {"mtime": made["Lora/y.safetensors"], "sha256": "cd" * 32},
            "lora/z": {"mtime": made["Lora/z.safetensors"] - 1, "sha256": "ef" * 32},
        },
    }
    put(tmp_path, "cache.json", json.dumps(lines).encode())
    library = add(tmp_path)
    assert told(library).listed == 2
    found = set(HashClaim.objects.values_list("location__path_text", "algorithm", "source"))
    assert found == {
        ("models/Stable-diffusion/sub/x.safetensors", "sha256", "a1111"),
        ("models/Lora/y.safetensors", "autov3", "a1111"),
    }
    hash_all()
    assert differing() == ["cd" * 32]

    put(tmp_path, "cache.json", b"{}")
    told(library)
    assert not HashClaim.objects.exists()
    assert differing() == []


def test_of_a_cache_only_what_changed_is_compared_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    names = [f"{number}.safetensors" for number in range(3)]
    times = {name: put(tmp_path, f"Lora/{name}", model(ord(name[0]))).stat().st_mtime for name in names}
    listed = {name: hashlib.sha256(model(ord(name[0]))).hexdigest() for name in names}

    def cache(**others: str) -> None:
        said = {f"lora/{name}": {"mtime": times[name], "sha256": digest} for name, digest in (listed | others).items()}
        put(tmp_path, "cache.json", json.dumps({"hashes": said}).encode())

    cache()
    library = add(tmp_path)
    told(library)
    hash_all()
    compared: list[int] = []
    compare = comparing.compare

    def watched(ids: Collection[int]) -> None:
        compared.extend(ids)
        compare(ids)

    monkeypatch.setattr(comparing, "compare", watched)
    cache(**{names[1]: "cd" * 32})
    told(library)
    assert compared == [at(library, f"Lora/{names[1]}").pk]
    assert differing() == ["cd" * 32]


def test_a1111s_database_lists_the_same(tmp_path: Path) -> None:
    put(tmp_path, "ui/models/Lora/y.safetensors", model(2))
    mtime = (tmp_path / "ui/models/Lora/y.safetensors").stat().st_mtime
    value = b"\x80\x05\x95b" + bytes(7) + b"}\x94(\x8c\x05mtime\x94G" + struct.pack(">d", mtime)
    value += b"\x8c\x06sha256\x94\x8c@" + hashlib.sha256(model(2)).hexdigest().encode() + b"\x94u."
    for section in ("hashes", "hashes-addnet"):
        path = put(tmp_path, f"ui/cache/{section}/cache.db", b"")
        with closing(sqlite3.connect(path)) as database, database:
            database.execute("CREATE TABLE Cache (rowid INTEGER PRIMARY KEY, key BLOB, mode INTEGER, value BLOB)")
            lines = [("lora/y", 4, value), ("lora/evil", 4, b"cos\nsystem\n(S'true'\ntR."), (b"lora/y", 1, b"x")]
            database.executemany("INSERT INTO Cache (key, mode, value) VALUES (?, ?, ?)", lines)
    library = add(tmp_path)
    assert told(library).listed == 2
    hash_all()

    assert set(HashClaim.objects.values_list("algorithm", "source")) == {("sha256", "a1111"), ("autov3", "a1111")}
    assert differing() == [], "Forge keeps the digest of the whole file in both sections"


def test_a_database_that_is_none_is_a_finding_of_its_library(tmp_path: Path) -> None:
    put(tmp_path, "models/y.safetensors", model(2))
    put(tmp_path, "cache/hashes/cache.db", b"no database")
    library = add(tmp_path)
    told(library)

    assert open_notes() == ["cache/hashes/cache.db"]


@pytest.mark.parametrize("order", [("a.1", "a.2", "a.10"), ("a.1", "a.10", "a.2"), ("a.2", "a.10", "a.1")])
def test_a_trainers_digest_in_the_header_is_understood(tmp_path: Path, order: tuple[str, ...]) -> None:
    """By number, by name; the last order is in nobody's mind."""
    tensors = cast(weights({"a.10": (3,), "a.2": (2,), "a.1": (5,)}, 1), HALF)
    body = {name: tensor.tobytes() for name, tensor in tensors.items()}
    stated = hashlib.sha256(b"".join(body[name] for name in order)).hexdigest()
    put(tmp_path, "a.safetensors", safetensors(tensors, {"modelspec.hash_sha256": f"0x{stated}"}))
    library = add(tmp_path)
    catalogue(library)

    understood = order != ("a.2", "a.10", "a.1")
    assert differing() == ([] if understood else [stated])
    assert ModelHash.objects.filter(algorithm="modelspec.hash_sha256").exists() is understood
    comparing.compare(list(Location.objects.values_list("pk", flat=True)))
    assert differing() == ([] if understood else [stated]), "looked at again"


def test_what_is_listed_is_found_until_it_is_computed(tmp_path: Path) -> None:
    put(tmp_path, "a.safetensors", model(1))
    sha256, crc32 = hashlib.sha256(model(1)).hexdigest(), zlib.crc32(model(1)).to_bytes(4, "little").hex()
    hashes = {"SHA256": sha256, "AutoV3": "ab" * 6, "AutoV1": "cd" * 4, "BLAKE3": "ef" * 32, "CRC32": crc32.upper()}
    put(tmp_path, "a.civitai.info", info(files=[{"hashes": hashes}]))
    library = add(tmp_path)
    told(library)

    for digits in (sha256, sha256[:8], sha256[:10], sha256[:12], "ab" * 6, "ab" * 32, "cd" * 4, "ef" * 32, crc32):
        assert [hit.listed for hit in digests.find_digest(digits)] == [True], digits
    hash_all()
    assert [hit.listed for hit in digests.find_digest(sha256)] == [False], "what was computed answers once"
