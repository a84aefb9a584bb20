"""Ratings become classes: stars and measured sentiment as negative, neutral and positive, by stated thresholds."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Annotated, Literal

import numpy as np
import numpy.typing as npt
from msgspec import Meta

from stepwell.errors import DataError
from stepwell.schema import Finding
from stepwell.tabular import cells

NAMES = ("negative", "neutral", "positive")
"""The classes that thresholds make."""

NOTHING = frozenset(("", "NA", "N/A", "n/a", "NaN", "nan", "NULL", "null", "<NA>", "?"))
"""What stands for a label that is not known."""

Rating = Annotated[
    Literal["auto", "three", "classes"],
    Meta(
        description="labels that are numbers: three: negative, neutral and positive, by two thresholds; classes: every "
        "number is a class of its own, in their order; auto: by what numbers they are"
    ),
]
Below = Annotated[float | None, Meta(description="ratings below it are negative; none: by the scale of the ratings")]
Above = Annotated[float | None, Meta(description="ratings above it are positive; none: by the scale of the ratings")]

Numbers = npt.NDArray[np.float64]

_BOUNDS = (1.0, 2.0, 3.0, 4.0, 5.0, 10.0, 100.0)
_ASTRAY = 0.02  # up to this share of whole ratings beyond a scale are taken for slips, and refused
_EIGHTH = 16  # half of an eighth of the scale to either side of its middle is neutral


@dataclass(frozen=True)
class Thresholds:
    """Below `low` is negative, above `high` positive, the rest neutral; `why` says how they were found."""

    low: float
    high: float
    why: str


@dataclass(frozen=True)
class Labeled:
    """A class each (None: not known), what is said of it, and the thresholds where there are any."""

    labels: list[str | None]
    findings: tuple[Finding, ...] = ()
    thresholds: Thresholds | None = None


def labeled(
    written: Sequence[str | None],
    rating: str,
    below: float | None,
    above: float | None,
    named: Callable[[int], str],
    where: str,
    decimal: str = ".",
) -> Labeled:
    """The classes of labels as they are written.

    What is no number names its class. Numbers are classes of their own where they are few (0 and 1; -1, 0 and 1), and
    by `rating`; else ratings, which thresholds cut in three. `DataError` where a rating lies beyond the scale of all
    others (`named` says which row it is), where a threshold is given for what is no number, or where no scale fits.
    """
    labels = [None if one is None or one.strip() in NOTHING else one.strip() for one in written]
    known = {one: cells.number(one, decimal) for one in dict.fromkeys(labels) if one is not None}
    values = np.array([math.nan if one is None else known[one] or 0.0 for one in labels], dtype=np.float64)
    given = below is not None or above is not None
    if not known or any(value is None or not math.isfinite(value) for value in known.values()):
        if known and (rating == "three" or given):
            odd = next(one for one, value in known.items() if value is None or not math.isfinite(value))
            raise DataError(
                f"Thresholds cut ratings, and {odd!r} is no number.",
                where=f"{where}, {named(labels.index(odd))}",
                do="name the column of ratings with --reader.label, or leave the thresholds out",
            )
        return Labeled(labels)
    distinct = np.unique(values[~np.isnan(values)])
    if rating == "classes" or (rating == "auto" and not given and _are_names(distinct)):
        return Labeled([None if one is None else cells.text_of(known[one] or 0.0) for one in labels])
    cut = _thresholds(values, below, above, named, where)
    places = np.where(values < cut.low, 0, np.where(values > cut.high, 2, 1))
    found = [None if one is None else NAMES[place] for one, place in zip(labels, places.tolist(), strict=True)]
    return Labeled(found, (_finding(found, cut, asked=rating == "three"),), cut)


def are_ordered(classes: Sequence[str]) -> bool:
    """Whether three classes or more come in an order as they stand: numbers, or what thresholds make of ratings."""
    if tuple(classes) == NAMES:
        return True
    return len(classes) > 2 and all(cells.number(one, ".") is not None for one in classes)


def _are_names(distinct: Numbers) -> bool:
    """Whether numbers are names of classes: two of any kind, or whole ones from 0 or around 0 that are three."""
    whole = np.array_equal(distinct, np.floor(distinct))
    return len(distinct) <= 2 or (whole and len(distinct) == 3 and distinct[0] in (-1, 0) and distinct[-1] <= 2)


def _thresholds(
    values: Numbers, below: float | None, above: float | None, named: Callable[[int], str], where: str
) -> Thresholds:
    if below is not None and above is not None:
        low, high, why = below, above, "as given"
    else:
        found = _by_scale(values, named, where)
        low = found.low if below is None else below
        high = found.high if above is None else above
        why = found.why if below is None and above is None else "one as given, one by the scale of the ratings"
    if low > high:
        raise DataError(
            f"What is below {low:g} cannot be negative where what is above {high:g} is positive.",
            where=where,
            do="give --reader.negative_below a value that is not above --reader.positive_above",
        )
    return Thresholds(low, high, why)


def _by_scale(values: Numbers, named: Callable[[int], str], where: str) -> Thresholds:
    there = values[~np.isnan(values)]
    stars = float(np.mean((there >= 0.5) & (there <= 5)))
    halves = np.array_equal(2 * there, np.floor(2 * there))
    if halves and stars >= 1 - _ASTRAY:
        _refuse_astray(values, 1 if there.min() >= 1 else 0.5, 5, "stars from 1 to 5", named, where)
        return Thresholds(3.0, 3.0, "stars from 1 to 5: 3 is neutral")
    tens = float(np.mean((there >= 0) & (there <= 10)))
    if halves and there.max() > 5 and tens >= 1 - _ASTRAY:
        _refuse_astray(values, 0, 10, "points from 0 or 1 to 10", named, where)
        return Thresholds(5.0, 6.0, "points up to 10: 5 and 6 are neutral")
    size = float(np.abs(there).max())
    bound = next((one for one in _BOUNDS if one >= size), None)
    if bound is None:
        raise DataError(
            f"The labels are numbers from {there.min():g} to {there.max():g}, no known scale of ratings.",
            where=where,
            do="say what is what with --reader.negative_below and --reader.positive_above; where every number is a "
            "class: --reader.rating classes",
        )
    low = -bound if there.min() < 0 else 0.0
    middle, half = (low + bound) / 2, (bound - low) / _EIGHTH
    return Thresholds(
        middle - half, middle + half, f"ratings from {low:g} to {bound:g}: the eighth in the middle is neutral"
    )


def _refuse_astray(
    values: Numbers, low: float, high: float, scale: str, named: Callable[[int], str], where: str
) -> None:
    """`DataError` at the first rating beyond the scale that all others have."""
    with np.errstate(invalid="ignore"):
        astray = np.flatnonzero((values < low) | (values > high))
    if len(astray):
        raise DataError(
            f"{len(astray):,} ratings lie beyond the scale of all others ({scale}), the first is "
            f"{values[astray[0]]:g}.",
            where=f"{where}, {named(int(astray[0]))}",
            do="mend or remove them; if they are meant, give --reader.negative_below and --reader.positive_above",
        )


def _finding(labels: Sequence[str | None], cut: Thresholds, *, asked: bool) -> Finding:
    """What was cut where; that classes could be kept is said where three were not asked for."""
    counts = Counter(one for one in labels if one is not None)
    shown = ", ".join(f"{counts[name]:,} {name}" for name in NAMES)
    return Finding(
        name="ratings_as_classes",
        severity=1,
        message=f"Ratings below {cut.low:g} were taken for negative, above {cut.high:g} for positive, others for "
        f"neutral ({cut.why}): {shown}.",
        why="Other thresholds make other classes, and other scores.",
        remedy="to cut elsewhere: --reader.negative_below and --reader.positive_above"
        + ("" if asked else "; to keep every value as a class: --reader.rating classes"),
        evidence={"negative_below": cut.low, "positive_above": cut.high, **counts},
        refuted_by="another meaning of the ratings",
    )
