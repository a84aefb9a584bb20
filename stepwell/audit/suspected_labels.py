"""Labels that are likely wrong: a model that never saw an example is sure of another class, and so are its neighbors.

The model is multinomial logistic regression, out of five folds, on cheap features: scaled numbers and
indicators of the commonest texts, or thumbnails. Where classes overlap, contradictions become rare as the
model becomes sure; those by mistaken labels do not. So its surest quarter of answers is compared with the next.
(Out-of-fold predictions for this are those of Northcutt, Jiang and Chuang, "Confident learning", JAIR 2021.)
"""

from __future__ import annotations

from collections.abc import Sequence
from statistics import NormalDist

import numpy as np

from stepwell import columns, randomness
from stepwell.columns import Codes, Floats
from stepwell.inspection import Inspection
from stepwell.schema import Array, Finding

FADING = 1 / 4
"""Share of the contradictions of both quarters that overlapping classes leave, at most, in the surest one."""

CERTAIN = 3.0
"""By how many standard errors the share must be larger than that."""

MISTAKEN = 0.15
"""Where more than this share of the surest quarter is contradicted, the model is no judge."""

LEARNT = 0.75
"""Only classes of which it gets this share right are judged: what it cannot tell apart, it cannot correct."""

FEWEST = 5
HARMFUL = 0.02
"""Share of suspected labels from which on they are harmful."""

NEIGHBORS, ALLOWED = 10, 1
"""Of so many nearest others at most so many may have the same label."""

MOST, CELLS = 6_000, 60_000  # examples; examples times classes
_FOLDS, _STEPS, _WIDTH, _NAMES = 5, 100, 64, 30
_PENALTY = 1e-3
_SHARES = np.arange(1, 1000) / 1000
_QUANTILES = np.array([NormalDist().inv_cdf(share) for share in _SHARES.tolist()])


def check(inspection: Inspection, parts: Sequence[str] | None) -> list[Finding]:
    """Severity 1, or 2 from 2 % of the examples on; on a sample, before the split alone."""
    if parts is not None or not inspection.labels:
        return []
    found = _of_columns(inspection) if inspection.examples.columns else _of_thumbnails(inspection)
    if found is None:
        return []
    chosen, features, classes, names = found
    counts = np.bincount(classes, minlength=len(names))
    if len(chosen) < 4 * columns.ENOUGH or (counts >= 2 * _FOLDS).sum() < 2:
        return []
    points, white = _axes(features)
    chances = _out_of_fold(white, classes, len(names))
    surest, next_to = _contradictions(chances, classes, len(names))
    suspects = [at for at in surest if _alone(points, classes, at, int(chances[at].argmax()))]
    quarter = len(classes) // 4
    both = len(suspects) + len(next_to)
    chance = FADING * both + CERTAIN * (FADING * (1 - FADING) * both) ** 0.5
    if len(suspects) < max(FEWEST, chance) or len(surest) > MISTAKEN * quarter:
        return []
    more = [at for at in next_to if _alone(points, classes, at, int(chances[at].argmax()))]
    told = {inspection.examples.ids[chosen[at]]: _words(names, classes, chances, at) for at in (suspects + more)[:20]}
    total = len(inspection.looked)
    scope = f" (of {len(chosen):,} looked at, of {total:,})" if len(chosen) < total else ""
    first, words = next(iter(told.items()))
    share = len(suspects) / quarter
    return [
        Finding(
            name="suspected_labels",
            severity=2 if share >= HARMFUL else 1,
            message=f"{len(suspects) + len(more):,} labels are likely wrong{scope}: a model that had not seen them, "
            f"and nearly all their neighbors, say otherwise; for instance {first!r}: {words}.",
            why=f"A wrong label teaches the wrong answer, and in test the right answer counts as wrong: with about "
            f"{100 * share:.1f} % of them wrong, no score can be trusted closer than that.",
            remedy="look at these examples, the most contradicted first, and correct or remove them",
            evidence={
                "surest_quarter_contradicted": len(suspects),
                "next_quarter_contradicted": len(more),
                "quarter": quarter,
                "as_labeled_and_as_expected": told,
            },
            examples=inspection.names([chosen[at] for at in suspects]),
            refuted_by="a second look at the examples named here that confirms their labels",
        )
    ]


def _contradictions(chances: Floats, classes: Codes, count: int) -> tuple[list[int], list[int]]:
    """What contradicts its label in the surest quarter of each answer and in the next, of classes well learnt."""
    answered = chances.argmax(axis=1)
    right = np.bincount(classes[answered == classes], minlength=count)
    learnt = right >= LEARNT * np.maximum(np.bincount(classes, minlength=count), 1)
    against = (answered != classes) & learnt[classes] & learnt[answered]
    order = np.argsort(-chances.max(axis=1), kind="stable")
    surest: list[int] = []
    next_to: list[int] = []
    # Of every answer by itself: where one class alone has wrong labels, the model is less sure of it than of others.
    for label in range(count):
        same = order[answered[order] == label]
        quarter = len(same) // 4
        surest += same[:quarter][against[same[:quarter]]].tolist()
        next_to += same[quarter : 2 * quarter][against[same[quarter : 2 * quarter]]].tolist()
    return surest, next_to


def _words(names: Sequence[str], classes: Codes, chances: Floats, at: int) -> str:
    return f"{names[classes[at]]} → {names[int(chances[at].argmax())]}"


Found = tuple[list[int], Floats, Codes, tuple[str, ...]] | None
"""Indices of examples, their features `(n, d)` and classes `(n,)`, and the names of these."""


def _of_thumbnails(inspection: Inspection) -> Found:
    having = [
        i
        for i, look in sorted(inspection.looks.items())
        if "thumbnail" in look and inspection.labels[i] is not None and i not in inspection.errors
    ]
    names = {label: code for code, label in enumerate(dict.fromkeys(inspection.labels[i] for i in having))}
    if not having:
        return None
    order = randomness.order(0, "suspected labels", 0, np.array(having, dtype=np.uint64))
    chosen = [having[at] for at in sorted(order[: min(MOST, CELLS // len(names))].tolist())]
    features = np.array([np.frombuffer(inspection.looks[i]["thumbnail"], np.uint8) for i in chosen], dtype=np.float64)
    classes = np.array([names[inspection.labels[i]] for i in chosen], dtype=np.int64)
    return chosen, features, classes, tuple(map(str, names))


def _of_columns(inspection: Inspection) -> Found:
    known = columns.answer(inspection)
    classes = len(known[1].names) if known is not None else 0
    if not classes or CELLS // classes < 4 * columns.ENOUGH:
        return None
    seen = columns.sample(inspection, labeled=True, most=min(MOST, CELLS // classes))
    if seen is None or seen.answer is None:
        return None
    made: list[Floats] = []
    for column in seen.columns.values():
        made += _numbers(column) if isinstance(column, np.ndarray) else _indicators(column)
        if len(made) > 4 * _WIDTH:
            break
    if not made:
        return None
    return seen.rows.tolist(), np.column_stack(made), seen.answer.values, seen.answer.names


def _numbers(column: Array) -> list[Floats]:
    """A column of numbers as normal quantiles of their ranks, and, where any is missing, one that says so."""
    known = np.isfinite(column)
    if not known.any():
        return []
    filled = np.where(known, column, np.median(column[known]))
    # Heavy tails are drawn in: a straight line through them fits a few rows and not the others.
    _, codes, counts = np.unique(filled, return_inverse=True, return_counts=True)
    ranks = (np.cumsum(counts) - counts / 2) / len(filled)
    bent = np.interp(ranks, _SHARES, _QUANTILES)[codes]
    return [bent, *([] if known.all() else [known.astype(np.float64)])]


def _indicators(column: Sequence[str | None]) -> list[Floats]:
    """What is rarer than one row of a hundred would stand for those few rows alone."""
    codes, levels = columns.coded(column)
    counts = np.bincount(codes, minlength=levels)
    common = np.argsort(-counts, kind="stable")[:_NAMES]
    common = common[counts[common] >= max(columns.ENOUGH // 5, len(codes) // 100)]
    return [(codes == code).astype(np.float64) for code in common.tolist()]


def _axes(features: Floats) -> tuple[Floats, Floats]:
    """The features on at most 64 principal axes, one for every forty examples: as they are, and of unit variance."""
    centered = features - features.mean(axis=0)
    spread = centered.std(axis=0)
    centered = centered[:, spread > 0] / spread[spread > 0]
    if not centered.shape[1]:
        return np.zeros((len(features), 1)), np.zeros((len(features), 1))
    sizes, directions = np.linalg.eigh(centered.T @ centered / len(centered))
    kept = np.flatnonzero(sizes > 1e-6 * sizes[-1])[::-1][: min(_WIDTH, max(1, len(features) // 40))]
    points: Floats = centered @ directions[:, kept]
    return points, points / np.sqrt(sizes[kept])


def _out_of_fold(points: Floats, classes: Codes, count: int) -> Floats:
    """Probabilities `(n, count)` of each example, by a model fitted without its fold."""
    fold = np.empty(len(points), dtype=np.int64)
    fold[randomness.order(0, "folds", 0, np.arange(len(points), dtype=np.uint64))] = np.arange(len(points)) % _FOLDS
    inputs = np.column_stack([points, np.ones(len(points))])
    chances = np.empty((len(points), count))
    for held in range(_FOLDS):
        weights = _fitted(inputs[fold != held], classes[fold != held], count)
        chances[fold == held] = _softmax(inputs[fold == held] @ weights)
    return chances


def _fitted(inputs: Floats, classes: Codes, count: int) -> Floats:
    """Weights `(d, count)` of penalized multinomial regression, by Nesterov's accelerated gradient steps.

    Inputs are white, so the curvature is at most half of 1 (Böhning 1992) and one step size serves all.
    """
    wanted = np.zeros((len(classes), count))
    wanted[np.arange(len(classes)), classes] = 1.0
    weights = ahead = np.zeros((inputs.shape[1], count))
    step = 1.0 / (0.75 + _PENALTY)
    for number in range(_STEPS):
        slope = inputs.T @ (_softmax(inputs @ ahead) - wanted) / len(inputs) + _PENALTY * ahead
        moved = ahead - step * slope
        ahead = moved + number / (number + 3) * (moved - weights)
        weights = moved
    return weights


def _softmax(logits: Floats) -> Floats:
    raised = np.exp(logits - logits.max(axis=1, keepdims=True))
    shares: Floats = raised / raised.sum(axis=1, keepdims=True)
    return shares


def _alone(points: Floats, classes: Codes, at: int, better: int) -> bool:
    """Whether the neighbors of an example are of the other class too."""
    apart = ((points - points[at]) ** 2).sum(axis=1)
    apart[at] = np.inf
    near = classes[np.argpartition(apart, NEIGHBORS)[:NEIGHBORS]]
    return bool((near == classes[at]).sum() <= ALLOWED and (near == better).sum() > NEIGHBORS // 2)
