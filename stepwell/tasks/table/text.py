"""The bytes and the lines of a file of text, plain or gzipped, within what a line and a packed file may come to."""

from __future__ import annotations

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
