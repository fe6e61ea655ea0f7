"""Which folders are libraries, and which library a path lies in."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import pytest

from catalog.errors import PathRefused
from catalog.models import Finding, Library, Location
from catalog.services import findings, libraries
from catalog.vocabulary import FindingCode, LocationState, Stage
from tests import rows

if TYPE_CHECKING:
    from pathlib import Path

    from pytest_django import Settings

pytestmark = pytest.mark.django_db


def _folder(path: Path) -> bytes:
    path.mkdir(parents=True, exist_ok=True)
    return os.fsencode(path)


def _file(path: Path) -> bytes:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(b"x")
    return os.fsencode(path)


def test_a_folder_becomes_a_library_once(tmp_path: Path) -> None:
    path = _folder(tmp_path / "models")
    library = libraries.add(path=path)
    assert (library.name, bytes(library.path), library.path_text) == (tmp_path.name, path, str(tmp_path / "models"))
    assert library.read_only
    assert libraries.add(path=path + b"/") == library
    assert Library.objects.count() == 1


def test_a_library_is_named_by_the_part_of_its_path_that_says_something(tmp_path: Path) -> None:
    assert libraries.add(path=_folder(tmp_path / "ComfyUI" / "models")).name == "ComfyUI"
    assert libraries.add(path=_folder(tmp_path / "archive" / "old")).name == "old"


def test_a_name_may_be_given(tmp_path: Path) -> None:
    assert libraries.add(path=_folder(tmp_path), name="The big disk").name == "The big disk"


def test_a_link_to_a_folder_is_that_folder(tmp_path: Path) -> None:
    library = libraries.add(path=_folder(tmp_path / "models"))
    (tmp_path / "link").symlink_to("models")
    assert libraries.add(path=os.fsencode(tmp_path / "link")) == library


def test_a_path_inside_a_library_is_a_part_of_it(tmp_path: Path) -> None:
    library = libraries.add(path=_folder(tmp_path / "models"))
    part, file = _folder(tmp_path / "models/lora"), _file(tmp_path / "models/lora/x.gguf")
    assert libraries.add(path=part) == library
    assert libraries.add(path=file) == library
    assert libraries.locate(part) == (library, b"lora")
    assert libraries.locate(file) == (library, b"lora/x.gguf")
    assert libraries.locate(os.fsencode(tmp_path / "models")) == (library, None)


def test_a_folder_above_a_library_is_refused_naming_both(tmp_path: Path) -> None:
    libraries.add(path=_folder(tmp_path / "models/lora"))
    with pytest.raises(PathRefused) as refused:
        libraries.add(path=_folder(tmp_path / "models"))
    assert f"{tmp_path}/models lies above the library folder {tmp_path}/models/lora" in str(refused.value)


def test_a_neighbour_with_a_longer_name_is_no_part(tmp_path: Path) -> None:
    first = libraries.add(path=_folder(tmp_path / "models"))
    assert libraries.add(path=_folder(tmp_path / "models-2")) != first


def test_a_single_file_makes_its_folder_a_library_limited_to_it(tmp_path: Path) -> None:
    one, two = _file(tmp_path / "m/one.gguf"), _file(tmp_path / "m/two.gguf")
    library = libraries.add(path=one)
    assert (bytes(library.path), libraries.limited_to(library)) == (os.fsencode(tmp_path / "m"), (b"one.gguf",))
    assert libraries.locate(one) == (library, b"one.gguf")
    with pytest.raises(PathRefused):
        libraries.locate(two)
    assert libraries.limited_to(libraries.add(path=two)) == (b"one.gguf", b"two.gguf")
    widened = libraries.add(path=os.fsencode(tmp_path / "m"))
    assert (widened, libraries.limited_to(widened)) == (library, ())


def test_a_folder_above_a_single_file_takes_it_over(tmp_path: Path) -> None:
    limited = libraries.add(path=_file(tmp_path / "m/deep/one.gguf"))
    whole = libraries.add(path=os.fsencode(tmp_path / "m"))
    limited.refresh_from_db()
    assert limited.removed_at is not None
    assert libraries.locate(os.fsencode(tmp_path / "m/deep/one.gguf")) == (whole, b"deep/one.gguf")


def test_a_folder_below_a_limited_library_is_one_of_its_own(tmp_path: Path) -> None:
    limited = libraries.add(path=_file(tmp_path / "m/one.gguf"))
    assert libraries.add(path=_folder(tmp_path / "m/lora")) != limited


@pytest.mark.parametrize("path", [b"/", b"/proc", b"/dev/null"])
def test_what_belongs_to_the_system_is_refused(path: bytes) -> None:
    with pytest.raises(PathRefused):
        libraries.add(path=path)


def test_nothing_at_the_path_is_refused(tmp_path: Path) -> None:
    with pytest.raises(PathRefused, match="There is no"):
        libraries.add(path=os.fsencode(tmp_path / "none"))
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(PathRefused, match="no folder"):
        libraries.add(path=os.fsencode(tmp_path / "pipe"))


def test_a_removed_library_is_hidden_and_revived_with_everything(tmp_path: Path) -> None:
    library = libraries.add(path=_folder(tmp_path))
    location = rows.location(rows.variant(), b"a.gguf", where=library)
    Location.objects.update(stage=Stage.HASH)
    findings.raise_finding(code=FindingCode.EMPTY, params={}, location=location)
    libraries.remove(library)
    location.refresh_from_db()
    assert (location.state, location.stage) == (LocationState.MISSING, Stage.NONE)
    assert not Finding.objects.filter(cleared_at=None).exists()
    with pytest.raises(PathRefused):
        libraries.locate(os.fsencode(tmp_path))
    again = libraries.add(path=os.fsencode(tmp_path))
    assert (again, again.removed_at) == (library, None)
    assert again.totals_stale


def test_a_folder_above_a_removed_library_may_be_added(tmp_path: Path) -> None:
    libraries.remove(libraries.add(path=_folder(tmp_path / "m/lora")))
    assert libraries.add(path=os.fsencode(tmp_path / "m")).removed_at is None


def test_only_folders_below_the_allowed_ones_may_be_named(tmp_path: Path, settings: Settings) -> None:
    settings.ISOTOPE_FOLDERS = [str(tmp_path / "allowed")]
    (tmp_path / "allowed").mkdir()
    (tmp_path / "secret").mkdir()
    (tmp_path / "allowed/way-out").symlink_to("../secret")
    assert libraries.allowed(os.fsencode(tmp_path / "allowed/deep/er"))
    for name in ("secret", "none", "allowed-too", "allowed/../secret", "allowed/way-out", "allowed/way-out/none"):
        assert not libraries.allowed(os.fsencode(tmp_path / name))


def test_a_refusal_does_not_tell_what_exists(tmp_path: Path, settings: Settings) -> None:
    settings.ISOTOPE_FOLDERS = []
    _folder(tmp_path / "there")
    texts = []
    for name in ("there", "none1"):
        with pytest.raises(PathRefused) as refused:
            libraries.check_allowed(path=os.fsencode(tmp_path / name))
        texts.append(str(refused.value).replace(name, "NAME"))
    assert texts[0] == texts[1]


def test_a_known_library_is_allowed(tmp_path: Path, settings: Settings) -> None:
    settings.ISOTOPE_FOLDERS = []
    libraries.add(path=_folder(tmp_path))
    assert libraries.allowed(os.fsencode(tmp_path / "anything"))
    libraries.check_allowed(path=os.fsencode(tmp_path))


def test_going_offline_is_news_once(tmp_path: Path) -> None:
    library = libraries.add(path=_folder(tmp_path))
    location = rows.location(rows.variant(), b"a.gguf", where=library)
    assert libraries.set_online(library_id=library.pk, online=False)
    assert not libraries.set_online(library_id=library.pk, online=False)
    location.refresh_from_db()
    assert location.state == LocationState.OFFLINE
    assert findings.open_findings().get().params["count"] == 1
    assert libraries.set_online(library_id=library.pk, online=True)
    location.refresh_from_db()
    assert location.state == LocationState.PRESENT
    assert not findings.open_findings().exists()
