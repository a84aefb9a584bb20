"""A CSV with a row an hour and station: time, station, height, sun, temperature, wind; sun is known ahead."""

from __future__ import annotations

import csv
import datetime
import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from stepwell.errors import DataError, ExampleError
from stepwell.schema import Array, Columns, Examples

COLUMNS = ("time", "station", "height", "sun", "temperature", "wind")
PAST, HORIZON = 24, 6
"""Hours that an example looks back, and hours that it looks ahead; targets of a station do not overlap."""


@dataclass(frozen=True)
class Options:
    """Nothing to set."""


@dataclass(frozen=True)
class Window:
    """The hours from `first - PAST` to `first + HORIZON` of a station; the target begins at row `first`."""

    station: str
    first: int


@dataclass(frozen=True)
class Series:
    """A station's hours: `times` as text, `values` `(hours, 4)` float64: height, sun, temperature, wind."""

    times: tuple[str, ...]
    values: Array


def recognizes(source: Any) -> str | None:
    """A sentence where the source is such a CSV, or a folder with one and nothing else; else None."""
    path = _table(source)
    if path is None:
        return None
    with path.open(encoding="utf-8", errors="replace") as file:
        return "hourly rows of stations" if file.readline().strip().split(",") == list(COLUMNS) else None


def read(source: str | Path, options: Options) -> Examples:
    """Every window whose past and target are complete; its time is that of its target."""
    return windows(source, labeled=True)


def windows(source: str | Path, *, labeled: bool) -> Examples:
    """Every window of every station, with its `target` if `labeled`; ids are the station and the target's first hour.

    A window without a target needs its past and the sun ahead.
    """
    path = _table(source)
    if path is None:
        raise DataError("There is no CSV here.", where=str(source), do="give a CSV, or a folder with one")
    series = _series(path)
    found = [
        Window(station, first)
        for station, one in series.items()
        for first in range(PAST, len(one.times) - HORIZON + 1, HORIZON)
    ]
    if not found:
        raise DataError(f"No station has {PAST + HORIZON} hours.", where=str(path), do="bring longer series")

    def fetch(indices: Sequence[int], views: Array | None) -> Columns:
        chosen = [(found[i], series[found[i].station]) for i in indices]
        columns: Columns = {
            "past": np.stack([one.values[at.first - PAST : at.first, 1:] for at, one in chosen]),
            "future": np.stack([one.values[at.first : at.first + HORIZON, 1:2] for at, one in chosen]),
            "station": np.stack([one.values[at.first, :1] for at, one in chosen]),
        }
        if labeled:
            columns["target"] = np.stack([one.values[at.first : at.first + HORIZON, 2:] for at, one in chosen])
        for row, (at, _) in enumerate(chosen):
            if not all(np.isfinite(column[row]).all() for column in columns.values()):
                raise ExampleError("A value is missing in this window.", where=_name(series, at), do="fill the gap")
        return columns

    times = tuple(series[at.station].times[at.first] for at in found)
    ends = tuple(series[at.station].times[at.first + HORIZON - 1] for at in found)
    names = tuple(_name(series, at) for at in found)
    return Examples(names, names, {"time": times, "until": ends}, fetch, str(source), "station_csv")


def _name(series: dict[str, Series], at: Window) -> str:
    return f"{at.station} {series[at.station].times[at.first]}"


def _table(source: Any) -> Path | None:
    if not isinstance(source, (str, Path)):
        return None
    path = Path(source)
    if path.is_dir():
        inside = sorted(path.iterdir())
        path = inside[0] if len(inside) == 1 else path
    return path if path.is_file() and path.suffix == ".csv" else None


def _series(path: Path) -> dict[str, Series]:
    rows: dict[str, list[dict[str, str]]] = {}
    with path.open(newline="", encoding="utf-8") as file:
        for row in csv.DictReader(file):
            rows.setdefault(row["station"], []).append(row)
    series = {}
    for station, own in sorted(rows.items()):
        times = tuple(row["time"] for row in own)
        steps = np.diff([datetime.datetime.fromisoformat(time).timestamp() for time in times])
        if (steps != 3600).any():
            raise DataError(f"The hours of {station} are not one after the other.", where=str(path), do="fill the gaps")
        series[station] = Series(times, np.array([[_number(row[name]) for name in COLUMNS[2:]] for row in own]))
    return series


def _number(text: str) -> float:
    try:
        return float(text)
    except ValueError:  # an empty cell: the future is not known yet
        return math.nan
