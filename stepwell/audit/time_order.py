"""Dates that leak order: rows near in time have like answers, so that a random split lets the future tell the past."""

from __future__ import annotations

import shlex
from collections.abc import Sequence
from datetime import UTC, datetime

import numpy as np

from stepwell import columns
from stepwell.columns import Answer, Floats
from stepwell.inspection import Inspection
from stepwell.schema import Columns, Finding

ALIKE, VERY = 0.2, 0.6
"""How much more alike neighbors in time are than chance (0) would have it, 1 being all alike: said, harmful."""

SURE = 6.0  # standard errors

AGAIN = True
"""A split by time answers what is said before it."""

_UNITS = {"year": (1500, 2500), "month": (1, 12), "day": (1, 31), "hour": (0, 24)}
"""What the columns of a calendar are called, and between what they lie."""

_NAMES = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
_MONTHS = {name: float(number) for number, name in enumerate(_NAMES, start=1)}


def check(inspection: Inspection, parts: Sequence[str] | None) -> list[Finding]:
    """Severity 1, or 2 from 0.6 on; silent where parts, given or made, follow each other in time."""
    seen = columns.sample(inspection, labeled=True)
    if seen is None or seen.answer is None:
        return []
    moments = {name: times for name, column in seen.columns.items() if (times := columns.dates(column)) is not None}
    if (calendar := _calendar(seen.columns)) is not None:
        moments[calendar[0]] = calendar[1]
    fact = inspection.examples.facts.get("time")
    if fact is not None and (times := _moments([fact[i] for i in seen.rows.tolist()])) is not None:
        moments["time"] = times
    known = inspection.parts(parts)
    given = [known[i] for i in seen.rows.tolist()]
    told = {
        name: alike
        for name, times in moments.items()
        if (alike := _alike(times, seen.answer)) >= ALIKE and not _in_order(times, given)
    }
    if not told:
        return []
    worst = max(told, key=told.__getitem__)
    days = moments[worst][np.isfinite(moments[worst])]
    return [
        Finding(
            name="time_order",
            severity=2 if told[worst] >= VERY else 1,
            message=f"Rows that follow each other in {worst!r} ({_day(days.min())} to {_day(days.max())}) have like "
            f"answers{seen.scope}: {100 * told[worst]:.0f} % of the way from chance to all alike.",
            why="A random split puts neighbors in time on both sides: the test rows are answered from the days around "
            "them, which the future does not offer.",
            remedy=f"split by time: --split chronological{_flag(worst)}",
            where={"column": ", ".join(list(told)[:5])},
            evidence={name: round(alike, 3) for name, alike in told.items()},
            refuted_by="a score as good on a test part that lies after all of train",
        )
    ]


def _flag(worst: str) -> str:
    """How a column is named as the time; of a year, a month and a day in columns of their own the year alone is."""
    return "" if worst == "time" else f" --reader.time {shlex.quote(worst.partition(', ')[0])}"


def _calendar(seen: Columns) -> tuple[str, Floats] | None:
    """The moments `(n,)` in seconds since 1970 that columns called year, month, day and hour give together.

    With the names of those columns; None where there is no year, or no month, which a year alone leaves unordered.
    """
    called = {name.strip().lower(): name for name in seen}
    parts = {unit: called[unit] for unit in _UNITS if unit in called}
    if list(parts)[:2] != ["year", "month"]:
        return None
    numbers: dict[str, Floats] = {}
    for unit, name in parts.items():
        column = seen[name]
        if unit == "month" and not isinstance(column, np.ndarray):
            column = np.array([_MONTHS.get((cell or "")[:3].lower(), np.nan) for cell in column])
        if not isinstance(column, np.ndarray) or not _within(column, *_UNITS[unit]):
            return None
        numbers[unit] = column
    known = np.isfinite(np.sum(list(numbers.values()), axis=0))
    first = {unit: np.full(len(known), float(low)) for unit, (low, _) in _UNITS.items()}
    year, month, day, hour = ({**first, **numbers}[unit][known] for unit in _UNITS)
    months = ((year - 1970) * 12 + month - 1).astype(np.int64).astype("datetime64[M]")
    moments = np.full(len(known), np.nan)
    moments[known] = months.astype("datetime64[s]").astype(np.float64) + (day - 1) * 86_400 + hour * 3_600
    return ", ".join(parts.values()), moments


def _within(column: Floats, low: float, high: float) -> bool:
    there = column[np.isfinite(column)]
    return bool(len(there)) and bool(there.min() >= low) and bool(there.max() <= high)


def _alike(times: Floats, answer: Answer) -> float:
    """How much more often than by chance a row's answer is like that of the one before it in time; 0 if unsure."""
    known = np.flatnonzero(np.isfinite(times))
    if len(known) < columns.ENOUGH or len(np.unique(times[known])) < columns.ENOUGH // 5:
        return 0.0
    values = answer.values[known[np.argsort(times[known], kind="stable")]]
    if answer.names:
        shares = np.bincount(values) / len(values)
        chance = float((shares**2).sum())
        if chance == 1:
            return 0.0
        more = (float((values[1:] == values[:-1]).mean()) - chance) / (1 - chance)
        error = np.sqrt(chance / (1 - chance) / len(values))
    else:
        centered = values - values.mean()
        spread = float((centered**2).sum())
        more = float((centered[1:] * centered[:-1]).sum()) / spread if spread > 0 else 0.0
        error = 1 / np.sqrt(len(values))
    return more if more > SURE * error else 0.0


def _in_order(times: Floats, parts: Sequence[str]) -> bool:
    """Whether parts are given and no row of the test part is earlier than one of train."""
    named = np.array(parts)
    train, test = times[named == "train"], times[named == "test"]
    return bool(len(train) and len(test) and np.nanmax(train) <= np.nanmin(test))


def _moments(fact: Sequence[object]) -> Floats | None:
    """The fact `time` as numbers, NaN where it is missing; None if it is neither numbers nor dates."""
    if all(isinstance(one, (int, float)) or one is None for one in fact):
        return np.array([np.nan if one is None else one for one in fact], dtype=np.float64)
    return columns.dates([None if one is None else str(one) for one in fact])


def _day(moment: float) -> str:
    try:
        return datetime.fromtimestamp(moment, UTC).date().isoformat() if abs(moment) > 86_400 * 365 else f"{moment:g}"
    except (OverflowError, ValueError, OSError):
        return f"{moment:g}"
