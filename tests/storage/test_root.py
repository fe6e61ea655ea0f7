"""Files open below the library's folder only, whatever names and links say."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from catalog.errors import ChangedFile, FileProblem, LibraryOffline, PathRefused, UnreadableFile
from catalog.storage.root import Root, open_path
from catalog.vocabulary import FindingCode


@pytest.fixture
def library(tmp_path: Path) -> Path:
    """A library with one model in it, beside a folder that is none of its business."""
    place = tmp_path / "library"
    (place / "loras").mkdir(parents=True)
    (place / "loras" / "one.safetensors").write_bytes(b"inside")
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "elsewhere" / "secret.safetensors").write_bytes(b"outside")
    return place


def _read(library: Path, relative: bytes) -> bytes:
    with Root(os.fsencode(library)) as root, root.open(relative) as file:
        return file.read_at(0, file.size)


def _refusal(library: Path, relative: bytes) -> FileProblem:
    with Root(os.fsencode(library)) as root, pytest.raises(FileProblem) as caught:
        root.open(relative)
    return caught.value


def test_a_file_is_named_by_its_last_part(library: Path) -> None:
    with Root(os.fsencode(library)) as root, root.open(b"loras/one.safetensors") as file:
        assert (file.name, file.size) == (b"one.safetensors", 6)


def test_a_file_of_a_set_is_named_as_the_set_says(library: Path) -> None:
    with Root(os.fsencode(library)) as root, root.open(b"loras/one.safetensors", name=b"unet/x.safetensors") as file:
        assert file.name == b"unet/x.safetensors"


def test_relative_links_inside_are_followed(library: Path) -> None:
    (library / "loras" / "again.safetensors").symlink_to("../loras/one.safetensors")
    assert _read(library, b"loras/again.safetensors") == b"inside"


def test_absolute_links_that_lead_back_inside_are_followed(library: Path) -> None:
    (library / "again.safetensors").symlink_to(library / "loras" / "one.safetensors")
    (library / "folder").symlink_to(library / "loras")
    assert _read(library, b"again.safetensors") == b"inside"
    assert _read(library, b"folder/one.safetensors") == b"inside"


def test_absolute_links_by_another_name_of_the_library_are_followed(library: Path, tmp_path: Path) -> None:
    (tmp_path / "alias").symlink_to(library)
    (library / "again.safetensors").symlink_to(tmp_path / "alias" / "loras" / "one.safetensors")
    assert _read(tmp_path / "alias", b"again.safetensors") == b"inside"


@pytest.mark.parametrize("target", ["../elsewhere/secret.safetensors", "{outside}/secret.safetensors"])
def test_links_that_leave_are_refused_with_their_target(library: Path, tmp_path: Path, target: str) -> None:
    outside = tmp_path / "elsewhere"
    (library / "leak.safetensors").symlink_to(target.format(outside=outside))
    problem = _refusal(library, b"leak.safetensors")
    assert problem.code is FindingCode.LINK_LEAVES
    assert problem.params == {"target": str(outside / "secret.safetensors")}


def test_a_folder_link_that_leaves_is_refused(library: Path, tmp_path: Path) -> None:
    (library / "out").symlink_to(tmp_path / "elsewhere")
    assert _refusal(library, b"out/secret.safetensors").code is FindingCode.LINK_LEAVES


def test_a_library_whose_name_begins_like_another_is_not_inside_it(library: Path, tmp_path: Path) -> None:
    (tmp_path / "library-2").mkdir()
    (tmp_path / "library-2" / "x.safetensors").write_bytes(b"outside")
    (library / "x.safetensors").symlink_to(tmp_path / "library-2" / "x.safetensors")
    assert _refusal(library, b"x.safetensors").code is FindingCode.LINK_LEAVES


def test_links_in_a_circle_are_unreadable(library: Path) -> None:
    (library / "a.safetensors").symlink_to("b.safetensors")
    (library / "b.safetensors").symlink_to("a.safetensors")
    problem = _refusal(library, b"a.safetensors")
    assert problem.params == {"reason": "symbolic links lead in a circle"}


@pytest.mark.parametrize("relative", [b"../elsewhere/secret.safetensors", b"/etc/passwd", b"a/../../b", b"a\0b"])
def test_paths_that_climb_are_refused(library: Path, relative: bytes) -> None:
    with Root(os.fsencode(library)) as root, pytest.raises(PathRefused):
        root.open(relative)


def test_a_file_that_vanished_is_changed_not_broken(library: Path) -> None:
    problem = _refusal(library, b"loras/gone.safetensors")
    assert isinstance(problem, ChangedFile)
    assert problem.code is FindingCode.VANISHED


def test_a_pipe_does_not_block_and_is_named(library: Path) -> None:
    os.mkfifo(library / "pipe.safetensors")
    problem = _refusal(library, b"pipe.safetensors")
    assert (problem.code, problem.params) == (FindingCode.NOT_A_FILE, {"what": "named pipe"})


def test_a_socket_is_named(library: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(library)  # socket paths are short
    with socket.socket(socket.AF_UNIX) as endpoint:
        endpoint.bind("s.safetensors")
        assert _refusal(library, b"s.safetensors").params == {"what": "socket"}


def test_a_folder_is_no_file(library: Path) -> None:
    assert _refusal(library, b"loras").params == {"what": "folder"}


def test_a_device_is_no_file() -> None:
    with pytest.raises(UnreadableFile) as caught:
        open_path(b"/dev/null")
    assert caught.value.params == {"what": "device"}


def test_names_that_are_not_text_open(library: Path) -> None:
    (Path(os.fsdecode(os.fsencode(library) + b"/caf\xe9.safetensors"))).write_bytes(b"latin")
    assert _read(library, b"caf\xe9.safetensors") == b"latin"


def test_what_may_not_be_read_says_permission_denied(library: Path) -> None:
    """In a child without rights, since the tests may run as root."""
    (library / "loras" / "one.safetensors").chmod(0)
    answer = subprocess.run(
        [sys.executable, "-c", _AS_NOBODY, str(library)], capture_output=True, text=True, check=True, cwd=_TOP
    )
    assert answer.stdout.strip() == "unreadable permission denied"


_TOP = Path(__file__).parents[2]
_AS_NOBODY = """
import os, sys
from catalog.errors import UnreadableFile
from catalog.storage.root import Root
with Root(os.fsencode(sys.argv[1])) as root:
    if os.getuid() == 0:
        os.setgroups([]); os.setgid(65534); os.setuid(65534)
    try:
        root.open(b"loras/one.safetensors")
    except UnreadableFile as problem:
        print(problem.code, problem.params["reason"])
"""


def test_a_link_swapped_in_during_the_open_never_leads_out(library: Path) -> None:
    """Another thread turns the folder into a link that leaves and back, as fast as it can."""
    real, link = library / "loras", library / "swap"
    link.symlink_to("../elsewhere")
    stop = threading.Event()

    def swap() -> None:
        while not stop.is_set():
            os.rename(real, library / "aside")
            os.rename(link, real)
            os.rename(real, link)
            os.rename(library / "aside", real)

    (library.parent / "elsewhere" / "one.safetensors").write_bytes(b"outside")
    thread = threading.Thread(target=swap)
    thread.start()
    seen = set()
    try:
        for turn in range(2_000):
            seen.add(_opened_in_a_race(library, kernel=turn % 2 == 0))
    finally:
        stop.set()
        thread.join()
    assert b"inside" in seen
    assert b"outside" not in seen


def _opened_in_a_race(library: Path, *, kernel: bool) -> bytes:
    with Root(os.fsencode(library)) as root:
        root.beneath.kernel = kernel
        try:
            with root.open(b"loras/one.safetensors") as file:
                return file.read_at(0, file.size)
        except FileProblem:
            return b""


def test_a_missing_library_is_offline_with_a_reason(tmp_path: Path) -> None:
    with pytest.raises(LibraryOffline, match="it is not there"):
        Root(os.fsencode(tmp_path / "unplugged"))


def test_a_replaced_library_is_noticed(library: Path) -> None:
    with Root(os.fsencode(library)) as root:
        assert root.still_there()
        library.rename(library.with_name("moved"))
        assert not root.still_there()
        library.mkdir()
        assert not root.still_there()


def test_nothing_opens_once_the_root_is_closed(library: Path) -> None:
    root = Root(os.fsencode(library))
    file = root.open(b"loras/one.safetensors")
    root.close()
    root.close()
    assert not file.still_same()
    file.close()
    with pytest.raises(OSError, match="Bad file descriptor"):
        root.open(b"loras/one.safetensors")


def test_a_bare_path_opens_through_links_since_a_person_chose_it(library: Path, tmp_path: Path) -> None:
    (library / "link.safetensors").symlink_to("../elsewhere/secret.safetensors")
    with open_path(os.fsencode(library / "link.safetensors")) as file:
        assert (file.name, file.read_at(0, 7)) == (b"link.safetensors", b"outside")
        assert file.still_same()


def test_a_bare_path_to_nothing_says_so(tmp_path: Path) -> None:
    for path in (tmp_path / "none.safetensors", tmp_path / "no-folder" / "none.safetensors"):
        with pytest.raises(ChangedFile):
            open_path(os.fsencode(path))


def test_no_descriptor_is_left_open(library: Path) -> None:
    (library / "leak").symlink_to("/etc/passwd")
    before = len(os.listdir("/proc/self/fd"))
    for relative in (b"loras/one.safetensors", b"leak", b"none", b"loras"):
        _opened_quietly(library, relative)
    assert len(os.listdir("/proc/self/fd")) == before


def _opened_quietly(library: Path, relative: bytes) -> None:
    for kernel in (True, False):
        with Root(os.fsencode(library)) as root:
            root.beneath.kernel = kernel
            try:
                root.open(relative).close()
            except FileProblem:
                continue
