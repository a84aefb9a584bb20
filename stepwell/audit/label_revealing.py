"""Columns that give the answer away: it itself by another name, a column that tells it alone, two that do together."""

from __future__ import annotations

import itertools
import shlex
from collections.abc import Iterator, Mapping, Sequence
from typing import Literal

import numpy as np

from stepwell import columns
from stepwell.columns import Answer, Sample
from stepwell.inspection import Inspection
from stepwell.schema import Array, Finding

ALONE = {"classes": 0.98, "numbers": 0.99}
"""Share of the error that one column must take away to be said to tell the answer (`columns.strength`)."""

TOGETHER = {"classes": 0.97, "numbers": 0.995}
"""The same of two columns, which must also leave less than `LEFT` of what the better one of them leaves alone."""

LEFT = 0.05
PAIRED = 45
"""Pairs are tried among the first columns, at most so many: 990 pairs."""

PAIR_ROWS = 4_000
_FINE, _COARSE = 256, 16
_NAMES = 200  # texts of more values are no partners

REMEDIES = {"target_copy": ("drop_column",)}


def check(inspection: Inspection, parts: Sequence[str] | None) -> list[Finding]:
    """Severity 3 for the answer under another name, else 2; before the split alone, on a sample of labeled rows."""
    seen = columns.sample(inspection, labeled=True) if parts is None else None
    if seen is None or seen.answer is None:
        return []
    kind = "classes" if seen.answer.names else "numbers"
    copies = [name for name, column in seen.columns.items() if _copy(column, seen.answer)]
    told = {name: _alone(column, seen.answer) for name, column in seen.columns.items() if name not in copies}
    alone = [name for name, share in told.items() if share >= ALONE[kind]]
    pairs = _pairs(seen, {name: share for name, share in told.items() if share < ALONE[kind]})
    found = [_copied(copies, seen)] if copies else []
    found += [_revealing(alone, told, seen)] if alone else []
    return [*found, _paired(pairs, seen)] if pairs else found


def _copy(column: Array | Sequence[str | None], answer: Answer) -> bool:
    """Whether column and answer stand for each other, value by value; of numbers, but for unit and offset."""
    if answer.names:
        codes, levels = columns.coded(column)
        both = len(np.unique(codes * len(answer.names) + answer.values))
        return levels == both == len(np.unique(answer.values)) > 1
    return (
        isinstance(column, np.ndarray)
        and len(np.unique(answer.values)) >= 20
        and _explained(column, answer.values) > 1 - 1e-9
    )


def _alone(column: Array | Sequence[str | None], answer: Answer) -> float:
    codes, levels = columns.binned(column, columns.BINS if answer.names else _FINE)
    straight = 0.0
    if isinstance(column, np.ndarray) and not answer.names:
        straight = _explained(column, answer.values)
    return max(straight, columns.strength(codes, levels, answer))


def _explained(column: Array, values: Array) -> float:
    """R² of the straight line through all rows, 0 where a number is missing or nothing changes."""
    if not np.isfinite(column).all():
        return 0.0
    x, y = column - column.mean(), values - values.mean()
    spread = float((x * x).sum()) * float((y * y).sum())
    return float((x * y).sum()) ** 2 / spread if spread > 0 and np.isfinite(spread) else 0.0


def _pairs(seen: Sample, told: dict[str, float]) -> dict[tuple[str, str], tuple[float, str]]:
    """The pairs that tell the answer where neither does, the strongest first: how much, and as what."""
    if seen.answer is None or len(seen.columns) < 3:
        return {}  # two columns are all there is to tell by
    kind = "classes" if seen.answer.names else "numbers"
    few = slice(0, len(seen.rows), max(1, -(-len(seen.rows) // PAIR_ROWS)))
    answer = Answer(seen.answer.values[few], seen.answer.names)
    chosen = {name: seen.columns[name][few] for name in list(told)[:PAIRED]}
    coarse = {name: columns.binned(column, _COARSE) for name, column in chosen.items()}
    partners = [name for name, (_, levels) in coarse.items() if 1 < levels <= _NAMES]
    found = {}
    for one, other in itertools.combinations(partners, 2):
        enough = max(TOGETHER[kind], 1 - LEFT * (1 - max(told[one], told[other])))
        for words, codes, levels in _combined(chosen, coarse, one, other, _FINE if kind == "numbers" else columns.BINS):
            share = columns.strength(codes, levels, answer)
            if share >= enough:
                found[one, other] = (share, words)
                break
        else:
            if kind == "numbers":
                share, words = _formula(chosen[one], chosen[other], answer.values, one, other)
                if share >= enough:
                    found[one, other] = (share, words)
    return dict(sorted(found.items(), key=lambda item: -item[1][0]))


def _combined(
    chosen: Mapping[str, Array | Sequence[str | None]],
    coarse: Mapping[str, tuple[columns.Codes, int]],
    one: str,
    other: str,
    bins: int,
) -> Iterator[tuple[str, columns.Codes, int]]:
    """What two columns say together, as codes: the pair of values; of numbers their difference, sum, product, ratio."""
    (left, _), (right, levels) = coarse[one], coarse[other]
    pair, count = columns.coded((left * levels + right).astype(np.float64))
    yield f"{one!r} with {other!r}", pair, count
    a, b = chosen[one], chosen[other]
    if isinstance(a, np.ndarray) and isinstance(b, np.ndarray):
        for sign, values in _arithmetic(a, b):
            yield f"{one!r} {sign} {other!r}", *columns.binned(values, bins)


def _arithmetic(a: Array, b: Array) -> Iterator[tuple[str, Array]]:
    with np.errstate(all="ignore"):
        yield "-", a - b
        yield "+", a + b
        yield "×", a * b
        yield "/", np.where(b == 0, np.nan, a / b)


def _formula(
    a: Array | Sequence[str | None], b: Array | Sequence[str | None], values: Array, one: str, other: str
) -> tuple[float, str]:
    """R² of the best of: a weighted sum of two columns of numbers, their product, their ratios."""
    if not (isinstance(a, np.ndarray) and isinstance(b, np.ndarray)):
        return 0.0, ""
    with np.errstate(all="ignore"):
        forms = [("×", a * b), ("/", a / b)]
    tried = [(_explained(form, values), f"{one!r} {sign} {other!r}") for sign, form in forms]
    design = np.column_stack([a, b, np.ones(len(a))])
    if np.isfinite(design).all():
        fit, *_ = np.linalg.lstsq(design, values, rcond=None)
        tried.append((_explained(design @ fit, values), f"a weighted sum of {one!r} and {other!r}"))
    return max(tried)


def _copied(names: Sequence[str], seen: Sample) -> Finding:
    return _finding(
        "target_copy",
        3,
        f"{columns.listed(names)} {'is' if len(names) == 1 else 'are'} the answer under another name: in all "
        f"{len(seen.rows):,} rows{seen.scope} one stands for the other.",
        "The answer lies among the inputs. The scores would be perfect and say nothing: with new data, where the "
        "answer is not known, this column is not known either.",
        names,
        {"columns": list(names[:20]), "rows": len(seen.rows)},
        "a new row, written before its answer was known, in which this column is filled",
    )


def _revealing(names: Sequence[str], told: dict[str, float], seen: Sample) -> Finding:
    best = max(names, key=told.__getitem__)
    return _finding(
        "label_revealing",
        2,
        f"{columns.listed(names)} tell{'s' if len(names) == 1 else ''} the answer alone{seen.scope}: {best!r} takes "
        f"away {100 * told[best]:.1f} % of the error on rows that were not used to fit it.",
        "A single column is seldom that good. Often it was written down after the answer, or is made from it; then the "
        "scores are those of a look-up, and fall where the column is not known yet.",
        names,
        {"error_taken_away": {name: round(told[name], 4) for name in names[:20]}, "rows": len(seen.rows)},
        "the column being known, with the same values, before the answer is",
    )


def _paired(pairs: dict[tuple[str, str], tuple[float, str]], seen: Sample) -> Finding:
    (names, (share, words)), *_ = pairs.items()
    more = f" ({len(pairs) - 1:,} more pairs do so)" if len(pairs) > 1 else ""
    return _finding(
        "label_revealing_pair",
        2,
        f"Two columns tell the answer together, not alone: {words} takes away {100 * share:.1f} % of the error{more}.",
        "An answer that can be calculated from two columns was often made from them, and need not be learnt; or they "
        "were made from it.",
        names,
        {
            "error_taken_away": {said: round(share, 4) for share, said in list(pairs.values())[:20]},
            "rows": min(PAIR_ROWS, len(seen.rows)),
        },
        "both columns being known, with the same values, before the answer is",
    )


def _finding(
    name: str,
    severity: Literal[2, 3],
    message: str,
    why: str,
    names: Sequence[str],
    evidence: dict[str, object],
    refuted_by: str,
) -> Finding:
    return Finding(
        name=name,
        severity=severity,
        message=message,
        why=why,
        remedy=f"leave {columns.listed(names, 5)} out (--reader.drop {shlex.quote(','.join(names[:5]))}) unless known "
        "before the answer is",
        where={"column": ", ".join(names[:5])},
        evidence=evidence,
        refuted_by=refuted_by,
    )
