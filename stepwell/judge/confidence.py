"""How far answers can be relied on: fitted on validation after training, carried by the artifact, applied to answers.

Temperature    logits are divided by one number, so that probabilities mean what they say (Guo et al., ICML 2017)
Decision       where errors differ in cost, the answer of least expected cost, not the likeliest (Elkan, IJCAI 2001)
Coverage       a set of classes, or low to high, that holds the truth in a promised share of cases, whatever the
               network is worth (split conformal prediction: Lei et al., JASA 2018; sets: Sadinle et al., JASA 2019)

The promise of coverage is for examples drawn like those of validation, on average over all of them. The network was
selected on that part, which makes it a little too favorable; the training part would make it much too favorable.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from stepwell.errors import RecipeError, did_you_mean
from stepwell.metrics import calibrated_log_loss
from stepwell.metrics.confusion_matrix import class_numbers
from stepwell.schema import Array, Columns, Field, Schema

if TYPE_CHECKING:
    from stepwell.settings import AnswerOptions  # settings read YAML, which no answer waits for

SCALED, _FOLDS = 50, 5
"""Examples that a temperature needs at least: with 20, one cost more than it brought unless it was sorely needed."""

Decode = Callable[[Columns], Columns]
"""Raw outputs to predictions in original terms: a task's `decode` for some examples."""


@dataclass(frozen=True)
class Confidence:
    """What was fitted on `n` validation examples; an artifact carries it in its manifest.

    `temperature` divides class logits. With `threshold` the second of two classes is answered from this probability
    on; with `costs` (a row for each true class, a column for each answer) the class of least expected cost. With
    `coverage`, answers hold the classes of a probability of at least `floor`, or lie `widths` (one a column of the
    target, in its measure) to either side. `measured` says what was gained and promised, on validation: `log_loss`,
    `cost` (an example) and their values `_before`; `coverage`, of halves by each other.
    """

    n: int
    temperature: float = 1.0
    threshold: float | None = None
    costs: tuple[tuple[float, ...], ...] = ()
    coverage: float | None = None
    floor: float | None = None
    widths: tuple[float, ...] = ()
    measured: Mapping[str, float] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if not (math.isfinite(self.temperature) and self.temperature > 0):
            raise ValueError(f"a temperature is above 0 and finite, not {self.temperature}")


def check(options: AnswerOptions, schema: Schema) -> None:
    """`RecipeError` where `options` ask for what answers of this schema cannot give; known before training."""
    target = schema.targets[0] if schema.targets else None
    if target is None or target.kind != "category":
        if options.threshold is not None or options.costs is not None:
            raise RecipeError(
                "Thresholds and costs are for answers that are classes, and these are none.",
                where="answers.threshold, answers.costs",
                do="leave them out; answers.coverage gives numbers an interval",
            )
        if options.coverage is not None and (target is None or target.kind != "number"):
            raise RecipeError("These answers are neither classes nor numbers.", where="answers.coverage")
        return
    if options.threshold is not None and len(target.classes) != 2:
        raise RecipeError(
            f"A threshold chooses between two classes; there are {len(target.classes)}.",
            where="answers.threshold",
            do="say what errors cost instead: answers.costs",
        )
    if options.costs is not None:
        cost_matrix(options.costs, target.classes)


def cost_matrix(
    costs: Mapping[str, float] | Sequence[Sequence[float]], classes: Sequence[str]
) -> tuple[tuple[float, ...], ...]:
    """What it costs to answer class j where class i is true, row i, column j; nothing to be right, for a mapping.

    A mapping names classes with what it costs to miss one of their examples, 1 where it does not say.
    `RecipeError` where a class is unknown or the matrix is not one of all classes.
    """
    if isinstance(costs, Mapping):
        for name in costs:
            if name not in classes:
                raise RecipeError(
                    f"There is no class {name!r} to cost anything.",
                    where="answers.costs",
                    do=did_you_mean(name, classes),
                )
        return tuple(tuple(0.0 if one == other else float(costs.get(one, 1.0)) for other in classes) for one in classes)
    if len(costs) != len(classes) or any(len(row) != len(classes) for row in costs):
        raise RecipeError(
            f"The costs are no matrix of {len(classes)} x {len(classes)}: a row for each true class, in it a cost for "
            "each answer.",
            where="answers.costs",
            do=f"in this order: {', '.join(classes)}",
        )
    return tuple(tuple(float(one) for one in row) for row in costs)


def fit(
    options: AnswerOptions, outputs: Columns, decode: Decode, truth: Columns, fields: Sequence[Field], schema: Schema
) -> Confidence | None:
    """What `options` ask for, from raw `outputs` (in the terms of `fields`) and `truth` of validation examples.

    None where nothing is asked for that these answers can be given. Too few examples for the coverage asked for
    leave `coverage` None.
    """
    check(options, schema)
    target = schema.targets[0] if schema.targets else None
    if target is None or not len(next(iter(truth.values()), ())):
        return None
    if target.kind == "category" and target.classes and "label" in truth:
        return _of_classes(options, outputs, decode, truth, fields, schema)
    if target.kind == "number" and target.name in truth and options.coverage is not None:
        answered = np.asarray(decode(outputs)[target.name], dtype=np.float64)
        true = np.asarray(truth[target.name], dtype=np.float64)
        apart = np.abs(true - answered).reshape(len(true), -1)
        return _promised(Confidence(len(true)), options.coverage, apart, lambda edge: {"widths": tuple(edge.tolist())})
    return None


def answer(
    confidence: Confidence | None, outputs: Columns, decode: Decode, fields: Sequence[Field], schema: Schema
) -> Columns:
    """Raw `outputs` as predictions: scaled, decoded, decided by cost, with a set or an interval where promised.

    Without `confidence`, what `decode` makes of them. A decision changes `label` and `probability` (of the label);
    coverage adds `set` (names by falling probability, the label among them) or `low` and `high`.
    """
    if confidence is None:
        return decode(outputs)
    predictions = decode(_scaled(outputs, confidence.temperature, fields, schema))
    if "probabilities" in predictions:
        predictions = _settled(confidence, predictions, schema.targets[0].classes)
    if confidence.widths:
        middle = np.asarray(predictions[schema.targets[0].name], dtype=np.float64)
        width = np.asarray(confidence.widths).reshape(middle.shape[1:])
        predictions = {**predictions, "low": middle - width, "high": middle + width}
    return predictions


def notes(found: Confidence | None, options: AnswerOptions, n: int, positive: str = "") -> list[str]:
    """What was fitted on `n` validation examples, a sentence each, and what was asked for and could not be given.

    `positive` is the last class, of two the one that a threshold is of; empty where answers are no classes.
    """
    said = []
    measured = found.measured if found is not None else {}
    if "log_loss" in measured:
        done = f"logits are divided by {found.temperature:.3g}" if found and found.temperature != 1.0 else "left alone"
        said.append(
            f"probabilities: {done}; on {n:,} validation examples, each fifth by one fitted on the others, the "
            f"log loss is {measured['log_loss']:.4g}, and {measured['log_loss_before']:.4g} without one"
        )
    elif positive and options.calibrate and n < SCALED:
        said.append(f"probabilities: left alone: a temperature needs {SCALED} validation examples, there are {n}")
    if found is not None and found.costs:
        at = f"{positive!r} from {found.threshold:.3g} on, " if found.threshold is not None else ""
        said.append(
            f"decision: {at}{measured['cost']:.4g} an example on validation; the likeliest class would cost "
            f"{measured['cost_before']:.4g}"
        )
    if options.coverage is not None and (found is None or found.coverage is None):
        said.append(
            f"no answer gets a coverage of {options.coverage:.0%}: that needs {needed(options.coverage):,} validation "
            f"examples, and there are {n:,}"
        )
    elif found is not None and "coverage" in measured:
        said.append(
            f"coverage: {measured['coverage']:.1%} of {n:,} validation examples, each half by an interval fitted on "
            f"the other; {found.coverage:.0%} is promised"
        )
    return said


def temperature(logits: Array, true: Array) -> float:
    """The number by which logits `(n, classes)` are divided for the least log loss of the `true` classes `(n,)`.

    One of n + 2 truths is taken to be spread over all classes (Platt, 1999), so that a network without an error
    does not become certain.
    """
    return calibrated_log_loss.temperature(logits, true, spread=1.0 / (len(logits) + 2.0))


def best_threshold(second: Array, true: Array, costs: Sequence[Sequence[float]]) -> float:
    """The probability of the second of two classes, from which answering it has cost least on these examples.

    `second` `(n,)` are their probabilities of it, `true` `(n,)` their classes, 0 or 1. Thresholds lie in the middle
    between two probabilities; of equally good ones that nearest to what the costs alone ask for is taken.
    """
    matrix = np.asarray(costs, dtype=np.float64)
    order = np.argsort(second, kind="stable")
    values, first_cost, second_cost = second[order], matrix[true[order], 0], matrix[true[order], 1]
    # Of a cut before place k, the k lowest are answered as the first class and all others as the second.
    totals = np.concatenate([[0.0], np.cumsum(first_cost)]) + second_cost.sum()
    totals -= np.concatenate([[0.0], np.cumsum(second_cost)])
    ends = np.concatenate([[0.0], values, [1.0]])
    cuts = 0.5 * (ends[:-1] + ends[1:])
    possible = np.concatenate([[True], np.diff(values) > 0, values[-1:] < 1.0])
    too_high, too_low = matrix[0, 1] - matrix[0, 0], matrix[1, 0] - matrix[1, 1]
    alone = too_high / (too_high + too_low) if too_high + too_low > 0 else 0.5
    least = possible & (totals <= totals[possible].min() + 1e-9 * max(1.0, abs(float(totals[possible].min()))))
    candidates = cuts[least]
    return float(candidates[np.abs(candidates - alone).argmin()])


def _of_classes(
    options: AnswerOptions, outputs: Columns, decode: Decode, truth: Columns, fields: Sequence[Field], schema: Schema
) -> Confidence | None:
    classes = schema.targets[0].classes
    true = class_numbers(truth["label"], classes, "true")
    rows = np.arange(len(true))
    found = Confidence(len(true))
    before = decode(outputs)
    if "probabilities" not in before:
        return None
    logits = _class_logits(fields, schema)
    if options.calibrate and logits is not None and len(true) >= SCALED:
        found = _tempered(found, np.asarray(outputs[logits], dtype=np.float64), true)
    predictions = decode(_scaled(outputs, found.temperature, fields, schema))
    probabilities = np.asarray(predictions["probabilities"], dtype=np.float64)
    if options.threshold is not None:
        found = replace(found, threshold=options.threshold)
    if options.costs is not None:
        found = _by_cost(found, cost_matrix(options.costs, classes), probabilities, true)
    if options.coverage is not None:
        given = probabilities[rows, true]
        found = _promised(found, options.coverage, -given[:, None], lambda edge: {"floor": -float(edge[0])})
    return found if found != Confidence(len(true)) else None


def _tempered(found: Confidence, logits: Array, true: Array) -> Confidence:
    """With the temperature, where temperatures fitted on four fifths of the examples lower the log loss of the others.

    Both log losses, cross-validated, are noted either way. In simulations with 60 examples a temperature that was not
    needed cost 0.008 in log loss on average, and half of that where it had to show its worth first.
    """
    fold = np.random.Generator(np.random.Philox(key=0)).permutation(len(true)) % _FOLDS
    each = np.empty(len(true))
    for one in range(_FOLDS):
        inside = fold == one
        by = temperature(logits[~inside], true[~inside])
        each[inside] = _losses(logits[inside] / by, true[inside])
    was, became = float(_losses(logits, true).mean()), float(each.mean())
    measured = {"log_loss_before": was, "log_loss": became}
    kept = temperature(logits, true) if became < was else 1.0
    return replace(found, temperature=kept, measured=measured)


def _losses(logits: Array, true: Array) -> Array:
    """The log loss of each example, `(n,)`."""
    logits = logits - logits.max(axis=1, keepdims=True)
    losses: Array = np.log(np.exp(logits).sum(axis=1)) - logits[np.arange(len(true)), true]
    return losses


def _by_cost(found: Confidence, costs: tuple[tuple[float, ...], ...], probabilities: Array, true: Array) -> Confidence:
    """The decision of least cost: a threshold chosen on these examples for two classes, else the expected cost."""
    found = replace(found, costs=costs)
    if len(costs) == 2:
        found = replace(found, threshold=best_threshold(probabilities[:, 1], true, costs))
    matrix = np.asarray(costs)
    before = float(matrix[true, probabilities.argmax(axis=1)].mean())
    after = float(matrix[true, _decided(found, probabilities)].mean())
    return replace(found, measured={**found.measured, "cost_before": before, "cost": after})


def _promised(found: Confidence, coverage: float, apart: Array, edges: Callable[[Array], dict[str, Any]]) -> Confidence:
    """`found` with the edge within which `coverage` of `apart` `(n, columns)` lie; as it is where n is too small."""
    edge = _edge(apart, coverage)
    if edge is None:
        return found
    order = np.random.Generator(np.random.Philox(key=0)).permutation(len(apart))
    halves = order[: len(apart) // 2], order[len(apart) // 2 :]
    within = []
    for one, other in (halves, halves[::-1]):
        half_edge = _edge(apart[one], coverage)
        if half_edge is not None and len(other):
            within.append(float((apart[other] <= half_edge).mean()))
    checked = {"coverage": float(np.mean(within))} if within else {}
    return replace(found, coverage=coverage, measured={**found.measured, **checked}, **edges(edge))


def _edge(apart: Array, coverage: float) -> Array | None:
    """The ⌈(n + 1) coverage⌉-th smallest of each column, which a further example stays within at that rate."""
    place = math.ceil((len(apart) + 1) * coverage - 1e-9)
    if place > len(apart):
        return None
    edge: Array = np.sort(apart, axis=0)[place - 1]
    return edge


def needed(coverage: float) -> int:
    """How many validation examples a coverage needs at least: with fewer, not even the worst error is far enough."""
    return math.ceil(coverage / (1.0 - coverage) - 1e-9)


def _class_logits(fields: Sequence[Field], schema: Schema) -> str | None:
    """The output that holds one logit for each class of the first target, if there is one."""
    classes = len(schema.targets[0].classes) if schema.targets else 0
    return next((one.name for one in fields if one.kind == "logits" and one.shape == (classes,)), None)


def _scaled(outputs: Columns, by: float, fields: Sequence[Field], schema: Schema) -> Columns:
    name = _class_logits(fields, schema)
    if by == 1.0 or name is None:
        return outputs
    return {**outputs, name: np.asarray(outputs[name], dtype=np.float64) / by}


def _decided(confidence: Confidence, probabilities: Array) -> Array:
    """The class that is answered for each row of probabilities `(n, classes)`, by number."""
    numbers: Array
    if confidence.threshold is not None:
        numbers = (probabilities[:, 1] >= confidence.threshold).astype(np.int64)
    elif confidence.costs:
        numbers = (probabilities @ np.asarray(confidence.costs)).argmin(axis=1)
    else:
        numbers = probabilities.argmax(axis=1)
    return numbers


def _settled(confidence: Confidence, predictions: Columns, classes: Sequence[str]) -> Columns:
    """The predictions with the label that a decision wants, and with the set of classes."""
    settled = dict(predictions)
    probabilities = np.asarray(predictions["probabilities"], dtype=np.float64)
    numbers = _decided(confidence, probabilities) if len(probabilities) else np.zeros(0, dtype=np.int64)
    if confidence.threshold is not None or confidence.costs:
        settled["label"] = [classes[number] for number in numbers.tolist()]
        settled["probability"] = probabilities[np.arange(len(numbers)), numbers]
    if confidence.floor is not None:
        kept = probabilities >= confidence.floor
        kept[np.arange(len(numbers)), numbers] = True
        order = np.argsort(-probabilities, axis=1, kind="stable")
        settled["set"] = [
            [classes[number] for number in row.tolist() if there[number]]
            for row, there in zip(order, kept, strict=True)
        ]
    return settled
