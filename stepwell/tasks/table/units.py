"""Numbers written with a unit ("12 kg") or as a clock shows them ("12:30"): one unit a column, read as numbers.

The unit of a column is that of most of its cells; a number without one counts as in that unit, and another unit is no
number here. Of times and durations the first part counts and the others are sixtieths: "12:30" is 12.5.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping, Sequence

import numpy as np

from stepwell.errors import DataError, counted
from stepwell.schema import Finding
from stepwell.tabular import cells
from stepwell.tabular.cells import Column, Numbers, Rules, Texts

SHORT, LONG = "hh:mm", "hh:mm:ss"
"""The units of times and durations of two and of three parts."""

FEWEST = 10
"""Fewer different whole numbers than these, with a unit, stay names: "2 doors" and "4 doors"."""

MOSTLY = 0.95
"""The share of a column's cells that must be in its unit, or plain numbers; what else is written is astray."""

_LOOKED_AT = 200  # different texts, by which a column is known to hold no unit
_LETTER = "A-Za-z°µμΩ"  # a micro sign and a mu are both in use
_QUANTITY = re.compile(
    rf"(?P<number>[+-]?[\d.,'’\u00a0\u202f ]*\d)\s*(?P<unit>[{_LETTER}][{_LETTER}/²³^·]*[23]?(?: [A-Za-z/]+)?)"
)
_TIME = re.compile(r"(\d{1,3}):([0-5]\d)(?::([0-5]\d(?:[.,]\d+)?))?(?: ?([AaPp])\.?[Mm]\.?)?")


def number(text: str, unit: str, decimal: str = ".") -> float | None:
    """The number that a cell holds in a unit ("": none); None where it holds none, or one in another unit."""
    if unit in (SHORT, LONG):
        found = _hours(text)
        return cells.number(text, decimal) if found is None else found[0] if found[1] == unit else None
    quantity = _QUANTITY.fullmatch(text.strip()) if unit else None
    if quantity is None:
        return cells.number(text, decimal)
    return cells.number(quantity["number"], decimal) if _singular(quantity["unit"]) == unit else None


def unit_of(column: Column, rules: Rules) -> str:
    """The unit of a column of text; "" where it has none, or where its cells are too few or too unlike for one."""
    if not isinstance(column, Texts) or not column.values:
        return ""
    some = column.values[:: max(1, len(column.values) // _LOOKED_AT)]
    common = Counter(filter(None, map(_written, some))).most_common(1)
    if not common or 2 * common[0][1] < len(some):
        return ""
    unit = common[0][0]
    known = [number(value, unit, rules.decimal) for value in column.values]
    counts = np.bincount(column.codes[column.codes >= 0], minlength=len(column.values))
    right = sum(int(count) for count, value in zip(counts.tolist(), known, strict=True) if value is not None)
    different = {value for value in known if value is not None}
    telling = len(different) >= FEWEST or any(value != int(value) for value in different if np.isfinite(value))
    return unit if telling and right >= MOSTLY * counts.sum() else ""


def of_columns(columns: Mapping[str, Column], wanted: str | Sequence[str], rules: Rules, source: str) -> dict[str, str]:
    """The units of columns that have one: found where `wanted` is "auto", none by "none", else as "COLUMN=UNIT" say.

    `DataError` where one of them names no column or no unit.
    """
    if wanted == "none":
        return {}
    if wanted == "auto":
        return {name: unit for name, column in columns.items() if (unit := unit_of(column, rules))}
    given: dict[str, str] = {}
    for one in wanted:
        name, sign, unit = one.rpartition("=")
        if not sign or not unit or name not in columns:
            raise DataError(
                f"{one!r} gives no column a unit.",
                where=f"{source}, reader.units",
                do="write COLUMN=UNIT with a column of the table, for instance --reader.units weight=kg",
            )
        given[name] = _singular(unit.strip())
    return given


def in_numbers(column: Column, unit: str, rules: Rules) -> Column:
    """A column in a unit as numbers, where every cell of it is one; else as it is."""
    if not unit or not isinstance(column, Texts):
        return column
    known = [number(value, unit, rules.decimal) for value in column.values]
    values = [value for value in known if value is not None]
    return Numbers(np.asarray([*values, np.nan])[column.codes]) if len(values) == len(known) else column


def finding(units: Mapping[str, str]) -> list[Finding]:
    """What is said of columns that are read as numbers although they are written otherwise."""
    if not units:
        return []
    told = ", ".join(f"{name!r} ({unit})" for name, unit in list(units.items())[:5])
    more = f" and {len(units) - 5:,} more" if len(units) > 5 else ""
    return [
        Finding(
            name="numbers_with_a_unit",
            severity=1,
            message=f"{counted(len(units), 'column is', 'columns are')} written with a unit or as times, and read as "
            f"numbers: {told}{more}.",
            why="As text every cell would be a name of its own, and none larger than another.",
            remedy="nothing, if so meant; to keep all as text: --reader.units none",
            where={"column": ", ".join(list(units)[:5])},
            evidence={"units": dict(list(units.items())[:20])},
            refuted_by="the cells being names in which a number happens to stand",
        )
    ]


def _written(text: str) -> str:
    """The unit that a cell is written in; "" where there is none."""
    found = _hours(text)
    if found is not None:
        return found[1]
    quantity = _QUANTITY.fullmatch(text.strip())
    return "" if quantity is None or cells.number(text) is not None else _singular(quantity["unit"])


def _singular(unit: str) -> str:
    """Months and month are one unit; ms and m are not."""
    return unit[:-1] if len(unit) > 3 and unit.endswith("s") else unit


def _hours(text: str) -> tuple[float, str] | None:
    """A time or duration in its first part, and which unit it is written in; None where it is none."""
    found = _TIME.fullmatch(text.strip())
    if found is None:
        return None
    first = int(found[1])
    if found[4]:
        if not 1 <= first <= 12:
            return None
        first = first % 12 + (12 if found[4].lower() == "p" else 0)
    seconds = float((found[3] or "0").replace(",", "."))
    return first + int(found[2]) / 60 + seconds / 3600, LONG if found[3] else SHORT
