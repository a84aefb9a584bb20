"""A disk that fails at the N-th call: every system call that files go through is counted, in order.

Files are written through `os` calls that can be counted: a write has a point before it and one in its middle, when
half of the bytes are there. What to do at a point is for the caller to say: raise what the system raises (`Fault`),
or end the process as a power cut does (`Kill`).
"""

from __future__ import annotations

import builtins
import contextlib
import fcntl
import importlib.metadata
import io
import os
from collections.abc import Callable, Iterator
from typing import Any, Protocol

from stepwell import discovery

CALLS = ("open", "fsync", "replace", "rename", "mkdir", "rmdir", "unlink", "stat", "lstat", "scandir", "listdir")
KILLED = 77


class Trouble(Protocol):
    """What happens at a point."""

    def at(self, count: int, unsynced: dict[int, int]) -> None:
        """Called at every point: its number from 1 on, and what is written and not on the disk, by inode."""
        ...


class Fault:
    """Raises at the N-th point, and at all after it where the disk stays broken."""

    def __init__(self, failing: int, error: Callable[[], BaseException], *, stays: bool = False) -> None:
        self.failing, self.error, self.stays, self.happened = failing, error, stays, False

    def at(self, count: int, unsynced: dict[int, int]) -> None:
        if count == self.failing or (self.stays and count > self.failing):
            self.happened = True
            raise self.error()


class Kill:
    """Ends the process at the N-th point; what was not synced loses its second half, as in a power cut."""

    def __init__(self, failing: int) -> None:
        self.failing = failing

    def at(self, count: int, unsynced: dict[int, int]) -> None:
        if count == self.failing:
            for descriptor in unsynced.values():
                os.ftruncate(descriptor, os.fstat(descriptor).st_size // 2)
            os._exit(KILLED)


class Disk:
    """Counts the calls, and lets `trouble` speak at each."""

    def __init__(self, trouble: Trouble, *, really: bool) -> None:
        self.trouble, self.really, self.count = trouble, really, 0
        self.unsynced: dict[int, int] = {}

    def point(self) -> None:
        self.count += 1
        self.trouble.at(self.count, self.unsynced)

    def counted(self, call: Callable[..., Any]) -> Callable[..., Any]:
        def called(*args: Any, **kwargs: Any) -> Any:
            self.point()
            return call(*args, **kwargs)

        return called

    def synced(self, call: Callable[[int], None]) -> Callable[[int], None]:
        def called(descriptor: int) -> None:
            self.point()
            if self.really:
                call(descriptor)
            self.forget(os.fstat(descriptor).st_ino)

        return called

    def closed(self, call: Callable[[int], None]) -> Callable[[int], None]:
        def called(descriptor: int) -> None:
            call(descriptor)  # the system closes, whatever it then says
            self.point()

        return called

    def opened(self, call: Callable[..., Any]) -> Callable[..., Any]:
        def called(file: Any, mode: str = "r", *args: Any, opener: Any = None, **kwargs: Any) -> Any:
            self.point()
            if "b" not in mode:
                return call(file, mode, *args, opener=opener, **kwargs)
            raw = _Raw(self, file, mode.replace("b", ""), opener)
            return io.BufferedReader(raw) if mode == "rb" else io.BufferedWriter(raw)

        return called

    def written(self, descriptor: int) -> None:
        inode = os.fstat(descriptor).st_ino
        if inode not in self.unsynced:
            self.unsynced[inode] = os.dup(descriptor)

    def forget(self, inode: int) -> None:
        descriptor = self.unsynced.pop(inode, None)
        if descriptor is not None:
            _close(descriptor)


_close = os.close


class _Raw(io.FileIO):
    def __init__(self, disk: Disk, file: Any, mode: str, opener: Any) -> None:
        super().__init__(file, mode, opener=opener)
        self.disk = disk

    def write(self, content: Any) -> int:
        self.disk.point()
        half = len(content) // 2
        first = super().write(content[:half])
        self.disk.written(self.fileno())
        self.disk.point()
        return first + super().write(content[half:])

    def readinto(self, buffer: Any) -> int | None:
        self.disk.point()
        return super().readinto(buffer)

    def readall(self) -> bytes:
        self.disk.point()
        return super().readall()

    def truncate(self, size: int | None = None) -> int:
        self.disk.point()
        return super().truncate(size)

    def close(self) -> None:
        if not self.closed:
            super().close()
            self.disk.point()


@contextlib.contextmanager
def faulty(trouble: Trouble, *, really: bool = False) -> Iterator[Disk]:
    """Every call inside goes through a disk that `trouble` watches; fsync does something only if `really`."""
    disk = Disk(trouble, really=really)
    changed: list[tuple[Any, str, Any]] = [(os, name, disk.counted(getattr(os, name))) for name in CALLS]
    changed += [(os, "fsync", disk.synced(os.fsync)), (os, "close", disk.closed(os.close))]
    changed += [(fcntl, "flock", disk.counted(fcntl.flock))]
    changed += [(builtins, "open", disk.opened(builtins.open)), (io, "open", disk.opened(io.open))]
    before = [(owner, name, getattr(owner, name)) for owner, name, _ in changed]
    try:
        for owner, name, call in changed:
            setattr(owner, name, call)
        yield disk
    finally:
        for owner, name, call in before:
            setattr(owner, name, call)
        for inode in list(disk.unsynced):
            disk.forget(inode)
        # What could not be read while the disk failed is not to be remembered as absent.
        importlib.metadata.MetadataPathFinder().invalidate_caches()
        discovery._announced.cache_clear()
        discovery._may_announce.cache_clear()
