"""Opens files below a directory: no link leads out of it, and nothing but a regular file is opened."""

from __future__ import annotations

import ctypes
import errno
import os
import stat
from collections.abc import Callable

_OPENAT2 = 437
"""Number of the system call, the same on every machine that Linux runs on (openat2(2), Linux 5.6)."""

_NO_MAGIC_LINKS, _BENEATH = 0x02, 0x08
"""`RESOLVE_NO_MAGICLINKS` and `RESOLVE_BENEATH` of <linux/openat2.h>."""

_READ = os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK | os.O_NOCTTY
"""A pipe that nobody writes to keeps nobody waiting."""

_TRIES = 8
"""While a directory is renamed the kernel cannot tell what lies below it, and asks to try again."""

Opener = Callable[[int, str, int], int]


class _How(ctypes.Structure):
    _fields_ = (("flags", ctypes.c_uint64), ("mode", ctypes.c_uint64), ("resolve", ctypes.c_uint64))


def open_file(root: int, path: str) -> int:
    """A file descriptor of a regular file; OSError if there is none at that path below the directory `root`."""
    fd = _open(root, path, _READ)
    if stat.S_ISREG(os.fstat(fd).st_mode):
        return fd
    os.close(fd)
    raise OSError(errno.EINVAL, "not a regular file", path)


def open_folder(root: int, path: str) -> int:
    """A file descriptor of a directory below the directory `root`; OSError if there is none."""
    return _open(root, path, _READ | os.O_DIRECTORY)


def _open(root: int, path: str, flags: int) -> int:
    if "\0" in path:  # where it ends for the kernel
        raise OSError(errno.EINVAL, os.strerror(errno.EINVAL), path)
    return opener(root, path, flags)


def by_kernel(root: int, path: str, flags: int) -> int:
    """Lets the kernel see to it: links that stay below the root are followed."""
    how = _How(flags, 0, _BENEATH | _NO_MAGIC_LINKS)
    for _ in range(_TRIES):
        fd = int(_libc.syscall(_OPENAT2, root, os.fsencode(path), ctypes.byref(how), ctypes.sizeof(how)))
        if fd >= 0:
            return fd
        if ctypes.get_errno() != errno.EAGAIN:
            break
    code = ctypes.get_errno()
    raise OSError(code, os.strerror(code), path)


def by_steps(root: int, path: str, flags: int) -> int:
    """One name after the other, where the kernel has no such call; no link is followed at all."""
    names = path.split("/")
    if any(name in ("", "..") for name in names):
        raise OSError(errno.EXDEV, os.strerror(errno.EXDEV), path)
    at = os.dup(root)
    try:
        for name in names[:-1]:
            below = os.open(name, _READ | os.O_DIRECTORY | os.O_NOFOLLOW, dir_fd=at)
            os.close(at)
            at = below
        return os.open(names[-1], flags | os.O_NOFOLLOW, dir_fd=at)
    finally:
        os.close(at)


def _choose() -> Opener:
    try:
        root = os.open("/", _READ | os.O_DIRECTORY)
        try:
            os.close(by_kernel(root, ".", _READ | os.O_DIRECTORY))
        finally:
            os.close(root)
    except (OSError, AttributeError):  # an old kernel, a filter of system calls, another system
        return by_steps
    return by_kernel


_libc = ctypes.CDLL(None, use_errno=True)
_libc.syscall.restype = ctypes.c_long
opener = _choose()
"""How files are opened here."""
