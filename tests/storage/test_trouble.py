"""What the system refuses becomes a finding with words for people."""

from __future__ import annotations

import errno
import os

import pytest

from catalog.errors import ChangedFile, FileProblem, UnreadableFile
from catalog.storage.trouble import file_problem, reason, species
from catalog.vocabulary import FindingCode, Outcome


def _problem(code: int) -> FileProblem:
    return file_problem(OSError(code, os.strerror(code)), where=b"a/b\xff.gguf")


@pytest.mark.parametrize("code", [errno.ENOENT, errno.ENOTDIR, errno.ESTALE])
def test_what_is_gone_has_vanished(code: int) -> None:
    problem = _problem(code)
    assert isinstance(problem, ChangedFile)
    assert (problem.code, problem.outcome) == (FindingCode.VANISHED, Outcome.CHANGED)


@pytest.mark.parametrize("code", [errno.EIO, errno.EUCLEAN, errno.EBADMSG])
def test_a_failing_drive_is_named_with_the_place(code: int) -> None:
    problem = _problem(code)
    assert isinstance(problem, UnreadableFile)
    assert problem.code is FindingCode.DISK_READ_ERROR
    assert problem.params["where"] == "a/b\\xff.gguf"


@pytest.mark.parametrize("code", [errno.EACCES, errno.EPERM])
def test_a_missing_right_says_permission_denied(code: int) -> None:
    assert _problem(code).params == {"reason": "permission denied"}


@pytest.mark.parametrize("code", [errno.EMFILE, errno.ENFILE, errno.ENOMEM])
def test_what_ails_this_process_is_no_finding_about_a_file(code: int) -> None:
    with pytest.raises(OSError, match=os.strerror(code)):
        _problem(code)


def test_an_error_without_words_of_ours_keeps_those_of_the_system() -> None:
    assert reason(OSError(errno.ENOSPC, "No space left on device")) == "no space left on device"
    assert reason(OSError()) == "the system gave no reason"


def test_a_device_is_called_a_device() -> None:
    assert species(os.stat("/dev/null").st_mode) == "device"
