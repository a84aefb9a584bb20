"""Files that are whole or not there: the one place of the house that writes run files, and reads them with limits.

`write_whole` writes beside, syncs, renames and syncs the folder; `whole_folder` does the same for a
folder. `Lines` is an append-only log that can be cut back to a place. A kill or a full disk at any
moment leaves the old file or the new one, and at worst a temporary one, which `clean` removes. Every
failure is a `RunError` that names the path. `sealed` lets a file tell whether it still says what was
written.
"""

from __future__ import annotations

import contextlib
import dataclasses
import errno
import hashlib
import json
import math
import os
import re
import shutil
import stat
from collections.abc import Iterator, Mapping
from pathlib import Path
from types import TracebackType
from typing import Any, BinaryIO, NoReturn, Self

from stepwell.errors import RunError

JSON_LIMIT = 64 * 2**20
"""The most bytes that `read_json` takes unless told otherwise."""

_PREFIX, _FOR, _SUFFIX = ".stepwell-", "=", ".tmp"
_NO_FOLDER_SYNC = {errno.EINVAL, errno.EOPNOTSUPP, errno.ENOSYS}
_NEXT_STEP = {
    errno.ENOSPC: "free some room on this disk, or choose a folder on another one with --run",
    errno.EDQUOT: "your quota is used up: free some room, or choose a folder on another disk with --run",
    errno.EACCES: "check who may read and write there, or choose another folder",
    errno.EPERM: "check who may read and write there, or choose another folder",
    errno.EROFS: "this disk is read-only: choose another folder",
    errno.EIO: "the disk reports an error: copy what you need elsewhere and check the disk",
}
_SEAL = "seal"
_SURROGATES = re.compile("[\ud800-\udfff]")


def write_whole(path: Path, data: bytes | str) -> None:
    """Write `data` (text as UTF-8) to `path` whole or not at all; `RunError` where the disk refuses.

    When this returns the new content is on the disk, under its name; when it raises, what was there
    before is untouched and no temporary file is left.
    """
    content = data.encode() if isinstance(data, str) else data
    with whole_file(path) as file:
        file.write(content)


@contextlib.contextmanager
def whole_file(path: Path) -> Iterator[BinaryIO]:
    """A file to write, bit by bit, that becomes `path` when the block ends well, and is removed when it does not."""
    beside = unused_name(path)
    with refusing("written", path):
        try:
            with open(beside, "xb") as file:
                yield file
                file.flush()
                os.fsync(file.fileno())
            os.replace(beside, path)
            sync_folder(path.parent)
        except BaseException:
            with contextlib.suppress(OSError):
                beside.unlink(missing_ok=True)
            raise


def write_json(path: Path, value: Any) -> None:
    """Write `value` as indented JSON, whole or not at all (see `json_text` for what is taken)."""
    write_whole(path, json_text(value, indent=2) + "\n")


def json_text(value: Any, *, indent: int | None = None) -> str:
    """`value` as JSON text on one line, or indented; always valid JSON that encodes as UTF-8.

    Takes mappings, sequences, dataclasses, paths, numpy scalars and arrays; numbers that are not
    finite become null. Text that UTF-8 cannot carry (undecodable file names) is escaped.
    """
    plain = value
    try:
        text = json.dumps(plain, ensure_ascii=False, allow_nan=False, indent=indent)
    except (TypeError, ValueError):  # not plain yet
        plain = _plain(value)
        text = json.dumps(plain, ensure_ascii=False, allow_nan=False, indent=indent)
    return json.dumps(plain, ensure_ascii=True, allow_nan=False, indent=indent) if _SURROGATES.search(text) else text


def sealed(value: Any) -> dict[str, Any]:
    """A mapping or dataclass as plain values, with a `seal` over all of them: a SHA-256 that `unsealed` compares."""
    plain: dict[str, Any] = _plain(value)
    return {**plain, _SEAL: _digest(plain)}


def unsealed(values: Mapping[str, Any], path: Path) -> dict[str, Any]:
    """What was sealed, read back from `path`; `RunError` where it is not what was written.

    It tells damage, not forgery: values without a seal, which older versions and people write, are taken as they are.
    """
    plain = {name: value for name, value in values.items() if name != _SEAL}
    if _SEAL in values and values[_SEAL] != _digest(plain):
        raise RunError(
            f"The file {path.name} is damaged: its seal, a SHA-256, is not the one of what it says.",
            where=str(path),
            do="restore it from a copy",
        )
    return plain


def read_json(path: Path, limit: int = JSON_LIMIT) -> Any:
    """The JSON value in `path`; `RunError` where it is missing, no plain file, over `limit` bytes, or damaged."""
    content = read_bytes(path, limit)
    try:
        return json.loads(content.decode(), parse_constant=_refuse_constant)
    except (ValueError, RecursionError) as error:
        raise RunError(
            f"The file {path.name} is damaged: it is not valid JSON ({error}).",
            where=str(path),
            do="restore it from a copy; a run whose own files are damaged cannot be trusted",
        ) from error


def read_bytes(path: Path, limit: int) -> bytes:
    """The content of a plain file of at most `limit` bytes; `RunError` otherwise."""
    with refusing("read", path), open(path, "rb", opener=_open_without_waiting) as file:
        found = os.fstat(file.fileno())
        if not stat.S_ISREG(found.st_mode):
            raise RunError(f"{path.name} is not a plain file.", where=str(path))
        content = file.read(min(found.st_size, limit) + 1)  # memory is taken for all that is asked for
    if len(content) > limit:
        raise RunError(
            f"The file {path.name} is larger than the {limit:,} bytes that are read.",
            where=str(path),
            do="this is not a file that Stepwell wrote; restore it from a copy",
        )
    return content


def read_lines(path: Path, limit: int = 2**30) -> list[Any]:
    """The JSON value of every line of a log; a last line that a kill cut short is passed over."""
    lines = read_bytes(path, limit).split(b"\n")
    values = []
    for number, line in enumerate(lines[:-1], start=1):
        try:
            values.append(json.loads(line))
        except (ValueError, RecursionError) as error:
            raise RunError(f"Line {number} of {path.name} is damaged ({error}).", where=str(path)) from error
    return values


def sha256(path: Path) -> str:
    """The SHA-256 of a file's content, 64 hexadecimal digits; `RunError` where it cannot be read."""
    with refusing("read", path), open(path, "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


class Lines:
    """An append-only file of lines: what lies before `offset` never changes, but it can be cut back to a place.

    Opened for appending, created where absent. `append` is buffered; `flush` hands the buffer to the
    system, and with ``durable=True`` to the disk, which a checkpoint does before it notes `offset`.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        with refusing("written", path):
            new = not path.exists()
            self._file = open(path, "ab")  # noqa: SIM115 - lives as long as the log
            self._offset = self._file.tell()
            if new:  # or a checkpoint could outlive the log that it notes a place in
                sync_folder(path.parent)

    @property
    def offset(self) -> int:
        """The length in bytes of all that was appended, flushed or not."""
        return self._offset

    def append(self, *lines: str) -> None:
        """Add lines, without their line breaks; `ValueError` where one holds one."""
        text = "".join(f"{line}\n" for line in lines)
        if text.count("\n") != len(lines):
            raise ValueError("a line of a log holds no line break")
        content = text.encode()
        with refusing("written", self.path):
            self._file.write(content)
        self._offset += len(content)

    def truncate_to(self, offset: int) -> None:
        """Cut the log back to `offset` bytes; `RunError` where it is shorter than that."""
        self.flush()
        if offset > self._offset:
            raise RunError(
                f"{self.path.name} is shorter ({self._offset:,} bytes) than the checkpoint says ({offset:,}).",
                where=str(self.path),
                do="restore the file from a copy, or train again",
            )
        with refusing("written", self.path):
            self._file.truncate(offset)
            self._file.seek(offset)
        self._offset = offset

    def flush(self, *, durable: bool = False) -> None:
        """Hand what was appended to the system, or down to the disk."""
        with refusing("written", self.path):
            self._file.flush()
            if durable:
                os.fsync(self._file.fileno())

    def close(self) -> None:
        """Flush and close."""
        with refusing("written", self.path):
            self._file.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.close()


def unused_name(path: Path) -> Path:
    """A name beside `path` that nothing has, for something half-written or half-removed; `clean` removes it."""
    return path.with_name(f"{_PREFIX}{os.urandom(6).hex()}{_SUFFIX}")


def temporary_folder(final: Path) -> Path:
    """A new empty folder beside `final`, to be filled and then given to `publish`."""
    folder = unused_name(final)
    with refusing("written", final):
        folder.mkdir(parents=True)
    return folder


def publish(folder: Path, final: Path) -> None:
    """Give a filled temporary folder its name, after every file in it is on the disk.

    Where `final` exists it is set aside first and removed afterwards; after a kill in between `clean` puts it back.
    """
    with refusing("written", final):
        for root, _, names in os.walk(folder):
            for name in names:
                _sync_file(Path(root, name))
            sync_folder(Path(root))
        aside = _aside(final)
        if os.path.lexists(final):
            os.rename(final, aside)
        try:
            os.rename(folder, final)
        except BaseException:
            if os.path.lexists(aside):
                os.rename(aside, final)
            raise
        sync_folder(final.parent)
        with contextlib.suppress(OSError):  # the new one is in place: what stays of the old is for `clean`
            _remove(aside)


@contextlib.contextmanager
def whole_folder(final: Path) -> Iterator[Path]:
    """A temporary folder that becomes `final` when the block ends well, and is removed when it does not."""
    with refusing("written", final):
        folder = temporary_folder(final)
        try:
            yield folder
            publish(folder, final)
        except BaseException:
            shutil.rmtree(folder, ignore_errors=True)
            raise


def discard(folder: Path) -> None:
    """Remove a folder; a kill in between leaves nothing of it under its name. `RunError`, which names the rest."""
    doomed = unused_name(folder)
    with refusing("removed", folder):
        os.rename(folder, doomed)
    with refusing("removed", doomed):
        shutil.rmtree(doomed)


def clean(folder: Path) -> int:
    """Remove what a killed process left half-written under `folder`; returns how many. Links are not followed.

    A folder that was set aside for another, which then never came, is put back. To be called with the folder's
    lock held: another process's half-written file is not left over.
    """
    removed = 0
    with refusing("cleaned", folder):
        found: list[Path] = []
        for root, folders, names in os.walk(folder):
            found += [Path(root, name) for name in (*folders, *names) if is_left_over(name)]
            folders[:] = [name for name in folders if not is_left_over(name)]
    for path in found:
        final = _final(path)
        with contextlib.suppress(RunError), refusing("cleaned", path):
            if final is not None and not os.path.lexists(final):
                os.rename(path, final)
            else:
                _remove(path)
            removed += 1
    return removed


def is_left_over(name: str) -> bool:
    """Whether a file of this name is half-written or half-removed."""
    return name.startswith(_PREFIX) and name.endswith(_SUFFIX)


@contextlib.contextmanager
def refusing(done: str, path: Path) -> Iterator[None]:
    """Turn what the system refuses inside into a `RunError` that says that `path` cannot be `done`, why, what next."""
    try:
        yield
    except MemoryError as error:
        what = f"{path.name} cannot be {done}: there is not enough memory."
        raise RunError(what, where=str(path), do="close other programs, or use a smaller --batch-size") from error
    except OSError as error:
        reason = error.strerror or str(error)
        do = _NEXT_STEP.get(error.errno or 0, "look at the folder and its disk, or choose another folder with --run")
        raise RunError(f"{path.name} cannot be {done}: {reason}.", where=str(path), do=do) from error


def free_bytes(folder: Path) -> int:
    """How much this process may still write on the disk that `folder` is on, or will be once it is made."""
    there = next(one for one in (folder, *folder.absolute().parents) if one.exists())
    with refusing("looked at", there):
        return shutil.disk_usage(there).free


def sync_folder(folder: Path) -> None:
    """Make a folder's list of names durable, where the system can."""
    if os.name == "nt":
        return
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    except OSError as error:
        if error.errno not in _NO_FOLDER_SYNC:
            raise
    finally:
        os.close(descriptor)


def _aside(final: Path) -> Path:
    """Where `final` is set aside for its successor: half-removed, but `clean` can tell its name."""
    return final.with_name(f"{_PREFIX}{os.urandom(6).hex()}{_FOR}{final.name}{_SUFFIX}")


def _final(path: Path) -> Path | None:
    """The place of what was set aside; None for whatever else is half-written or half-removed."""
    _, mark, name = path.name.removesuffix(_SUFFIX).partition(_FOR)
    return path.with_name(name) if mark and name else None


def _remove(path: Path) -> None:
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)


def _sync_file(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _open_without_waiting(path: str, flags: int) -> int:
    return os.open(path, flags | getattr(os, "O_NONBLOCK", 0))  # a named pipe must not stop us


def _refuse_constant(text: str) -> NoReturn:
    raise ValueError(f"{text} is not a JSON number")


def _digest(plain: Any) -> str:
    return hashlib.sha256(json.dumps(plain).encode()).hexdigest()


def _plain(value: Any) -> Any:
    if value is None or isinstance(value, (str, bool, int)):
        return value
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, Mapping):
        return {str(key): _plain(one) for key, one in value.items()}
    if isinstance(value, (list, tuple)):
        return [_plain(one) for one in value]
    if isinstance(value, os.PathLike):
        return os.fspath(value)
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return {one.name: _plain(getattr(value, one.name)) for one in dataclasses.fields(value)}
    if hasattr(value, "tolist"):  # numpy scalars and arrays, without importing numpy
        return _plain(value.tolist())
    raise TypeError(f"a {type(value).__name__} cannot be written as JSON")
