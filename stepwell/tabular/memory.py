"""Tables that are in Python already: data frames, dictionaries of columns, rows, and arrays ``(X, y)``."""

from __future__ import annotations

import datetime
import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from stepwell.errors import DataError
from stepwell.tabular import cells, store
from stepwell.tabular.cells import Column, Numbers
from stepwell.tabular.form import Form
from stepwell.tabular.store import Table

LAYOUT = """give a table in one of these ways, for instance
    a data frame, or {"age": [31, 52], "city": ["Ulm", "Bonn"], "bought": [0, 1]}
    [{"age": 31, "city": "Ulm", "bought": 0}, …]
    (X, y)                      X of shape (n, columns) or a data frame, y of length n
    {"train": …, "test": …}     with one of these each"""

TARGET = "target"
"""What the answers of ``(X, y)`` are called where they have no name of their own."""


def is_frame(source: Any) -> bool:
    """Whether this is a data frame: of pandas, polars, or whatever has named columns in the same way."""
    return hasattr(source, "columns") and hasattr(source, "__getitem__") and hasattr(source, "shape")


def is_table(source: Any) -> bool:
    """Whether this is a table in memory: of columns of equal length, or rows that are dictionaries."""
    if is_frame(source):
        return True
    if isinstance(source, Mapping):
        return bool(source) and all(isinstance(key, str) and _is_column(one) for key, one in source.items())
    return isinstance(source, list) and bool(source) and all(isinstance(one, Mapping) for one in source[:100])


def first_cells(source: Any) -> list[Any]:
    """The cells of the first row of a table in memory; none where it has no row."""
    if isinstance(source, list):
        return list(source[0].values())
    names = list(source) if isinstance(source, Mapping) else list(source.columns)
    columns = [source[name] for name in names]
    return [column.iloc[0] if hasattr(column, "iloc") else column[0] for column in columns if len(column)]


def is_pair(source: Any) -> bool:
    """Whether this is ``(X, y)``: rows of plain values or a table, and an answer each."""
    if not (isinstance(source, tuple) and len(source) == 2):
        return False
    inputs, answers = source
    if not (_is_column(answers) and hasattr(inputs, "__len__")):
        return False
    return is_table(inputs) or is_matrix(inputs)


def is_matrix(source: Any) -> bool:
    """Whether this is rows of plain values: `(n, columns)`."""
    if isinstance(source, np.ndarray):
        return source.ndim == 2
    shape = getattr(source, "shape", None)
    if shape is not None:
        return len(shape) == 2
    return (
        isinstance(source, list)
        and bool(source)
        and all(isinstance(row, list | tuple) and row and all(map(_is_plain, row)) for row in source[:100])
    )


def of(source: Any, where: str, form: Form) -> Table:
    """The table that a source in memory is; `DataError` where its columns are of unequal length or no plain values."""
    if isinstance(source, tuple):
        return _of_pair(source, where, form)
    if is_frame(source):
        return of_frame(source, where, form)
    if isinstance(source, Mapping):
        return _of_columns({str(name): column for name, column in source.items()}, where, form)
    if is_matrix(source):
        return _of_columns(_matrix(source, where), where, form)
    rows = list(source)
    names = list(dict.fromkeys(name for row in rows for name in row))
    return _of_columns({str(name): [row.get(name) for row in rows] for name in names}, where, form)


def of_frame(frame: Any, where: str, form: Form) -> Table:
    """The table that a data frame is, with its columns in order; their names become text."""
    names = store.unique_names([str(name) for name in frame.columns])
    if hasattr(frame, "iloc"):  # pandas may give two columns one name
        return _of_columns({name: frame.iloc[:, place] for place, name in enumerate(names)}, where, form)
    return _of_columns({name: frame[own] for name, own in zip(names, frame.columns, strict=True)}, where, form)


def column_of(values: Any, rules: cells.Rules, where: str = "") -> Column:
    """A column from an array or a list: numbers where all are (None and NaN are missing), else text.

    Truth values and times become text as a CSV would hold them ("True", "2024-05-31", "12:30:00"), durations hours.
    `DataError` at anything that is no plain value.
    """
    if hasattr(values, "to_numpy") and not _is_datetimes(values):
        values = values.to_numpy()
    array = values if isinstance(values, np.ndarray) else None
    if array is not None and array.ndim == 1 and array.dtype.kind in "iuf":
        return Numbers(array.astype(np.float64))
    listed = values.tolist() if hasattr(values, "tolist") else list(values)
    if array is not None and array.dtype.kind in "mM":
        listed = array.astype(f"{array.dtype.kind}8[us]").tolist()
    plain = [_plain(value, where) for value in listed]
    if all(value is None or isinstance(value, float) for value in plain):
        return Numbers(np.asarray([math.nan if value is None else value for value in plain], dtype=np.float64))
    coder = cells.Coder(rules)
    coder.add(["" if value is None else value if isinstance(value, str) else cells.text_of(value) for value in plain])
    return coder.column()


def _of_columns(columns: Mapping[str, Any], where: str, form: Form) -> Table:
    rules = cells.Rules("." if form.decimal == "auto" else form.decimal, frozenset(form.tokens()))
    store.refuse_wide(len(columns), where)
    lengths = {name: len(column) for name, column in columns.items()}
    rows = next(iter(lengths.values()), 0)
    other = next((name for name, length in lengths.items() if length != rows), None)
    if other is not None:
        raise DataError(
            f"Column {other!r} has {lengths[other]:,} rows, column {next(iter(lengths))!r} {rows:,}.",
            where=where,
            do=LAYOUT,
        )
    if not rows:
        raise DataError("The table has no rows.", where=where, do=LAYOUT)
    found = {name: column_of(column, rules, f"{where}, column {name!r}") for name, column in columns.items()}
    why = "a table in memory has its own names and values"
    settings = {
        "header": ("yes", why),
        "delimiter": ("comma", why),
        "quote": ("double", why),
        "encoding": ("utf-8", why),
        "decimal": (".", why),
    }
    return Table(where, found, rows, 0, rules, settings)


def _of_pair(pair: tuple[Any, Any], where: str, form: Form) -> Table:
    inputs, answers = pair
    if len(inputs) != len(answers) and not isinstance(inputs, Mapping):
        raise DataError(
            f"There are {len(inputs):,} rows and {len(answers):,} answers.", where=where, do="give an answer each"
        )
    table = of(inputs, where, form)
    name = str(getattr(answers, "name", None) or TARGET)
    own = next(
        one for one in (name, f"{name} (y)", *(f"{name} (y {i})" for i in range(2, 99))) if one not in table.columns
    )
    columns = {**table.columns, own: column_of(np.asarray(answers).reshape(-1), table.rules, f"{where}, {own!r}")}
    if len(columns[own]) != table.rows:
        raise DataError("The answers are not one a row.", where=where, do="give y of the shape (n,)")
    settings = {**table.settings, "target": (own, "it came beside the inputs")}
    return Table(where, columns, table.rows, 0, table.rules, settings)


def _matrix(source: Any, where: str) -> dict[str, Any]:
    array = source if isinstance(source, np.ndarray) else np.asarray(source, dtype=object)
    if array.ndim != 2:
        raise DataError(f"The array has the shape {array.shape}.", where=where, do="give (n, columns)")
    return {f"column {place}": array[:, place - 1] for place in range(1, array.shape[1] + 1)}


def _plain(value: Any, where: str) -> float | str | None:
    """A value as a number, as the text that a CSV would hold, or None where there is none."""
    if value is None or type(value).__name__ in ("NAType", "NaTType") or value != value:  # nothing, in three ways
        return None
    if isinstance(value, bool | np.bool_):
        return str(bool(value))
    if isinstance(value, str):
        return value
    if isinstance(value, int | float | np.integer | np.floating):
        return float(value)
    if isinstance(value, datetime.datetime):
        midnight = value.time() == datetime.time() and value.tzinfo is None
        return value.date().isoformat() if midnight else value.isoformat()
    if isinstance(value, datetime.date | datetime.time):
        return value.isoformat()
    if isinstance(value, datetime.timedelta):
        return value / datetime.timedelta(hours=1)
    if hasattr(value, "__float__") and not hasattr(value, "__len__"):  # Decimal, Fraction
        return float(value)
    raise DataError(f"A cell holds a {type(value).__name__}, which is no plain value.", where=where, do=LAYOUT)


def _is_datetimes(values: Any) -> bool:
    return "datetime" in str(getattr(values, "dtype", "")).lower() and not isinstance(values, np.ndarray)


def _is_column(one: Any) -> bool:
    """Whether this is a sequence of plain values: the first few are looked at."""
    if isinstance(one, str | bytes | Mapping) or not hasattr(one, "__len__") or not hasattr(one, "__getitem__"):
        return False
    shape = getattr(one, "shape", None)
    if shape is not None:
        return len(shape) == 1 or (len(shape) == 2 and shape[1] == 1)
    return all(map(_is_plain, one[:100])) if isinstance(one, Sequence) else False


def _is_plain(value: Any) -> bool:
    return value is None or isinstance(
        value, str | int | float | bool | np.generic | datetime.date | datetime.time | datetime.timedelta
    )
