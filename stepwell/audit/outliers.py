"""Numbers far from all others: slips of a unit, infinities, and stand-ins for "not known" such as -999."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from stepwell import columns
from stepwell.inspection import Inspection
from stepwell.schema import Array, Finding

FAR = 10.0
"""How often the whole range of the other values fits into the gap before a lone value that is an outlier."""

FAR_ON_LOG = 3.0
"""The same gap in robust deviations on a scale that is logarithmic far out: what heavy tails do not reach."""

STAND_IN = 3
"""A value that is repeated so often, alone beyond a gap as wide as the range of all others, stands for something."""

_TAIL = 0.01  # share of the rows that outliers are at most
_DISTINCT = 20  # different values without which "far" means little


@dataclass(frozen=True)
class _Odd:
    kind: str
    values: Array
    low: float
    high: float


def check(inspection: Inspection, parts: Sequence[str] | None) -> list[Finding]:
    """Severity 1, or 2 where infinite or where they are answers; all rows are looked at, before the split alone."""
    if parts is not None:
        return []
    found = []
    numbers = {name: column for name, column in inspection.columns.items() if isinstance(column, np.ndarray)}
    odd = {name: one for name, column in numbers.items() if (one := _odd(column)) is not None}
    for kind in _SAID:
        own = {name: one for name, one in odd.items() if one.kind == kind}
        if own:
            found.append(_finding(inspection, kind, own, numbers))
    known = columns.answer(inspection)
    if known is not None and not known[1].names and (one := _odd(known[1].values)) is not None:
        whole = np.full(len(inspection.looked), np.nan)
        whole[known[0]] = known[1].values
        found.append(_finding(inspection, one.kind, {"the answer": one}, {"the answer": whole}, answers=True))
    return found


_SAID = {
    "infinite": "infinite values",
    "stand_in": "a value that stands apart and comes again and again",
    "outliers": "values far from all others",
}
_WHY = {
    "infinite": "An infinity makes every mean, every scale and every sum that it enters useless.",
    "stand_in": "A number such as -999 for what is not known is calculated with as if it were measured.",
    "outliers": "A slip of a unit or a key moves means and scales, and squared errors are made of it.",
}


def _finding(
    inspection: Inspection, kind: str, odd: dict[str, _Odd], numbers: dict[str, Array], *, answers: bool = False
) -> Finding:
    first, one = next(iter(odd.items()))
    shown = ", ".join(f"{value:g}" for value in np.unique(one.values)[:3])
    more = f"; so have {len(odd) - 1:,} more columns" if len(odd) > 1 else ""
    rows = [int(at) for name, own in odd.items() for at in np.flatnonzero(np.isin(numbers[name], own.values))[:3]]
    return Finding(
        name=kind,
        severity=2 if kind == "infinite" or answers else 1,
        message=f"{first if answers else repr(first)} has {_SAID[kind]}: {shown} in {len(one.values):,} rows, where "
        f"all others lie between {one.low:g} and {one.high:g}{more}.",
        why=_WHY[kind],
        remedy="mend these cells, or name the value as missing with --reader.missing"
        if kind != "outliers"
        else "look at these rows and mend them; --prepare.scaling robust or quantile bears what is left",
        where={"column": "target" if answers else ", ".join(list(odd)[:5])},
        evidence={
            name: {"count": len(own.values), "values": [f"{value:g}" for value in np.unique(own.values)[:5]]}
            | {"others_from": own.low, "others_to": own.high}
            for name, own in list(odd.items())[:20]
        },
        examples=inspection.names([inspection.looked[at] for at in rows]),
        refuted_by="a source that says these values were measured",
    )


def _odd(column: Array) -> _Odd | None:
    """What stands apart in a column of numbers, at one of its two ends."""
    present = np.sort(column[~np.isnan(column)])
    endless = present[np.isinf(present)]
    present = present[np.isfinite(present)]
    if len(endless):
        low, high = (float(present[0]), float(present[-1])) if len(present) else (0.0, 0.0)
        return _Odd("infinite", endless, low, high)
    if len(present) < columns.ENOUGH:
        return None
    for sign in (1.0, -1.0):
        ordered = present if sign > 0 else -present[::-1]
        beyond = _beyond(ordered)
        if beyond is not None:
            kind, cut = beyond
            low, high = sorted((sign * float(ordered[0]), sign * float(ordered[cut - 1])))
            return _Odd(kind, sign * ordered[cut:], low, high)
    return None


def _beyond(ordered: Array) -> tuple[str, int] | None:
    """From which place on ascending values stand apart from those before, and as what."""
    largest = ordered[-1]
    cut = int(np.searchsorted(ordered, largest))
    others = ordered[:cut]
    few = len(ordered) - cut
    if (
        few >= STAND_IN
        and len(others) >= columns.ENOUGH
        and largest - others[-1] >= np.ptp(others)
        and len(np.unique(others)) >= _DISTINCT
    ):
        return "stand_in", cut
    tail = max(1, int(_TAIL * len(ordered)))
    gaps = np.diff(ordered[-tail - 1 :])
    cut = len(ordered) - tail + int(gaps.argmax())
    others, gap = ordered[:cut], float(gaps.max())
    if gap < FAR * np.ptp(others) or len(np.unique(others)) < _DISTINCT:
        return None
    scaled = _far_out(ordered, others)
    return ("outliers", cut) if scaled >= FAR_ON_LOG else None


def _far_out(ordered: Array, others: Array) -> float:
    """The gap after `others` in robust deviations, all being bent by asinh around their median."""
    low, middle, high = np.quantile(others, [0.25, 0.5, 0.75])
    width = float(high - low) / 1.349
    if width <= 0:
        return 0.0
    bent = np.arcsinh((others - middle) / width)
    near, far = np.quantile(bent, [0.25, 0.75])
    deviation = max(float(far - near) / 1.349, 1e-12)
    return float(np.arcsinh((ordered[len(others)] - middle) / width) - bent[-1]) / deviation
