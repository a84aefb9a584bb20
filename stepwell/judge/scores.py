"""What `scores.json` holds: the one source of report, card and ``--json``."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

import msgspec

from stepwell.errors import RunError
from stepwell.judge.confidence import Confidence
from stepwell.judge.trial import Trial
from stepwell.schema import Score

FORMAT = 1


@dataclass(frozen=True)
class About:
    """What a reader of a score needs to know of its metric.

    `measure` is "share" (shown in percent) or a unit; `better` says in a sentence what a high value
    means; `says` how a sentence goes on after "The network", with {value} and {n}, or is empty; `interval` is how its
    interval comes about (`judge.bootstrap`).
    """

    title: str
    kind: Literal["number", "per_class", "table", "curve"]
    direction: Literal["max", "min"]
    measure: str
    better: str
    says: str = ""
    interval: str = "percentile"


@dataclass(frozen=True)
class Table:
    """Values of class by class: `rows[i][j]` belongs to the true class i and the predicted class j.

    Where there are many classes `rows` is empty and `cells` holds `(i, j, value)` of those that are not 0, in order.
    """

    classes: tuple[str, ...]
    rows: tuple[tuple[float, ...], ...] = ()
    cells: tuple[tuple[int, int, float], ...] = ()


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
class Slice:
    """The headline on the examples whose `column` is `value` (in words: a value, a range, "missing").

    `gap` is their score minus that of all others, from the same resamples. `chance` is the probability that some
    slice of as many as were examined would stand so far apart although none differs (Holm, 1979), in [0, 1].
    """

    column: str
    value: str
    score: Score
    gap: Score
    chance: float


@dataclass(frozen=True)
class Slices:
    """The slices that stand furthest apart, the largest gaps first.

    `examined` slices of `columns` columns were compared on `n` examples; `passed_over` columns were not looked at.
    """

    n: int
    columns: int
    examined: int
    passed_over: int
    found: tuple[Slice, ...]


@dataclass(frozen=True)
class Leak:
    """The price of a leak: `leaked` of `n` judged examples have a copy, or one of their group, in train.

    The headline with and without these, and their difference (`price` = with minus without) from the same
    resamples; None where nothing is left, or where the metric is undefined there.
    """

    n: int
    leaked: int
    examples: tuple[str, ...]
    with_leak: Score
    without: Score | None
    price: Score | None


@dataclass(frozen=True)
class Importance:
    """How much worse the headline becomes when columns are shuffled, each alone, the most important first.

    A `Score` in `columns` is the loss in the headline's own measure, above 0 where the column helps. Each column was
    shuffled `repeats` times on `n` examples; `passed_over` columns were not looked at.
    """

    n: int
    repeats: int
    columns: Mapping[str, Score]
    passed_over: int


@dataclass(frozen=True)
class Dependence:
    """What the network answers on average of `n` examples when `column` is set to each value of `at`, in turn.

    `mean`, `low` and `high` hold for each answer (a class: its probability; a number: its value) as many values as
    `at`; low and high are the interval of the mean at `level`. `at` are numbers, ascending, or texts.
    """

    column: str
    n: int
    at: tuple[float | str, ...]
    mean: Mapping[str, tuple[float, ...]]
    low: Mapping[str, tuple[float, ...]]
    high: Mapping[str, tuple[float, ...]]
    level: float = 0.95


@dataclass(frozen=True)
class Behavior:
    """What the answers do where `n` of `looked` examples are changed: `does` says how, `example` shows it on made ones.

    `expects` is "same" where the change should not matter, "other" where it should turn a right answer. `met` is the
    share of answers that did so; `score` the headline on the changed examples and `gap` that minus the headline on the
    same ones as they were (both only for "same"). All None where too few could be changed. `examples` are some that did
    otherwise; `remedy` is what to train with, as flags.
    """

    name: str
    does: str
    example: tuple[str, ...]
    expects: Literal["same", "other"]
    n: int
    looked: int
    remedy: str
    met: Score | None = None
    score: Score | None = None
    gap: Score | None = None
    examples: tuple[str, ...] = ()


@dataclass(frozen=True)
class Reasons:
    """Whether the parts that an answer is said to rest on matter: what its probability loses, on `n` examples.

    `foremost` where a `share` of the parts, those of the most weight, is left out; `chance` where as many are that
    chance draws; `gap` the one minus the other, an example at a time.
    """

    n: int
    share: float
    foremost: Score
    chance: Score
    gap: Score


@dataclass(frozen=True)
class Aside:
    """What a task tells besides scores, as a table: a title, a sentence, the head and the rows, all in words.

    `apart` says that it shows something of the data, and is left out where no example may be shown.
    """

    title: str
    says: str
    head: tuple[str, ...] = ()
    rows: tuple[tuple[str, ...], ...] = ()
    apart: bool = False


@dataclass(frozen=True)
class Scores:
    """All scores of one part. A metric that is undefined there, or for a class, is left out.

    `looks` is how often these examples were looked at, by all runs, this look included; 0 where that was not counted.
    `positive` is, of two classes, the one that AUROC, average precision, curves and thresholds are of; else empty.
    """

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
    slices: Slices | None = None
    leak: Leak | None = None
    importance: Importance | None = None
    dependence: tuple[Dependence, ...] = ()
    curves: Mapping[str, Mapping[str, tuple[float, ...]]] = field(default_factory=dict)
    confidence: Confidence | None = None
    trial: Trial | None = None
    behavior: tuple[Behavior, ...] = ()
    reasons: Reasons | None = None
    asides: tuple[Aside, ...] = ()
    looks: int = 0
    positive: str = ""


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
