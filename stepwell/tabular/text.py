"""A file of text, plain or gzipped: its bytes and lines, within what these may come to, and its encoding."""

from __future__ import annotations

import codecs
import gzip
import io
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any, BinaryIO, cast

from stepwell import archives
from stepwell.errors import DataError
from stepwell.schema import Finding

DAMAGED = (OSError, EOFError, zlib.error)
"""What reading a file that is not whole, or not there, raises."""

LINE = 2**25
"""Characters in a line, at most: without a limit a file that has no line end is taken into memory as a whole."""


@contextmanager
def opened(path: Path) -> Iterator[BinaryIO]:
    """The bytes of a file, unpacked where its name ends in .gz; `DataError` in reading where it is a bomb."""
    if path.name.lower().endswith(".gz"):
        with io.BufferedReader(_Unpacked(path)) as packed:
            yield cast("BinaryIO", packed)
    else:
        with path.open("rb") as file:
            yield file


def lines(file: io.TextIOBase, path: Path) -> Iterator[str]:
    """The lines of a file, each with its end; `DataError` at one of more than `LINE` characters."""
    for number, line in enumerate(iter(partial(file.readline, LINE), ""), start=1):
        if len(line) == LINE and not line.endswith(("\n", "\r")):
            raise DataError(
                f"A line has more than {LINE:,} characters: this is no table of text.",
                where=f"{path}, line {number:,}",
                do="write a row a line; what is no table (JSON, XML, a workbook) has to be made one first",
            )
        yield line


def encoding(path: Path, wanted: str, most: int | None) -> tuple[str, list[Finding]]:
    """The encoding of a file: as wanted, by its mark, UTF-8 where all of it is, else Windows' own for the West.

    All of it, or (about) the first `most` bytes.
    """
    if wanted != "auto":
        try:
            return codecs.lookup(wanted).name, []
        except LookupError as error:
            raise DataError(f"There is no encoding {wanted!r}.", do="for instance utf-8, cp1252, latin-1") from error
    decoder, place = codecs.getincrementaldecoder("utf-8")(), 0
    try:
        with opened(path) as raw:
            start = raw.read(4)
            if start in (codecs.BOM_UTF32_LE, codecs.BOM_UTF32_BE):
                return "utf-32", []
            if start[:2] in (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE):
                return "utf-16", []
            block = start + raw.read(2**20)
            if b"\0" in block:
                raise DataError(
                    "The file holds bytes and no text.",
                    where=str(path),
                    do="save it as CSV or Parquet; if it is text, name its encoding, for instance "
                    "--reader.encoding utf-16-le",
                )
            while block and (most is None or place < most):
                decoder.decode(block)
                place += len(block)
                block = raw.read(2**20)
    except UnicodeDecodeError as error:
        return "cp1252", [_encoding_finding(path, place + error.start, error.object[error.start])]
    except DAMAGED as error:
        raise cannot_be_read(path, error) from error
    return "utf-8-sig", []


def wrongly_encoded(path: Path, encoding: str, error: UnicodeDecodeError) -> DataError:
    """The `DataError` for bytes that an encoding does not have."""
    return DataError(
        f"The file is not {encoding} text: byte {error.object[error.start]:#04x} cannot be read.",
        where=str(path),
        do="name its encoding, for instance --reader.encoding cp1252",
    )


def cannot_be_read(path: Path, error: BaseException) -> DataError:
    """The `DataError` for one of `DAMAGED`."""
    reason = (error.strerror if isinstance(error, OSError) else None) or str(error) or type(error).__name__
    return DataError(f"The file cannot be read: {reason}.", where=str(path), do="check the file")


class _Unpacked(io.RawIOBase):
    """What a gzip file holds, refused where it is more than any honest data are packed to (as archives are)."""

    def __init__(self, path: Path) -> None:
        super().__init__()
        self._path, self._packed, self._given = path, path.stat().st_size, 0
        self._stream = gzip.open(path)  # noqa: SIM115 - closed with this

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        count = self._stream.readinto(buffer)
        self._given += count
        if self._given > max(archives.HONEST_START, archives.Limits.ratio * self._packed):
            raise DataError(
                f"This file is refused: its {self._packed:,} bytes unpack to more than {self._given:,}, a "
                "decompression bomb.",
                where=str(self._path),
                do="unpack it with a tool that you trust, look at what it holds, and give it unpacked",
            )
        return count

    def close(self) -> None:
        self._stream.close()
        super().close()


def _encoding_finding(path: Path, place: int, byte: int) -> Finding:
    return Finding(
        name="encoding_guessed",
        severity=1,
        message=f"{path.name} is not UTF-8 (byte {place:,} is {byte:#04x}); it was read as cp1252.",
        why="In another encoding letters beyond A to Z would be others.",
        remedy="save it as UTF-8, or name its encoding with --reader.encoding",
        where={"file": path.name},
        evidence={"byte": place},
        refuted_by="its letters beyond A to Z being right as they are shown",
    )
