"""What `scores.json` holds: the one source of report, card and ``--json``."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

import msgspec

from stepwell.errors import RunError
from stepwell.schema import Score

FORMAT = 1


@dataclass(frozen=True)
class About:
    """What a reader of a score needs to know of its metric.

    `measure` is "share" (shown in percent) or a unit; `better` says in a sentence what a high value
    means; `says` how a sentence goes on after "The network", with {value} and {n}, or is empty.
    """

    title: str
    kind: Literal["number", "per_class", "table"]
    direction: Literal["max", "min"]
    measure: str
    better: str
    says: str = ""


@dataclass(frozen=True)
class Table:
    """Values of class by class: `rows[i][j]` belongs to the true class i and the predicted class j."""

    classes: tuple[str, ...]
    rows: tuple[tuple[float, ...], ...]


@dataclass(frozen=True)
class Baseline:
    """A rival's scores on the same examples; `n` training examples it saw, `note` which.

    `differences` are network minus rival, their intervals from the same resamples (paired).
    """

    n: int
    note: str
    scores: Mapping[str, Score]
    differences: Mapping[str, Score] = field(default_factory=dict)


@dataclass(frozen=True)
class Interval:
    """How intervals came about: `replicates` resamples of `units` examples, or groups where examples repeat them."""

    method: str
    replicates: int
    level: float
    by: Literal["example", "group"]
    units: int


@dataclass(frozen=True)
class Scores:
    """All scores of one part. A metric that is undefined there, or for a class, is left out."""

    part: str
    n: int
    headline: str
    scores: Mapping[str, Score]
    per_class: Mapping[str, Mapping[str, Score]]
    tables: Mapping[str, Table]
    baselines: Mapping[str, Baseline]
    interval: Interval
    metrics: Mapping[str, About]
    format: int = FORMAT


def from_json(values: Any) -> Scores:
    """The scores back from `scores.json`; `RunError` where they are of a newer format or damaged."""
    if isinstance(values, Mapping) and isinstance(values.get("format"), int) and values["format"] > FORMAT:
        raise RunError(
            f"scores.json is of format {values['format']}; this Stepwell knows up to {FORMAT}.",
            where="scores.json",
            do="pip install --upgrade stepwell",
        )
    try:
        return msgspec.convert(values, Scores)
    except msgspec.ValidationError as error:
        raise RunError(
            f"scores.json is damaged: {error}.", where="scores.json", do="judge the run again: stepwell evaluate RUN"
        ) from error
