"""Columns whose gaps tell the answer: what is filled in for one class alone was often filled in because of it."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from stepwell import columns
from stepwell.columns import Answer
from stepwell.inspection import Inspection
from stepwell.schema import Array, Finding

APART, FAR_APART = 0.3, 0.6
"""Difference of two classes' shares of gaps from which on it is said, is harmful."""

DEVIATIONS = 0.8
"""The same for numbers: how far apart the means with and without a gap are, in standard deviations of the answer."""

SURE = 6.0  # standard errors
_FEWEST = 20  # rows of a class, or with and without a gap


def check(inspection: Inspection, parts: Sequence[str] | None) -> list[Finding]:
    """Severity 1, or 2 from a difference of 0.6 (numbers: 1.6 deviations) on; before the split alone, on a sample."""
    seen = columns.sample(inspection, labeled=True) if parts is None else None
    if seen is None or seen.answer is None:
        return []
    gaps = {name: columns.missing(column) for name, column in seen.columns.items()}
    compare = _of_classes if seen.answer.names else _of_numbers
    told = {name: said for name, gap in gaps.items() if gap.any() and (said := compare(gap, seen.answer))}
    if not told:
        return []
    worst = max(told, key=lambda name: told[name][0])
    size, words, example = told[worst]
    more = f" So do {len(told) - 1:,} more columns." if len(told) > 1 else ""
    severe = size >= (FAR_APART if seen.answer.names else 2 * DEVIATIONS)
    return [
        Finding(
            name="missingness_reveals",
            severity=2 if severe else 1,
            message=f"Whether {worst!r} is missing goes with the answer{seen.scope}: {words}.{more}",
            why="A field that is filled in after the answer is known gives it away by being filled. Where the gaps of "
            "new data fall otherwise, what was learnt from them is wrong.",
            remedy=f"find out when {columns.listed(list(told))} is written down; leave it out if after the answer",
            where={"column": ", ".join(list(told)[:5])},
            evidence={name: {"apart": round(one[0], 3), "said": one[1]} for name, one in list(told.items())[:20]},
            examples=inspection.names([int(seen.rows[example])]),
            refuted_by="gaps that fall alike where the answer is not known yet",
        )
    ]


Compared = tuple[float, str, int] | None
"""How far apart, in words, and the place of a row that shows it; None where it may be chance."""


def _of_classes(gap: Array, answer: Answer) -> Compared:
    counts = np.bincount(answer.values, minlength=len(answer.names))
    gaps = np.bincount(answer.values[gap], minlength=len(answer.names))
    known = np.flatnonzero(counts >= _FEWEST)
    if len(known) < 2:
        return None
    shares = gaps[known] / counts[known]
    high, low = int(shares.argmax()), int(shares.argmin())
    apart = float(shares[high] - shares[low])
    both = counts[known[[high, low]]]
    pooled = float(gaps[known[[high, low]]].sum() / both.sum())
    error = np.sqrt(pooled * (1 - pooled) * (1 / both).sum())
    if apart < APART or apart < SURE * error:
        return None
    words = (
        f"in {100 * shares[high]:.0f} % of the {counts[known[high]]:,} rows of {answer.names[known[high]]!r}, in "
        f"{100 * shares[low]:.0f} % of the {counts[known[low]]:,} of {answer.names[known[low]]!r}"
    )
    return apart, words, int(np.flatnonzero(gap & (answer.values == known[high]))[0])


def _of_numbers(gap: Array, answer: Answer) -> Compared:
    without, others = answer.values[gap], answer.values[~gap]
    if min(len(without), len(others)) < _FEWEST:
        return None
    spread = float(answer.values.std())
    apart = abs(float(without.mean() - others.mean()))
    error = spread * np.sqrt(1 / len(without) + 1 / len(others))
    if not 0 < spread < np.inf or apart < DEVIATIONS * spread or apart < SURE * error:
        return None
    words = (
        f"the mean answer is {without.mean():.4g} in the {len(without):,} rows without it and {others.mean():.4g} in "
        f"the {len(others):,} with it"
    )
    return apart / spread, words, int(np.flatnonzero(gap)[0])
