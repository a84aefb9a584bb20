"""Groups put into stretches of time: what chronological splits and folds by time share."""

from __future__ import annotations

import contextlib
import dataclasses
import datetime
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from numbers import Real
from typing import Any

from stepwell.errors import DataError
from stepwell.schema import Examples, Part


@dataclass(frozen=True)
class Moments:
    """When some examples begin and end (seconds for dates), and how each of their times was written."""

    begin: Sequence[float]
    end: Sequence[float]
    shown: Mapping[float, str]


@dataclass(frozen=True)
class Window:
    """The stretch `first` <= time < `end` of one part ("" = what comes after all parts); `border` is its beginning."""

    part: Part | str
    first: float
    end: float
    border: str


def read(examples: Examples, indices: Sequence[int]) -> Moments:
    """The facts `time` and `until` of the examples at `indices`.

    Times are numbers, dates, or ISO 8601 text (without a zone: UTC), all of one kind. An example without `until`
    is a moment. `DataError` where a time is missing or unreadable, or an example ends before it begins.
    """
    if "time" not in examples.facts:
        raise DataError(
            "The examples carry no time, so that they cannot be split by time.",
            where=examples.source,
            do="give every example a time (a number, or a date as 2024-05-31), or use --split stratified",
        )
    begin = [_time(examples, i) for i in indices]
    end = [_time(examples, i, "until") for i in indices] if "until" in examples.facts else begin
    if len({kind for kind, _ in (*begin, *end)}) > 1:
        raise DataError(
            "Some times are numbers and some are dates, so that they have no order.",
            where=f"{examples.source}, fact 'time'",
            do="write all times in one form",
        )
    for i, (_, time), (_, until) in zip(indices, begin, end, strict=True):
        if until < time:
            raise DataError(
                f"An example ends ({examples.facts['until'][i]}) before it begins ({examples.facts['time'][i]}).",
                where=f"{examples.source}, example {examples.ids[i]!r}",
            )
    shown = {time: str(examples.facts["time"][i]) for i, (_, time) in zip(indices, begin, strict=True)}
    return Moments([time for _, time in begin], [until for _, until in end], shown)


def windows(parts: Sequence[Part], borders: Sequence[float], gap: float, moments: Moments) -> list[Window]:
    """A window a part, in order; each but the last ends `gap` before the next begins. One border fewer than parts."""
    starts = [-math.inf, *borders]
    ends = [*(border - gap for border in borders), math.inf]
    return [
        Window(part, start, end, moments.shown.get(start, ""))
        for part, start, end in zip(parts[: len(starts)], starts, ends, strict=True)
    ]


def ending(before: Sequence[Window], end: float, moments: Moments) -> list[Window]:
    """The windows, the last of them ended at `end`: what comes later is in no part."""
    last = dataclasses.replace(before[-1], end=end)
    return [*before[:-1], last, Window("", end, math.inf, moments.shown.get(end, ""))]


def place(groups: Sequence[str], moments: Moments, windows: Sequence[Window]) -> list[tuple[Part | str, str]]:
    """Part and reason of every example: the window in which its whole group lies, or "" where none is that wide."""
    spans: dict[str, tuple[float, float]] = {}
    for group, time, until in zip(groups, moments.begin, moments.end, strict=True):
        low, high = spans.get(group, (time, until))
        spans[group] = (min(low, time), max(high, until))
    placed = {group: _place(low, high, windows) for group, (low, high) in spans.items()}
    return [placed[group] for group in groups]


def _place(low: float, high: float, windows: Sequence[Window]) -> tuple[Part | str, str]:
    for window in windows:
        if window.first <= low and high < window.end:
            if not window.part:
                return "", f"left out: later than this fold, which ends before {window.border}"
            return window.part, f"time from {window.border}" if window.border else "the earliest"
    border = next(window for window in windows[1:] if high < window.first or low < window.first <= high)
    begins = f"where {border.part} begins" if border.part else "where this fold ends"
    if high < border.first:
        return "", f"left out: in the gap before {border.border}, {begins}"
    return "", f"left out: its group crosses {border.border}, {begins}"


def _time(examples: Examples, index: int, fact: str = "time") -> tuple[str, float]:
    """The kind ("number" or "date") and the value (seconds for dates) of an example's time."""
    value: Any = examples.facts[fact][index]
    if isinstance(value, Real) and math.isfinite(value):
        return "number", float(value)
    if isinstance(value, str):
        with contextlib.suppress(ValueError):
            value = datetime.datetime.fromisoformat(value)
    if isinstance(value, datetime.datetime):
        return "date", (value if value.tzinfo else value.replace(tzinfo=datetime.UTC)).timestamp()
    if isinstance(value, datetime.date):
        return "date", datetime.datetime(value.year, value.month, value.day, tzinfo=datetime.UTC).timestamp()
    raise DataError(
        f"An example has no time that can be ordered: {value!r}.",
        where=f"{examples.source}, example {examples.ids[index]!r}",
        do="give every example a time (a number, or a date as 2024-05-31), or use --split stratified",
    )
