"""Parts in order of time: train before valid before test, with a gap between them, groups whole."""

from __future__ import annotations

import contextlib
import datetime
import math
from collections.abc import Sequence
from dataclasses import dataclass
from numbers import Real
from typing import Annotated, Any

import msgspec

from stepwell.errors import DataError
from stepwell.schema import PARTS, Examples, Part
from stepwell.splits import Assignment, Pool, Share, honor


@dataclass(frozen=True)
class Options:
    """Shares of the three parts, which together are 1, and the gap between them."""

    train: Annotated[Share, msgspec.Meta(description="Share of the examples, the earliest, to train on.")] = 0.7
    valid: Annotated[Share, msgspec.Meta(description="Share of the examples by which weights are chosen.")] = 0.1
    test: Annotated[Share, msgspec.Meta(description="Share of the examples, the latest, for the final scores.")] = 0.2
    gap: Annotated[
        float,
        msgspec.Meta(
            ge=0,
            description="How long before a border examples are left out, in the unit of time (seconds for dates).",
        ),
    ] = 0.0


@dataclass(frozen=True)
class _Window:
    part: Part
    first: float
    end: float
    border: str


def assign(options: Options, examples: Examples, groups: Sequence[str], seed: int) -> Assignment:
    """Put every group into the part in whose time it lies wholly, by the facts `time` and `until`.

    Times are numbers, dates, or ISO 8601 text (without a zone: UTC), all of one kind. An example that is an
    interval begins at its `time` and ends with its `until` (the last moment of its target; without that fact it
    is a moment). Examples of the same time are in the same part. A group that crosses a border, and what lies
    within `gap` before one, is in no part, and its reason says so. Given parts are kept (see `splits.honor`);
    chance has no say. Raises `DataError` where a time is missing or unreadable, or an interval ends before it begins.
    """
    pool = honor(examples, groups, {"train": options.train, "valid": options.valid, "test": options.test})
    if "time" not in examples.facts:
        raise DataError(
            "The examples carry no time, so that they cannot be split by time.",
            where=examples.source,
            do="give every example a time (a number, or a date as 2024-05-31), or use --split stratified",
        )
    values = [_time(examples, i) for i in pool.open]
    last = [_time(examples, i, "until") for i in pool.open] if "until" in examples.facts else values
    if len({kind for kind, _ in (*values, *last)}) > 1:
        raise DataError(
            "Some times are numbers and some are dates, so that they have no order.",
            where=f"{examples.source}, fact 'time'",
            do="write all times in one form",
        )
    times = [value for _, value in values]
    spans: dict[str, tuple[float, float]] = {}
    for i, time, (_, until) in zip(pool.open, times, last, strict=True):
        if until < time:
            raise DataError(
                f"An example ends ({examples.facts['until'][i]}) before it begins ({examples.facts['time'][i]}).",
                where=f"{examples.source}, example {examples.ids[i]!r}",
            )
        low, high = spans.get(groups[i], (time, until))
        spans[groups[i]] = (min(low, time), max(high, until))
    shown = {time: str(examples.facts["time"][i]) for i, time in zip(pool.open, times, strict=True)}
    windows = _windows(pool, sorted(times), options.gap, shown)
    placed = {group: _place(low, high, windows) for group, (low, high) in spans.items()}
    chosen = [placed[groups[i]] for i in pool.open]
    return pool.fill([part for part, _ in chosen], [reason for _, reason in chosen])


def _windows(pool: Pool, ordered: Sequence[float], gap: float, shown: dict[float, str]) -> list[_Window]:
    """The stretch of time of each part: `first` <= time < `end`, where `end` is the next border less the gap."""
    parts = [part for part in PARTS if part in pool.shares]
    borders: list[float] = []
    share = 0.0
    for number, part in enumerate(parts[:-1], start=1):
        share += pool.shares[part]
        position = min(max(round(share * len(ordered)), number), len(ordered) - len(parts) + number)
        if 0 <= position < len(ordered):
            borders.append(ordered[position])
    starts = [-math.inf, *borders]
    ends = [*(border - gap for border in borders), math.inf]
    return [
        _Window(part, start, end, shown.get(start, ""))
        for part, start, end in zip(parts[: len(starts)], starts, ends, strict=True)
    ]


def _place(low: float, high: float, windows: Sequence[_Window]) -> tuple[Part | str, str]:
    for window in windows:
        if window.first <= low and high < window.end:
            return window.part, f"time from {window.border}" if window.border else "the earliest"
    border = next(window for window in windows[1:] if high < window.first or low < window.first <= high)
    if high < border.first:
        return "", f"left out: in the gap before {border.border}, where {border.part} begins"
    return "", f"left out: its group crosses {border.border}, where {border.part} begins"


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
