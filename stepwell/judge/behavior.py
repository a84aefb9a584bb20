"""How a network behaves where examples are changed on purpose: what should not matter, and what should.

A task's room `behavior` holds one test a file. Of the changed examples the answers are compared with those as they were
(Ribeiro et al., Beyond Accuracy: Behavioral Testing of NLP Models with CheckList, ACL 2020), and the headline with the
headline, on the same examples and from the same resamples.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from types import ModuleType
from typing import Any

import msgspec
import numpy as np

from stepwell import randomness
from stepwell.judge import averages, scoring
from stepwell.judge.scores import Behavior
from stepwell.preparation import take
from stepwell.schema import Columns, Schema, Score
from stepwell.task import Task

Answer = Callable[[Columns], Columns]
"""Raw input columns of some examples -> predictions in the terms of the task's `decode`."""

LEAST = 20
"""Changed examples from which a test says anything."""

_SHOWN = 5


def behavior(
    card: Task,
    rooms: Sequence[str],
    test: ModuleType,
    ids: Sequence[str],
    raw: Columns,
    truth: Columns,
    predictions: Columns,
    answer: Answer,
    schema: Schema,
    groups: Sequence[str],
    seed: int = 0,
) -> Behavior:
    """What one test of behavior (a module, see ARCHITECTURE.md) finds on some judged examples.

    `test.change(example, draw)` gives each raw example changed, or None where it does not apply; `draw` is a generator
    keyed by the example's id. Where the answer is expected to be another, only what was answered rightly is changed.
    Everything is in one order, `(n,)`; with fewer than `LEAST` changed examples no score is given.
    """
    target = card.truth[0]
    before, true = ([str(one) for one in column[target]] for column in (predictions, truth))
    tried = [one == other or test.EXPECTS == "same" for one, other in zip(before, true, strict=True)]
    rows, changed = _changed(test, ids, raw, tried, seed)
    told = Behavior(
        name=test.__name__.rpartition(".")[2],
        does=(test.__doc__ or "").strip().partition("\n")[0],
        example=tuple(test.EXAMPLE),
        expects=test.EXPECTS,
        n=len(rows),
        looked=len(ids),
        remedy=test.REMEDY,
    )
    if len(rows) < LEAST:
        return told
    after = answer({column: [one[column] for one in changed] for column in changed[0]})
    now = [str(one) for one in after[target]]
    as_it_was = [before[row] for row in rows]
    met = [(one == other) == (test.EXPECTS == "same") for one, other in zip(now, as_it_was, strict=True)]
    units = [groups[row] for row in rows]
    score, gap = None, None
    if test.EXPECTS == "same":
        score, gap = _headline(card, rooms, take(truth, rows), after, take(predictions, rows), schema, units, seed)
    return replace(
        told,
        met=_share(met, units, seed),
        score=score,
        gap=gap,
        examples=tuple(ids[row] for row, good in zip(rows, met, strict=True) if not good)[:_SHOWN],
    )


def _changed(
    test: ModuleType, ids: Sequence[str], raw: Columns, tried: Sequence[bool], seed: int
) -> tuple[list[int], list[dict[str, Any]]]:
    """Which of the examples that are `tried` the test changes, and what they become."""
    rows, changed = [], []
    for row, key in enumerate(randomness.keys(ids).tolist()):
        if not tried[row]:
            continue
        one = {column: values[row] for column, values in raw.items()}
        found = test.change(one, np.random.Generator(np.random.Philox(key=[seed, key])))
        if found is not None:
            rows.append(row)
            changed.append(found)
    return rows, changed


def _headline(
    card: Task,
    rooms: Sequence[str],
    truth: Columns,
    after: Columns,
    before: Columns,
    schema: Schema,
    groups: Sequence[str],
    seed: int,
) -> tuple[Score | None, Score | None]:
    """The headline on the changed examples, and that minus the headline on the same ones as they were."""
    only = replace(card, metrics=(card.headline,))
    found = scoring.judge(only, rooms, truth, after, schema, groups, seed, {"as it was": (before, 0, "")})
    score = found["scores"].get(card.headline)
    gap = found["baselines"]["as it was"]["differences"].get(card.headline)
    return _score(score), _score(gap)


def _score(plain: Any) -> Score | None:
    return None if plain is None else msgspec.convert(plain, Score)


def _share(met: Sequence[bool], groups: Sequence[str], seed: int) -> Score:
    """The share of examples that did as expected, resampled by group."""
    return averages.mean(np.asarray(met, dtype=np.float64), groups, seed, (0.0, 1.0))
