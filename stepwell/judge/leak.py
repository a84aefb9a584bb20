"""The price of a leak: the headline with and without the judged examples that training had already seen.

Where parts come with the data and are kept, copies of a training example, or others of its group (patient,
household, recording), may lie among the judged ones. What Stepwell splits itself never does that.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence

import numpy as np

from stepwell import discovery
from stepwell.judge import bootstrap, subsets
from stepwell.judge.scores import Leak
from stepwell.schema import Columns, Schema
from stepwell.task import Task

_SHOWN = 5


def leak(
    card: Task,
    rooms: Sequence[str],
    truth: Columns,
    predictions: Columns,
    schema: Schema,
    ids: Sequence[str],
    groups: Sequence[str],
    trained: Collection[str],
    units: Sequence[str] | None = None,
    seed: int = 0,
) -> Leak | None:
    """What the examples whose group training saw do to `card.headline`; None where there are none.

    `groups` names for each judged example what it must stay together with (the column `group` of `split.csv`, in
    which copies, units and given groups are joined), `trained` those of the training part. `ids` and `units` (what
    is resampled together, or None) are of the judged examples, `(n,)` all, in the order of `truth`.
    """
    seen = set(trained)
    leaked = np.array([group in seen for group in groups], dtype=bool)
    if not leaked.any():
        return None
    metric = discovery.find(rooms, card.headline)
    state = metric.prepare(truth, predictions, schema)
    everyone = np.ones(len(leaked), dtype=bool)
    resampling = bootstrap.plan(len(leaked), units, seed)
    replicates = subsets.resampled(metric, state, np.stack([everyone, ~leaked]), resampling)
    with_leak = subsets.score(metric, state, everyone, replicates[:, 0], resampling)
    if with_leak is None:
        return None
    return Leak(
        n=len(leaked),
        leaked=int(leaked.sum()),
        examples=tuple(ids[row] for row in np.flatnonzero(leaked)[:_SHOWN]),
        with_leak=with_leak,
        without=subsets.score(metric, state, ~leaked, replicates[:, 1], resampling),
        price=subsets.difference(metric, state, everyone, ~leaked, replicates, resampling),
    )
