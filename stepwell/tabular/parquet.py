"""Parquet files, read by polars where it is installed."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from stepwell.errors import DataError, MissingExtraError
from stepwell.tabular import memory
from stepwell.tabular.form import Form
from stepwell.tabular.store import Table

SUFFIXES = (".parquet", ".pq")
"""The endings of Parquet files."""


def is_parquet(path: Path) -> bool:
    """Whether a file is taken for Parquet, by its ending."""
    return path.name.lower().endswith(SUFFIXES)


def read(path: Path, form: Form, most: int | None = None) -> Table:
    """The table in a file, or its first `most` rows; `DataError` where damaged, `MissingExtraError` without polars."""
    try:
        import polars
    except ModuleNotFoundError as error:
        raise MissingExtraError("polars", "tables", "Reading Parquet") from error
    try:
        frame = polars.read_parquet(path, n_rows=most)
    except (OSError, polars.exceptions.PolarsError) as error:
        reason = str(error).partition("\n")[0]
        raise DataError(f"The file cannot be read: {reason}.", where=str(path), do="check the file") from error
    return replace(memory.of_frame(frame, str(path), form), first=1)
