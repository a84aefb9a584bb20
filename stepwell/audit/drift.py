"""Parts that are unlike each other: other values, other gaps, other answers in valid or test than in train."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from stepwell import columns
from stepwell.columns import Codes
from stepwell.inspection import Inspection
from stepwell.schema import PARTS, Array, Finding

APART, FAR_APART = 0.1, 0.3
"""Share of the rows of a part that would have to be others for it to be like train: said, harmful."""

SURE = 4.5  # standard errors of what chance alone would make of it
_FEWEST = 30  # rows of a part
_NAMES = 50  # the commonest values of a text; the rest count as one


def check(inspection: Inspection, parts: Sequence[str] | None) -> list[Finding]:
    """Severity 1, or 2 from 0.3 on; on a sample of the rows, before the split where parts are given and after it.

    The distance is that of Kolmogorov and Smirnov for numbers, total variation for all else.
    """
    seen = columns.sample(inspection, labeled=False)
    known = inspection.parts(parts)
    if seen is None or not any(known):
        return []
    named = np.array([known[i] for i in seen.rows.tolist()])
    masks = {part: named == part for part in PARTS if int((named == part).sum()) >= _FEWEST}
    if "train" not in masks:
        return []
    measured = {name: seen.columns[name] for name in seen.columns} | _answers(inspection, seen.rows)
    found = []
    for part in [part for part in masks if part != "train"]:
        shifted = {}
        for name, column in measured.items():
            apart, chance = _apart(column, masks["train"], masks[part])
            if apart >= APART + chance:
                shifted[name] = apart
        if shifted:
            found.append(_finding(part, shifted, len(measured), seen.scope))
    return found


def _finding(part: str, shifted: dict[str, float], count: int, scope: str) -> Finding:
    ranked = sorted(shifted, key=lambda name: -shifted[name])
    worst = shifted[ranked[0]]
    return Finding(
        name="drift",
        severity=2 if worst >= FAR_APART else 1,
        message=f"{part} is unlike train in {len(ranked):,} of {count:,} columns{scope}, most in {ranked[0]!r}: "
        f"{100 * worst:.0f} % of its rows would have to be others.",
        why=f"A model is judged on other rows than it was made for; the score on {part} is then that of a change as "
        "much as of the model.",
        remedy="find out how the parts were made: by time or place, it may be meant and the honest test; else mix the "
        "rows and split anew, without the given parts",
        where={"part": part, "column": ", ".join(ranked[:5])},
        evidence={"apart": {name: round(shifted[name], 3) for name in ranked[:20]}},
        refuted_by="a model that cannot tell rows of the two parts apart",
    )


def _answers(inspection: Inspection, rows: Codes) -> dict[str, Array | Sequence[str | None]]:
    """The answers of the rows as a column of their own: names, or numbers."""
    if inspection.labels:
        return {"the answer": [None if (one := inspection.labels[i]) is None else str(one) for i in rows.tolist()]}
    values = inspection.examples.facts.get("value")
    if values is None:
        return {}
    return {"the answer": np.array([np.nan if (one := values[i]) is None else one for i in rows.tolist()], np.float64)}


def _apart(column: Array | Sequence[str | None], one: Array, other: Array) -> tuple[float, float]:
    """How far apart a column is in two parts, in [0, 1], and what chance may make of parts that are alike."""
    sizes = 1 / int(one.sum()) + 1 / int(other.sum())
    if not isinstance(column, np.ndarray):
        return _variation(_common(column), one, other)
    lacking = np.isnan(column)
    gaps = _variation(lacking.astype(np.int64), one, other)
    left, right = np.sort(column[one & ~lacking]), np.sort(column[other & ~lacking])
    if min(len(left), len(right)) < _FEWEST:
        return gaps
    places = np.concatenate([left, right])
    below = np.searchsorted(left, places, side="right") / len(left)
    apart = np.abs(below - np.searchsorted(right, places, side="right") / len(right)).max()
    numbers = (float(apart), SURE / 2 * float(np.sqrt(sizes)))
    return max(gaps, numbers, key=lambda pair: pair[0] - pair[1])


def _common(column: Sequence[str | None]) -> Codes:
    """Codes of the commonest values; one more for all others together."""
    codes, levels = columns.coded(column)
    rank = np.empty(levels, dtype=np.int64)
    rank[np.argsort(-np.bincount(codes, minlength=levels), kind="stable")] = np.arange(levels)
    kept: Codes = np.minimum(rank[codes], _NAMES)
    return kept


def _variation(codes: Codes, one: Array, other: Array) -> tuple[float, float]:
    """Total variation of two parts' shares, and its expectation by chance with a margin."""
    levels = int(codes.max()) + 1
    shares = [np.bincount(codes[mask], minlength=levels) / int(mask.sum()) for mask in (one, other)]
    both = (shares[0] + shares[1]) / 2
    sizes = 1 / int(one.sum()) + 1 / int(other.sum())
    expected = float(np.sqrt(2 / np.pi * both * (1 - both) * sizes).sum()) / 2
    return float(np.abs(shares[0] - shares[1]).sum()) / 2, expected + SURE / 2 * float(np.sqrt(sizes))
