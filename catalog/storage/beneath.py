"""Opening below a folder's descriptor, so that no name, link or race leads out of it.

The kernel does it in one call where it has openat2(2) (Linux 5.6); elsewhere, and for absolute links that point back
inside, the path is walked part by part on descriptors that never follow a link by themselves.
"""

from __future__ import annotations

import ctypes
import errno
import os

_libc = ctypes.CDLL(None, use_errno=True)
_SYS_OPENAT2 = 437  # one number on every architecture: linux/include/uapi/asm-generic/unistd.h
_NO_MAGIC_LINKS, _NO_SYMLINKS, _BENEATH = 0x02, 0x04, 0x08  # linux/include/uapi/linux/openat2.h
_MOST_LINKS = 40  # MAXSYMLINKS of the kernel, linux/include/linux/namei.h

_HERE = (b"", b".")  # nothing to do, but what comes before must be a folder

# EPERM: what container runtimes of before 2021 answer to calls they do not know.
_NO_SUCH_CALL = frozenset({errno.ENOSYS, errno.EPERM, errno.EINVAL, errno.E2BIG})
# EXDEV: an absolute link, or one that leaves. EAGAIN: something was renamed while `..` was looked at.
_LOOK_CLOSER = frozenset({errno.EXDEV, errno.EAGAIN})


class LinkLeavesError(Exception):
    """A symbolic link leads out of the folder; `target` is the absolute path that it points to."""

    def __init__(self, target: bytes) -> None:
        self.target = target
        super().__init__(target)


class _How(ctypes.Structure):
    """struct open_how of linux/include/uapi/linux/openat2.h."""

    _fields_ = (("flags", ctypes.c_uint64), ("mode", ctypes.c_uint64), ("resolve", ctypes.c_uint64))


class Beneath:
    """A folder's descriptor and the absolute paths by which links may mean it, the one without links last."""

    def __init__(self, descriptor: int, names: tuple[bytes, ...]) -> None:
        self.descriptor = descriptor
        self.names = tuple(name.rstrip(b"/") for name in names)
        self.kernel = True

    def open(self, relative: bytes, flags: int, *, links: bool = True) -> int:
        """A new descriptor. With `links` off a symbolic link anywhere in the path fails with ELOOP.

        Raises `LinkLeavesError`, or `OSError` as open(2).
        """
        if self.kernel:
            try:
                return _openat2(self.descriptor, relative, flags, _BENEATH if links else _BENEATH | _NO_SYMLINKS)
            except OSError as error:
                if error.errno in _NO_SUCH_CALL:
                    self.kernel = False
                elif error.errno not in _LOOK_CLOSER:
                    raise
        return _Walk(self, links=links).open(relative, flags)[0]

    def resolve(self, relative: bytes) -> tuple[bytes, os.stat_result]:
        """The path without any link in it, relative to the folder, and the stat of what is there.

        Raises `LinkLeavesError`, or `OSError` as open(2).
        """
        descriptor, path = _Walk(self, links=True).open(relative, os.O_PATH)
        try:
            return path, os.fstat(descriptor)
        finally:
            os.close(descriptor)

    def inside(self, target: bytes) -> bytes | None:
        """An absolute link target relative to the folder; None when it points elsewhere."""
        for name in self.names:
            if target == name or target.startswith(name + b"/"):
                return target[len(name) + 1 :]
        return None


def _openat2(folder: int, relative: bytes, flags: int, resolve: int) -> int:
    how = _How(flags | os.O_CLOEXEC, 0, resolve | _NO_MAGIC_LINKS)
    path = ctypes.c_char_p(relative or b".")
    size = ctypes.c_size_t(ctypes.sizeof(how))
    descriptor = _libc.syscall(ctypes.c_long(_SYS_OPENAT2), ctypes.c_int(folder), path, ctypes.byref(how), size)
    if descriptor < 0:
        code = ctypes.get_errno()
        raise OSError(code, os.strerror(code))
    return int(descriptor)


class _Walk:
    """One walk of a path, part by part; `opened` are the folders between the start and where it stands."""

    def __init__(self, start: Beneath, *, links: bool) -> None:
        self.start = start
        self.hops_left = _MOST_LINKS if links else 0
        self.opened: list[tuple[bytes, int]] = []
        self.pending: list[bytes] = []
        self.leads_to = b""

    def open(self, relative: bytes, flags: int) -> tuple[int, bytes]:
        """The descriptor of the end of the path, and the path without links."""
        self._put_off(relative)
        self.leads_to = self._absolute(relative)
        try:
            while self.pending:
                part = self.pending.pop()
                if part in _HERE:
                    continue
                if part == b"..":
                    self._climb()
                elif (target := _link_target(self._here, part)) is not None:
                    self._follow(target)
                elif self.pending:
                    self.opened.append((part, _open_at(self._here, part, os.O_PATH | os.O_DIRECTORY)))
                else:
                    return _open_at(self._here, part, flags), b"/".join([*self._names(), part])
            return _open_at(self._here, b".", flags), b"/".join(self._names())
        finally:
            self._back_to_start()

    @property
    def _here(self) -> int:
        return self.opened[-1][1] if self.opened else self.start.descriptor

    def _names(self) -> list[bytes]:
        return [name for name, _ in self.opened]

    def _put_off(self, path: bytes) -> None:
        self.pending.extend(reversed(path.split(b"/")))

    def _absolute(self, target: bytes) -> bytes:
        return os.path.normpath(os.path.join(self.start.names[-1] + b"/", *self._names(), target))

    def _climb(self) -> None:
        if not self.opened:
            raise LinkLeavesError(self.leads_to)
        os.close(self.opened.pop()[1])

    def _follow(self, target: bytes) -> None:
        if not self.hops_left:
            raise OSError(errno.ELOOP, os.strerror(errno.ELOOP))
        self.hops_left -= 1
        self.leads_to = self._absolute(target)
        if target.startswith(b"/"):
            within = self.start.inside(target)
            if within is None:
                raise LinkLeavesError(self.leads_to)
            self._back_to_start()
            target = within
        self._put_off(target)

    def _back_to_start(self) -> None:
        while self.opened:
            os.close(self.opened.pop()[1])


def _link_target(folder: int, part: bytes) -> bytes | None:
    try:
        return os.readlink(part, dir_fd=folder)
    except OSError as error:
        if error.errno == errno.EINVAL:  # not a link
            return None
        raise


def _open_at(folder: int, part: bytes, flags: int) -> int:
    return os.open(part, flags | os.O_NOFOLLOW | os.O_CLOEXEC, dir_fd=folder)
