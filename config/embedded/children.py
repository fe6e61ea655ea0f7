"""Starting and stopping child processes that never outlive their parent, not even one that was killed."""

from __future__ import annotations

import ctypes
import os
import subprocess
from typing import IO, TYPE_CHECKING

if TYPE_CHECKING:
    import signal
    from collections.abc import Callable, Mapping, Sequence
    from pathlib import Path

    from config.embedded.owner import Owner

_PR_SET_PDEATHSIG = 1  # prctl(2)
_LIBC = ctypes.CDLL(None, use_errno=True)  # loaded here: between fork and exec nothing may be imported


def die_with_parent(death: signal.Signals, parent: int | None = None) -> None:
    """Asks the kernel to send us `death` when the thread that started us ends; at once if `parent` is gone."""
    _LIBC.prctl(_PR_SET_PDEATHSIG, int(death), 0, 0, 0)
    if parent is not None and os.getppid() != parent:
        os.kill(os.getpid(), death)


def spawn(
    argv: Sequence[str | os.PathLike[str]],
    *,
    death: signal.Signals,
    output: IO[bytes] | int,
    folder: Path,
    env: Mapping[str, str] | None = None,
    user: Owner | None = None,
) -> subprocess.Popen[bytes]:
    """Starts `argv` in `folder`; it gets the signal `death` when we die. Call it from the main thread only.

    The kernel ties the signal to the *thread* that spawned the child, and only the main one lives as long as we do.
    """
    return subprocess.Popen(  # noqa: S603 - our own programs
        argv,
        cwd=folder,
        env=env,
        stdin=subprocess.DEVNULL,
        stdout=output,
        stderr=subprocess.STDOUT,
        start_new_session=True,  # a Ctrl-C in the terminal is for us alone; we stop our children in order
        preexec_fn=_on_birth(death),  # noqa: PLW1509 - after setuid, which would clear it; we have no other thread
        **(user.options() if user else {}),
    )


def _on_birth(death: signal.Signals) -> Callable[[], None]:
    parent = os.getpid()

    def run() -> None:
        die_with_parent(death, parent)

    return run


def stop(child: subprocess.Popen[bytes], *, gently: signal.Signals, patience: float, harshly: signal.Signals) -> None:
    """Sends `gently`, after `patience` seconds `harshly`, after as many again SIGKILL; returns when it has ended."""
    for word in (gently, harshly):
        if child.poll() is not None:
            return
        child.send_signal(word)
        try:
            child.wait(patience)
        except subprocess.TimeoutExpired:
            continue
    if child.poll() is None:
        child.kill()
        child.wait()
