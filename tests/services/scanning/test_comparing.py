"""A walk beside what was known, as values: no disk and no database."""

from __future__ import annotations

from catalog.services.scanning.comparing import compare, devices
from catalog.services.scanning.known import ABSENT, Known, Row
from catalog.storage.keys import signed
from catalog.storage.values import Entry, Snapshot
from catalog.storage.walk import Walk

ROOT = Snapshot(1, 2, 0, 0, 0)


def _walk(*entries: Entry, **facts: object) -> Walk:
    return Walk(root=ROOT, entries=tuple(sorted(entries)), **facts)  # type: ignore[arg-type]  # one fact each


def _entry(path: bytes, ino: int = 5, *, size: int = 10, ctime: int = 3) -> Entry:
    return Entry(path, Snapshot(7, ino, size, 2, ctime))


def _row(entry: Entry, number: int = 1, *, mood: int | None = None, of: tuple[bytes, str] | None = None) -> Row:
    path, stat, *_ = entry
    facts = (signed(stat.ino), stat.size, stat.mtime_ns, stat.ctime_ns, stat.dev)
    return (path, *facts, number, mood, of[1] if of else None, of[0] if of else None)


def _loose(*rows: Row) -> Known:
    return Known({row[0]: row for row in rows})


def test_the_same_stat_is_unchanged_whatever_the_device() -> None:
    entry = _entry(b"a.gguf")
    row = _row(entry)
    other_device = entry._replace(snapshot=entry.snapshot._replace(dev=99))
    result = compare(_walk(other_device), _loose(row))
    assert (result.unchanged, result.touched, result.edited, result.gone) == (1, [], [], [])


def test_inodes_with_the_top_bit_are_unchanged_too() -> None:
    entry = _entry(b"a.gguf", ino=(1 << 63) + 5)
    assert compare(_walk(entry), _loose(_row(entry))).unchanged == 1


def test_nothing_is_gone_from_a_folder_that_could_not_be_listed() -> None:
    known = _loose(_row(_entry(b"dark/a.gguf")), _row(_entry(b"light/b.gguf"), 2))
    result = compare(_walk(unreadable_folders=((b"dark", "permission denied"),)), known)
    assert [place.path for place in result.gone] == [b"light/b.gguf"]


def test_a_set_of_which_a_folder_could_not_be_listed_is_left_alone() -> None:
    unet, vae = (_entry(b"p/%b/diffusion_pytorch_model.safetensors" % part) for part in (b"unet", b"vae"))
    index = _entry(b"p/model_index.json")
    key = (b"p", "safetensors")
    known = Known(sets={key: [_row(entry, of=key) for entry in (unet, vae, index)]})
    walked = _walk(index, unet, unreadable_folders=((b"p/vae", "permission denied"),))
    result = compare(walked, known)
    assert (result.unchanged, result.edited, result.gone) == (1, [], [])


def test_a_walk_that_was_broken_off_says_nothing_is_gone() -> None:
    assert compare(_walk(broken_off=True), _loose(_row(_entry(b"a.gguf")))).gone == []


def test_a_file_that_joins_a_set_leaves_its_own_place() -> None:
    model, config = _entry(b"m/model.safetensors"), _entry(b"m/config.json", 6)
    result = compare(_walk(model, config), _loose(_row(model)))
    assert [found.path for found in result.new] == [b"m"]
    assert [place.path for place in result.gone] == [b"m/model.safetensors"]


def test_what_was_missing_and_is_unchanged_is_called_back() -> None:
    entry = _entry(b"a.gguf")
    result = compare(_walk(entry), _loose(_row(entry, mood=ABSENT)))
    assert [pair.place.mood for pair in result.again] == [ABSENT]
    assert result.unchanged == 0


def test_devices_are_paired_through_the_files_found() -> None:
    entry = _entry(b"a.gguf")
    row = _row(entry)
    moved = entry._replace(snapshot=entry.snapshot._replace(dev=(1 << 63) + 1))
    assert devices(_walk(moved, _entry(b"new.gguf")), _loose(row)) == {(7, signed((1 << 63) + 1))}
