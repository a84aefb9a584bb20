"""Dates and times written as text to numbers: days since 1970, and where they lie in the year, the week and the day.

What comes around (the season, the day of the week, the hour) becomes the sine and the cosine of its angle, so that
December lies beside January.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Literal, cast

import numpy as np

from stepwell.schema import Array, Columns, Trace

Order = Literal["ymd", "dmy", "mdy"]
ORDERS: tuple[Order, ...] = ("ymd", "dmy", "mdy")

PARTS = ("days", "year_sin", "year_cos", "week_sin", "week_cos", "day_sin", "day_cos")
READABLE = 0.95  # the share of a column's texts that must be dates before it counts as one of dates

_START = datetime(1970, 1, 1)  # noqa: DTZ001 - a time without zone is meant as it is written
_DATE = re.compile(r"(\d{1,4})[-/.](\d{1,2})[-/.](\d{1,4})(?:[T ,]+(\d{1,2}:\d{2}.*))?")
_MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
_CLOCK = r"(?P<time>[ ,]+\d{1,2}:\d{2}.*)?"
_NAMED = (
    re.compile(r"(?P<day>\d{1,2})[-/. ]+(?P<month>[A-Za-z]{3,9})\.?[-/, ]+(?P<year>\d{4})" + _CLOCK),
    re.compile(r"(?P<month>[A-Za-z]{3,9})\.?[- ]+(?:(?P<day>\d{1,2}),?[- ]+)?(?P<year>\d{4})" + _CLOCK),
)
_FULL = (
    *("january", "february", "march", "april", "may", "june", "july", "august", "september", "october"),
    *("november", "december"),
)
_MONTH = re.compile(r"(\d{4})[-/.](\d{1,2})|(\d{1,2})[-/.](\d{4})")
_SHORT = re.compile(r"(\d{1,2}/\d{1,2}/|\d{2}[-.]\d{2}[-.])(\d{2})((?:[T ,]+\d{1,2}:\d{2}.*)?)")
_CENTURY = 69  # two digits from here on are years after 1900, below it after 2000 (POSIX)
_TIME = re.compile(r"(\d{1,2}):(\d{2})(?::(\d{2})(?:[.,](\d{1,9}))?)? ?(AM|PM|am|pm)?(Z|[+-]\d{2}:?\d{2})?")


@dataclass(frozen=True)
class Options:
    """Nothing to set."""


@dataclass(frozen=True)
class Fitted:
    """Appends to `numbers`, `(n, d)`, the parts of the dates in the columns of `texts` at `places`.

    `orders[j]` says in which order year, month and day stand, `parts[j]` which of `PARTS` are taken. What is missing
    or cannot be read is NaN in all parts.
    """

    places: tuple[int, ...]
    orders: tuple[Order, ...]
    parts: tuple[tuple[str, ...], ...]

    @property
    def reads(self) -> tuple[str, ...]:
        """The two matrices of raw values."""
        return ("numbers", "texts")

    @property
    def writes(self) -> tuple[str, ...]:
        """The matrix of numbers, wider."""
        return ("numbers",)

    def apply(self, columns: Columns, traces: Sequence[Trace]) -> Columns:  # noqa: ARG002 - nothing to note
        """Read the dates, each different text once."""
        numbers, texts = cast("Array", columns["numbers"]), cast("Array", columns["texts"])
        made = [
            parts_of(days_of(texts[:, place].tolist(), order), parts)
            for place, order, parts in zip(self.places, self.orders, self.parts, strict=True)
        ]
        return {"numbers": np.concatenate([numbers, *made], axis=1)}


def fit(options: Options, texts: Array, places: Sequence[int], orders: Sequence[Order]) -> Fitted:
    """For each column of dates of the training part, objects `(n, m)`, the parts that vary; `days` always."""
    chosen = []
    for place, order in zip(places, orders, strict=True):
        whole = parts_of(days_of(texts[:, place].tolist(), order), PARTS)
        known = whole[~np.isnan(whole[:, 0])]
        varies = np.ptp(known, axis=0) > 1e-9 if len(known) else np.zeros(len(PARTS), dtype=bool)
        pairs = {name[:-4] for name, moves in zip(PARTS, varies, strict=True) if moves and name != "days"}
        chosen.append(tuple(name for name in PARTS if name == "days" or name[:-4] in pairs))
    return Fitted(tuple(places), tuple(orders), tuple(chosen))


def order_of(texts: Iterable[str | None]) -> Order | None:
    """How the dates in a column of texts are written, or None where fewer than 95 % of them are dates.

    Months may be named in English, stand for themselves ("2020-01"), and years may have two digits ("1/31/20").
    Where the day and the month can be told apart by none of them, the day comes first after a dot ("1.2.2020") and
    the month first after a slash ("1/2/2020").
    """
    known = list(dict.fromkeys(text for text in texts if text is not None))
    some = known[:: max(1, len(known) // 1000)]
    if not some or sum(_DATE.fullmatch(_plain(text, "dmy")) is not None for text in some) < READABLE * len(some):
        return None
    read: dict[Order, int] = {order: sum(day_of(text, order) is not None for text in known) for order in ORDERS}
    if "/" in some[0]:
        read = {order: read[order] for order in ("ymd", "mdy", "dmy")}
    best = max(read, key=lambda order: read[order])
    return best if read[best] >= READABLE * len(known) else None


def days_of(texts: Iterable[str | None], order: Order) -> Array:
    """Days since 1970-01-01T00:00, float64 `(n,)`, NaN where there is no date; a time with a zone counts as UTC."""
    cells = list(texts)
    known = {text: day_of(text, order) for text in dict.fromkeys(cells) if text is not None}
    found = [None if text is None else known[text] for text in cells]
    return np.asarray([math.nan if day is None else day for day in found], dtype=np.float64)


def parts_of(days: Array, parts: Sequence[str]) -> Array:
    """The named parts of days since 1970 `(n,)`, float64 `(n, len(parts))`.

    The year has 365.2425 days here, so that a season returns within a day; the week begins on Monday.
    """
    periods = {"year": (365.2425, 0.0), "week": (7.0, 3.0), "day": (1.0, 0.0)}  # 1970-01-01 was a Thursday
    made = []
    for part in parts:
        if part == "days":
            made.append(days)
            continue
        name, _, wave = part.partition("_")
        period, shift = periods[name]
        angle = 2 * np.pi * np.mod(np.floor(days) + shift if name == "week" else days + shift, period) / period
        made.append(np.sin(angle) if wave == "sin" else np.cos(angle))
    return np.stack(made, axis=1)


def day_of(text: str, order: Order) -> float | None:
    """One date as days since 1970-01-01T00:00, or None where the text is none in that order."""
    found = _DATE.fullmatch(_plain(text, order))
    if found is None:
        return None
    pieces = dict(zip(order, found.groups()[:3], strict=True))
    if len(pieces["y"]) != 4 or len(pieces["m"]) > 2 or len(pieces["d"]) > 2:
        return None
    try:
        moment = datetime(int(pieces["y"]), int(pieces["m"]), int(pieces["d"]))  # noqa: DTZ001 - see _START
        day = float((moment - _START).days)
    except ValueError:
        return None
    if found[4] is None:
        return day
    since = _time_of(found[4].strip())
    return None if since is None else day + since


def _plain(text: str, order: Order) -> str:
    """A date in one of the rarer forms as three numbers in `order`, with a year of four digits; any other as it is."""
    text = text.strip()
    if text[:1].isdigit() and (short := _SHORT.fullmatch(text)) is not None and order != "ymd":
        year = int(short[2])
        return f"{short[1]}{year + (1900 if year >= _CENTURY else 2000)}{short[3]}"
    if (month := _MONTH.fullmatch(text)) is not None:
        pieces = {"y": month[1] or month[4], "m": month[2] or month[3], "d": "1"}
        return "-".join(pieces[one] for one in order)
    for form in _NAMED:
        named = form.fullmatch(text)
        if named is not None and (word := named["month"].lower()) in (*_MONTHS, *_FULL, "sept"):
            pieces = {"y": named["year"], "m": str(_MONTHS.index(word[:3]) + 1), "d": named["day"] or "1"}
            return "-".join(pieces[one] for one in order) + (named["time"] or "")
    return text


def _time_of(text: str) -> float | None:
    """A time of day as a share of it, less its zone; None where the text is none."""
    found = _TIME.fullmatch(text)
    if found is None:
        return None
    hour, minute, second = (int(piece or 0) for piece in found.groups()[:3])
    if found[5]:
        if not 1 <= hour <= 12:
            return None
        hour = hour % 12 + (12 if found[5].lower() == "pm" else 0)
    if hour > 23 or minute > 59 or second > 60:
        return None
    seconds = hour * 3600 + minute * 60 + second + float(f"0.{found[4] or 0}")
    zone = found[6]
    if zone and zone != "Z":
        away = int(zone[1:3]) * 3600 + int(zone[-2:]) * 60
        seconds += away if zone[0] == "-" else -away
    return seconds / 86400
