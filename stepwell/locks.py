"""A lock on a folder that keeps a second training out of it.

The lock is the system's, so that it ends with the process that holds it, however that ends: a killed training leaves
none behind, and what is found by it is always true. Where a file system knows no locks, that is said.
"""

from __future__ import annotations

import contextlib
import errno
import os
import time
from collections.abc import Iterator
from pathlib import Path

from stepwell import files
from stepwell.errors import RunError

NAME = ".lock"
"""The file in a folder that is locked; it is empty and stays."""

_TRIES, _PAUSE = 5, 0.05
_UNKNOWN = {errno.ENOLCK, errno.ENOSYS, errno.EOPNOTSUPP, errno.EINVAL}


@contextlib.contextmanager
def hold(folder: Path) -> Iterator[str]:
    """Hold `folder` against other processes; `RunError` where one holds it already.

    The lock is the system's (flock on ``.lock``) and ends with the process, however it ends. Yields
    an empty text, or one sentence to be shown where the file system knows no locks.
    """
    path = folder / NAME
    with files.refusing("written", path):
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT, 0o666)
    _descriptors.add(descriptor)
    try:
        with files.refusing("locked", folder):
            note = _take(descriptor, folder)
        yield note
    finally:
        _descriptors.discard(descriptor)
        with contextlib.suppress(OSError, MemoryError):  # it is closed, whatever the system says
            os.close(descriptor)


def held(folder: Path) -> bool:
    """Whether some process (this one too) holds `folder`'s lock now; False where that cannot be told."""
    try:
        import fcntl
    except ImportError:  # Windows knows no flock
        return False
    try:
        descriptor = os.open(folder / NAME, os.O_RDONLY)
    except OSError:
        return False
    try:
        fcntl.flock(descriptor, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except OSError as error:
        return error.errno in (errno.EWOULDBLOCK, errno.EACCES)
    finally:
        os.close(descriptor)
    return False


def _take(descriptor: int, folder: Path) -> str:
    unlocked = f"The file system of {folder} knows no locks: make sure that only one training uses this folder."
    try:
        import fcntl
    except ImportError:  # Windows knows no flock
        return unlocked
    for _ in range(_TRIES):
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            if error.errno in _UNKNOWN:
                return unlocked
            if error.errno not in (errno.EWOULDBLOCK, errno.EACCES):
                raise
            # `held` of another process holds the lock for a moment.
            time.sleep(_PAUSE)
        else:
            return ""
    raise RunError(
        "Another process is working on this run.",
        where=str(folder),
        do="wait for it to end or stop it, or train into another folder with --run FOLDER",
    )


_descriptors: set[int] = set()
"""Descriptors of the locks held by this process, for `_forget` alone."""


def _forget() -> None:
    # A forked worker shares its parent's lock; if it kept it, a worker that outlives a killed trainer
    # would keep the run locked.
    for descriptor in _descriptors:
        os.close(descriptor)
    _descriptors.clear()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_forget)
