"""One listing for a folder, a .zip and a .tar(.gz): what files there are, and the bytes of one of them.

Nothing is unpacked to disk. A folder and an archive that hold the same files give the same listing.
Archives come from anywhere, so they are refused as a whole where a member could reach outside of
them or cannot be what it claims: absolute names and ``..``, links and devices, encryption, two members
of one name, too many members, and sizes that no honest compression gives. Reading keeps nothing open,
so that it is safe from any thread and after a fork.
"""

from __future__ import annotations

import gzip
import io
import os
import re
import stat
import struct
import tarfile
import zipfile
import zlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import BinaryIO, Literal

from stepwell.errors import DataError, ExampleError

JUNK = frozenset(
    ("__macosx", "thumbs.db", "ehthumbs.db", "desktop.ini", "icon\r", "@eadir", "$recycle.bin", "lost+found")
)
"""What operating systems leave behind, in lower case; together with hidden files it is in no listing."""

_BROKEN = (OSError, EOFError, ValueError, OverflowError, MemoryError, NotImplementedError, struct.error, zlib.error)
_DAMAGED = (*_BROKEN, zipfile.BadZipFile, tarfile.TarError)

HONEST_START = 64 * 2**20
"""Bytes below which no ratio is suspect: a page of zeros is no bomb."""


@dataclass(frozen=True)
class Limits:
    """What an archive may hold: members, folders in folders, bytes of one, bytes kept in memory, bytes out for one in.

    `memory` bounds what a compressed tar takes, whose members cannot be read out of order and are
    therefore kept; `file_bytes` holds for the files of a folder too.
    """

    entries: int = 1_000_000
    depth: int = 100
    file_bytes: int = 2**30
    memory: int = 2 * 2**30
    ratio: int = 200


@dataclass(frozen=True)
class Place:
    """Where the bytes of one member lie: `stored` bytes from `offset` on, or `data` itself.

    For a zip `offset` is that of the local header, whose length is known only when it is read.
    """

    kind: Literal["zip", "tar", "memory"]
    offset: int = 0
    stored: int = 0
    deflated: bool = False
    checksum: int = 0
    data: bytes = b""


@dataclass(frozen=True)
class Listing:
    """The files below `source`, in natural order, hidden files and junk left out.

    `names` are relative, with ``/``, and can always be written as UTF-8 (other bytes are shown as escapes);
    `sizes` are in bytes; `folders` are all folders, empty ones too; `problems` are folders that could
    not be listed and links that lead nowhere, each with the reason.
    """

    source: str
    names: tuple[str, ...]
    sizes: Mapping[str, int]
    folders: tuple[str, ...]
    problems: tuple[tuple[str, str], ...]
    places: Mapping[str, Place]
    renamed: Mapping[str, str]
    limits: Limits

    def read(self, name: str) -> bytes:
        """The content of one file; `ExampleError`, which names it, where it cannot be read."""
        if name in self.places:
            return _read_member(Path(self.source), name, self.places[name], self.sizes[name])
        path = Path(self.source, self.renamed.get(name, name))
        return read_file(path, limit=self.limits.file_bytes)


def open_listing(source: str | Path, limits: Limits | None = None) -> Listing:
    """List a folder, a .zip or a .tar(.gz); `DataError` where it is not there, damaged or unsafe."""
    path, limits = Path(source), limits or Limits()
    try:
        if path.is_dir():
            return _list_folder(path, limits)
        if not path.exists():
            raise DataError("There is no such file or folder.", where=str(path), do="check the path")
        kind = archive_kind(path)
        if kind is None:
            raise DataError("This is neither a folder nor a .zip or .tar(.gz) archive.", where=str(path))
        return _list_zip(path, limits) if kind == "zip" else _list_tar(path, limits)
    except _DAMAGED as error:
        reason = error.strerror or str(error) if isinstance(error, OSError) else str(error)
        raise DataError(
            f"This cannot be listed: {reason or type(error).__name__}.",
            where=str(path),
            do="check who may read it" if isinstance(error, PermissionError) else "copy or download it again",
        ) from error


def archive_kind(path: Path) -> Literal["zip", "tar"] | None:
    """What an archive's name says it is; None for any other file."""
    name = path.name.lower()
    if name.endswith(".zip"):
        return "zip"
    return "tar" if name.endswith((".tar", ".tar.gz", ".tgz")) else None


def peek(source: str | Path, limit: int = 500) -> tuple[str, ...]:
    """Some names of files, at most `limit`, found without listing everything; empty where nothing can be listed.

    Of a folder they come breadth first, so that each of its first folders is looked into.
    """
    path = Path(source)
    try:
        if path.is_dir():
            return tuple(_some_files(path, limit))
        if archive_kind(path) == "zip":
            with zipfile.ZipFile(path) as archive:
                names = [info.filename for info in archive.infolist()[: 10 * limit] if not info.is_dir()]
        elif archive_kind(path) == "tar":
            names = [member.name for member, _ in _tar_members(path, Limits(), at_most=10 * limit) if member.isreg()]
        else:
            return ()
    except (*_DAMAGED, DataError):
        return ()  # opening it properly says why
    visible = [PurePosixPath(name).as_posix() for name in names if not _hidden(name)]
    return tuple(visible[:: max(1, len(visible) // limit)][:limit])


def natural_key(text: str) -> tuple[tuple[tuple[int, str] | str, ...], str]:
    """A key that sorts as people count, 2 before 10, without regard to case, and never calls two names equal."""
    parts: list[tuple[int, str] | str] = []
    for place, part in enumerate(re.split("([0-9]+)", text.casefold())):
        digits = part.lstrip("0")
        parts.append((len(digits), digits) if place % 2 else part)
    return tuple(parts), text


def read_file(path: Path, *, limit: int = Limits.file_bytes) -> bytes:
    """The content of a regular file of at most `limit` bytes; `ExampleError`, which names it, where that fails."""
    where = printable(str(path))
    try:
        facts = path.stat()
        if not stat.S_ISREG(facts.st_mode):  # a pipe would wait for ever, a device never end
            raise ExampleError("This is not a file.", where=where)
        if facts.st_size > limit:
            raise ExampleError(f"The file has {facts.st_size:,} bytes, more than the limit of {limit:,}.", where=where)
        return path.read_bytes()
    except FileNotFoundError as error:
        raise ExampleError("The file is not there.", where=where, do="check the path") from error
    except (OSError, ValueError) as error:
        reason = (error.strerror if isinstance(error, OSError) else str(error)) or type(error).__name__
        raise ExampleError(f"The file cannot be read: {reason}.", where=where, do="check who may read it") from error


def printable(text: str) -> str:
    """The text as it can be written in UTF-8: what a file system gave as stray bytes is shown as escapes."""
    return text.encode("utf-8", "backslashreplace").decode()


def _hidden(name: str) -> bool:
    return any((part.startswith(".") and part not in (".", "..")) or part.lower() in JUNK for part in name.split("/"))


def _listing(
    path: Path,
    sizes: dict[str, int],
    folders: set[str],
    limits: Limits,
    *,
    places: dict[str, Place] | None = None,
    renamed: dict[str, str] | None = None,
    problems: list[tuple[str, str]] | None = None,
) -> Listing:
    names = tuple(sorted(sizes, key=natural_key))
    ordered = tuple(sorted(folders, key=natural_key))
    return Listing(str(path), names, sizes, ordered, tuple(problems or ()), places or {}, renamed or {}, limits)


def _list_folder(root: Path, limits: Limits) -> Listing:
    """Walk a folder with one system call a folder; links are followed, unless they lead back up."""
    sizes: dict[str, int] = {}
    folders: set[str] = set()
    renamed: dict[str, str] = {}
    problems: list[tuple[str, str]] = []
    waiting: list[tuple[str, frozenset[tuple[int, int]]]] = [("", frozenset())]
    while waiting:
        prefix, above = waiting.pop()
        place = os.path.join(root, prefix) if prefix else str(root)  # noqa: PTH118 - a Path an entry is too slow
        try:
            facts = os.stat(place)  # noqa: PTH116
            identity = (facts.st_dev, facts.st_ino)
            if identity in above:
                continue
            with os.scandir(place) as entries:
                for entry in entries:
                    if entry.name.startswith(".") or entry.name.lower() in JUNK:
                        continue
                    name = f"{prefix}/{entry.name}" if prefix else entry.name
                    if entry.is_dir():
                        folders.add(printable(name))
                        waiting.append((name, above | {identity}))
                    elif entry.is_file():
                        shown = printable(name)
                        sizes[shown] = entry.stat().st_size
                        if shown != name:
                            renamed[shown] = name
                    elif entry.is_symlink():
                        problems.append((printable(name), "the link leads nowhere"))
        except OSError as error:
            if not prefix:
                raise
            problems.append((printable(prefix), error.strerror or type(error).__name__))
    return _listing(root, sizes, folders, limits, renamed=renamed, problems=sorted(problems))


def _some_files(root: Path, limit: int) -> Iterator[str]:
    """Names of files breadth first, at most 50 of a folder, at most `limit` in all, from at most as many folders."""
    waiting, found = [""], 0
    for prefix in waiting:
        with os.scandir(root / prefix) as entries:
            here = 0
            for entry in entries:
                name = f"{prefix}/{entry.name}" if prefix else entry.name
                if _hidden(entry.name):
                    continue
                if entry.is_dir():
                    if len(waiting) < limit:
                        waiting.append(name)
                elif here < 50 and found < limit:
                    here, found = here + 1, found + 1
                    yield printable(name)
                elif prefix:
                    break


class _Refusals:
    """The rules that every member of an archive must keep, and what was seen so far."""

    def __init__(self, path: Path, limits: Limits) -> None:
        self._path, self._limits = path, limits
        self._seen: set[str] = set()
        self._total = 0
        self._packed = path.stat().st_size

    def name(self, written: str) -> str:
        """The member's name in its plain form; `DataError` where it could reach outside or stands there twice."""
        parts = re.split(r"[/\\]", written)
        if ".." in parts or written.startswith(("/", "\\")) or "\0" in written or re.match("[A-Za-z]:", written):
            self.refuse(f"the name {printable(written)!r} leads outside of it")
        name = printable("/".join(part for part in written.split("/") if part not in ("", ".")))
        if name.count("/") > self._limits.depth:  # every folder of a path is listed: their length grows as its square
            self.refuse(f"{name[:60]!r}… lies more than {self._limits.depth} folders deep")
        if name in self._seen:
            self.refuse(f"it holds {name!r} twice")
        self._seen.add(name)
        if len(self._seen) > self._limits.entries:
            self.refuse(f"it holds more than {self._limits.entries:,} files")
        return name

    def size(self, name: str, size: int) -> None:
        """`DataError` where a member is larger than allowed, or all together than honest compression gives."""
        self._total += size
        if size > self._limits.file_bytes:
            self.refuse(f"{name!r} has {size:,} bytes, more than the limit of {self._limits.file_bytes:,}")
        if self._total > max(HONEST_START, self._limits.ratio * self._packed):
            self.refuse(f"its {self._packed:,} bytes would unpack to more than {self._total:,}: a decompression bomb")

    def refuse(self, why: str) -> None:
        """`DataError`: the archive is not read at all."""
        raise DataError(
            f"This archive is refused: {why}.",
            where=str(self._path),
            do="unpack it with a tool that you trust, look at what it holds, and give the folder",
        )


def _list_zip(path: Path, limits: Limits) -> Listing:
    sizes: dict[str, int] = {}
    folders: set[str] = set()
    places: dict[str, Place] = {}
    rules = _Refusals(path, limits)
    with zipfile.ZipFile(path) as archive:
        for info in archive.infolist():
            # A zip made on Windows may separate by backslashes; elsewhere they are part of a name.
            written = info.filename.replace("\\", "/") if info.create_system == 0 else info.filename
            name = rules.name(written)
            mode = info.external_attr >> 16
            if written.endswith("/"):
                folders.update(_with_parents(name))
                continue
            if stat.S_IFMT(mode) not in (0, stat.S_IFREG):
                rules.refuse(f"{name!r} is a link or a device")
            if info.flag_bits & 1:
                rules.refuse(f"{name!r} is encrypted")
            if info.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
                rules.refuse(f"{name!r} is compressed by a method other than deflate")
            if info.header_offset + info.compress_size > path.stat().st_size:
                rules.refuse(f"{name!r} would lie beyond its end")
            rules.size(name, info.file_size)
            if _hidden(name):
                continue
            sizes[name] = info.file_size
            deflated = info.compress_type == zipfile.ZIP_DEFLATED
            places[name] = Place("zip", info.header_offset, info.compress_size, deflated, info.CRC)
            folders.update(_with_parents(name)[:-1])
    return _listing(path, sizes, {one for one in folders if not _hidden(one)}, limits, places=places)


def _list_tar(path: Path, limits: Limits) -> Listing:
    sizes: dict[str, int] = {}
    folders: set[str] = set()
    places: dict[str, Place] = {}
    rules = _Refusals(path, limits)
    for member, place in _tar_members(path, limits):
        if not member.name.strip("./"):
            continue  # the folder itself
        name = rules.name(member.name)
        if member.isdir():
            folders.update(_with_parents(name))
            continue
        if not member.isreg() or member.issparse():
            rules.refuse(f"{name!r} is a link, a device or a sparse file")
        rules.size(name, member.size)
        if not _hidden(name):
            sizes[name], places[name] = member.size, place
            folders.update(_with_parents(name)[:-1])
    return _listing(path, sizes, {one for one in folders if not _hidden(one)}, limits, places=places)


def _with_parents(name: str) -> list[str]:
    parts = name.split("/")
    return ["/".join(parts[: i + 1]) for i in range(len(parts))]


def _tar_members(path: Path, limits: Limits, at_most: int | None = None) -> Iterator[tuple[tarfile.TarInfo, Place]]:
    """The members in the order in which they lie, each with its place; those of a compressed tar with their bytes."""
    with path.open("rb") as file:
        compressed = file.read(2) == b"\x1f\x8b"
        file.seek(0)
        if not compressed:
            with tarfile.open(fileobj=file, mode="r:") as archive:
                for place, member in enumerate(archive):
                    if place == at_most:
                        return
                    yield member, Place("tar", member.offset_data, member.size)
            return
        stream = io.BufferedReader(_Inflated(path, file, limits), 2**16)
        with tarfile.open(fileobj=stream, mode="r|") as archive:
            for place, member in enumerate(archive):
                if place == at_most:
                    return
                content = archive.extractfile(member) if member.isreg() and at_most is None else None
                yield member, Place("memory", data=content.read() if content else b"")


class _Inflated(io.RawIOBase):
    """The content of a .gz as a stream, which refuses to go on where it becomes a bomb or too much to keep."""

    def __init__(self, path: Path, file: BinaryIO, limits: Limits) -> None:
        self._path, self._file, self._limits = path, file, limits
        self._stream = gzip.GzipFile(fileobj=file)
        self._given = 0

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: bytearray | memoryview) -> int:  # type: ignore[override]
        content = self._stream.read(len(buffer))
        buffer[: len(content)] = content
        self._given += len(content)
        if self._given > max(HONEST_START, self._limits.ratio * self._file.tell()):
            _Refusals(self._path, self._limits).refuse("it is a decompression bomb")
        if self._given > self._limits.memory:
            raise DataError(
                f"This compressed archive holds more than {self._limits.memory / 2**30:.1f} GiB, and its files can "
                "only be read in their order, so that all of them would have to lie in memory.",
                where=str(self._path),
                do="unpack it, or pack it as .zip or as .tar without .gz",
            )
        return len(content)


def _read_member(path: Path, name: str, place: Place, size: int) -> bytes:
    """The bytes of one member; `ExampleError` where they are not what the archive's directory says."""
    if place.kind == "memory":
        return place.data
    try:
        with path.open("rb") as file:
            if place.kind == "zip":
                file.seek(place.offset + 26)
                name_length, extra_length = struct.unpack("<HH", file.read(4))
                file.seek(name_length + extra_length, io.SEEK_CUR)
            else:
                file.seek(place.offset)
            content = file.read(place.stored)
        if place.deflated:
            content = zlib.decompressobj(-zlib.MAX_WBITS).decompress(content, size + 1)
    except (OSError, struct.error, zlib.error, OverflowError, MemoryError) as error:
        raise ExampleError(f"The file cannot be read: {error}.", where=f"{path}: {name}") from error
    if len(content) != size or (place.kind == "zip" and zlib.crc32(content) != place.checksum):
        raise ExampleError("The file is damaged in its archive.", where=f"{path}: {name}", do="download it again")
    return content
