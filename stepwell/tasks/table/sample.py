"""Customers of a shop who came back or not, made up by a known rule: numbers, categories, dates and missing cells.

Nobody's data: drawn from counters, the same on every machine. Whether one came back depends on how satisfied
one was (more so for those with a contract), on age in a bend, on spending on a log scale and on the season, with
chance left over.
"""

from __future__ import annotations

import csv
import datetime
import io
from pathlib import Path

import numpy as np

from stepwell import files, randomness
from stepwell.errors import DataError
from stepwell.schema import Array

ROWS = 2000
FILE = "customers.csv"

DIFFICULTY = (
    "logistic regression (one-hot, medians for what is missing) reaches 0.743 to 0.792 AUROC, gradient boosting "
    "0.812 to 0.852 (stratified fifth held out)"
)
"""Measured with scikit-learn's defaults, seeds 0 to 2 of the sample and of the split, 400 test rows each."""

_CITIES = ("Bonn", "Ghent", "Lyon", "Turin", "Porto", "Graz")
_CHANNELS = ("shop", "web", "phone", "fair")
_FIRST_DAY = datetime.date(2023, 1, 1)


def write(folder: str | Path, seed: int = 0) -> None:
    """Write ``folder/customers.csv``, 2,000 rows below a header, with the target `came_back` (yes or no) last.

    `DataError` where the folder holds something already or cannot be written.
    """
    root = Path(folder)
    if root.exists() and (not root.is_dir() or any(root.iterdir())):
        raise DataError("There is something here already.", where=str(root), do="name a new or empty folder")
    text = io.StringIO(newline="")
    columns = _columns(seed)
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(columns)
    writer.writerows(zip(*columns.values(), strict=True))
    try:
        root.mkdir(parents=True, exist_ok=True)
        files.write_whole(root / FILE, text.getvalue())
    except OSError as error:
        reason = error.strerror or str(error)
        raise DataError(
            f"The sample cannot be written: {reason}.", where=str(root), do="name another folder"
        ) from error


def _columns(seed: int) -> dict[str, list[str]]:
    """The cells of every column, by name and in order, the target last."""
    age = 18 + 62 * _uniform(seed, "age") ** 1.3
    spending = np.exp(3.5 + 1.1 * _normal(seed, "spending"))
    satisfied = np.clip(np.rint(3.4 + 1.2 * _normal(seed, "satisfied")), 1, 5)
    distance = 2 + 30 * _uniform(seed, "distance") ** 2
    visits = np.floor(1 + 11 * _uniform(seed, "visits") ** 2)
    contract = _uniform(seed, "contract") < 0.45
    city = _chosen(_uniform(seed, "city"), len(_CITIES))
    channel = _chosen(_uniform(seed, "channel"), len(_CHANNELS))
    day = np.floor(730 * _uniform(seed, "day"))
    summer = np.cos(2 * np.pi * (day - 196) / 365.25)
    score = (
        -0.4
        + np.where(contract, 1.6, 0.2) * (satisfied - 3)
        - ((age - 45) / 18) ** 2
        + 0.7 * (np.log(spending) - 3.5)
        - 0.04 * distance
        + 0.12 * visits
        + 0.9 * summer * (channel == 0)
        + np.asarray([0.6, 0.0, -0.5, 0.3, -0.8, 0.0])[city]
        + 0.8
    )
    came_back = _uniform(seed, "came back") < 1 / (1 + np.exp(-1.3 * score))
    dates = [(_FIRST_DAY + datetime.timedelta(days=int(one))).isoformat() for one in day]
    return {
        "first_visit": dates,
        "age": _written(np.floor(age), "{:.0f}", _uniform(seed, "age missing") < 0.06),
        "city": [_CITIES[one] for one in city],
        "channel": _kept([_CHANNELS[one] for one in channel], _uniform(seed, "channel missing") >= 0.03),
        "contract": ["true" if one else "false" for one in contract],
        "visits": _written(visits, "{:.0f}"),
        "spending": _written(spending, "{:.2f}", _uniform(seed, "spending missing") < 0.04),
        "distance_km": _written(distance, "{:.1f}"),
        "satisfaction": _written(satisfied, "{:.0f}", _uniform(seed, "satisfied missing") < 0.08),
        "came_back": ["yes" if one else "no" for one in came_back],
    }


def _uniform(seed: int, purpose: str) -> Array:
    return randomness.draw(seed, f"customers {purpose}", 0, randomness.keys([str(row) for row in range(ROWS)]))


def _normal(seed: int, purpose: str) -> Array:
    return randomness.normal(seed, f"customers {purpose}", 0, randomness.keys([str(row) for row in range(ROWS)]))


def _written(values: Array, form: str, missing: Array | None = None) -> list[str]:
    cells = [form.format(one) for one in values.tolist()]
    return cells if missing is None else _kept(cells, ~missing)


def _kept(cells: list[str], there: Array) -> list[str]:
    return [cell if keep else "" for cell, keep in zip(cells, there.tolist(), strict=True)]


def _chosen(uniform: Array, count: int) -> Array:
    return np.minimum((uniform * count).astype(np.int64), count - 1)
