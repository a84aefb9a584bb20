"""What several trainings say together, as `scores.json` holds it: folds, an ensemble's members, compared methods."""

from __future__ import annotations

import math
import statistics
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal

from stepwell.schema import Score


@dataclass(frozen=True)
class Trained:
    """One of several trainings, judged by itself on `n` examples: the values of its metrics, confidence as trained.

    Of an ensemble, `together` holds the values of all members up to and including this one. Of a comparison,
    `differences` are this one minus the first, from the same resamples (paired).
    """

    name: str
    n: int
    scores: Mapping[str, float]
    together: Mapping[str, float] = field(default_factory=dict)
    differences: Mapping[str, Score] = field(default_factory=dict)


@dataclass(frozen=True)
class Spread:
    """A metric over the `n` trainings that have it: mean, standard deviation (n - 1), least and greatest value."""

    n: int
    mean: float
    deviation: float
    lowest: float
    highest: float


@dataclass(frozen=True)
class Trial:
    """Several trainings of one run. `chosen` names the one that was exported, where one was; `metric` the one by which
    they are shown, where that is not the headline.
    """

    kind: Literal["folds", "ensemble", "comparison"]
    members: tuple[Trained, ...]
    spread: Mapping[str, Spread]
    chosen: str = ""
    note: str = ""
    metric: str = ""


def spread(members: Sequence[Trained]) -> dict[str, Spread]:
    """How far the members differ in each metric that two of them have at least, in the order of the first."""
    names = dict.fromkeys(name for member in members for name in member.scores)
    found = {}
    for name in names:
        values = [member.scores[name] for member in members if math.isfinite(member.scores.get(name, math.nan))]
        if len(values) > 1:
            found[name] = Spread(
                len(values), statistics.fmean(values), statistics.stdev(values), min(values), max(values)
            )
    return found
