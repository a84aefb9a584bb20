"""Do 95 % intervals hold the truth in 95 % of cases? Counted over simulated test sets whose truth is known.

    python benchmarks/coverage.py                    # 200 test sets of 500 examples, each metric of the shelf
    python benchmarks/coverage.py --sets 1000 --n 100
    python benchmarks/coverage.py --world rare       # another population: see WORLDS
    python benchmarks/coverage.py --conformal        # intervals and sets of answers, instead of intervals of scores

A population of 400,000 examples with noisy, too sure answers stands for the world: the score on all of it is the
truth. Each test set is drawn from it and judged as a run judges its test part. The share of sets whose interval holds
the truth should lie between 0.93 and 0.97 (with 200 sets, two standard errors of a perfect interval are 0.03).
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from typing import Any

import numpy as np

from stepwell import discovery
from stepwell.judge import confidence
from stepwell.judge.scoring import judge
from stepwell.preparation import take
from stepwell.schema import Array, Columns, Field, Schema
from stepwell.settings import AnswerOptions
from stepwell.task import Task

POPULATION = 400_000
WORLDS = ("first", "even", "clear", "rare")
"""Of classes: uneven shares, even ones, a network that is hardly ever wrong, a rare class. Of numbers: errors that grow
with the value and have Student's tails, normal ones, errors above 0 alone that are exponential, and Weibull tails."""
NUMBERS = ("mae", "mape", "median_absolute_error", "mse", "r2", "rmse")


def schema_of(kind: str) -> Schema:
    """The schema of answers that are one of two or of four classes, or a number."""
    if kind == "number":
        return Schema((), (Field("value", "number", "float32"),), (Field("value", "number", "float32", (1,)),))
    classes = tuple("abcd"[: int(kind)])
    logits = Field("logits", "logits", "float32", (len(classes),), classes)
    # In an order, without which quadratic kappa is not defined; no other metric asks for it.
    return Schema((), (Field("label", "category", "int64", (), classes, ordered=True),), (logits,))


def population(kind: str, world: str, generator: np.random.Generator) -> tuple[Columns, Columns, Columns]:
    """Truth, predictions and raw outputs of `POPULATION` examples, made as `WORLDS` says."""
    if kind == "number":
        value = 10.0 + generator.lognormal(1.0, 0.6, POPULATION)
        answered = value + _errors(world, value, generator)
        return {"value": value}, {"value": answered}, {"value": answered[:, None]}
    count = int(kind)
    shares, clear = _shares(world, count)
    true = generator.choice(count, POPULATION, p=shares)
    logits = generator.normal(size=(POPULATION, count)) + np.log(shares)
    logits[np.arange(POPULATION), true] += clear
    logits *= 1.5
    predictions = decode({"logits": logits}, schema_of(kind))
    return {"label": np.array(list("abcd"))[true]}, predictions, {"logits": logits}


def _errors(world: str, value: Array, generator: np.random.Generator) -> Array:
    """What answers differ by from the true `value`, `(n,)`."""
    if world == "first":
        return 1.0 - 0.1 * value + 0.1 * value * generator.standard_t(5, len(value))
    if world == "even":
        return generator.normal(size=len(value))
    if world == "clear":
        return generator.gamma(1.0, 1.0, len(value)) - 1.0
    signs = generator.choice([-1.0, 1.0], len(value))
    found: Array = signs * generator.weibull(0.8, len(value))
    return found


def _shares(world: str, count: int) -> tuple[Array, float]:
    """The share of each of `count` classes, and how far the true one stands out."""
    if world == "even":
        return np.full(count, 1.0 / count), 1.0
    if world == "rare":
        return np.array([0.9, 0.1] if count == 2 else [0.6, 0.25, 0.1, 0.05]), 2.0
    uneven = np.array([0.75, 0.25] if count == 2 else [0.5, 0.3, 0.15, 0.05])
    return uneven, 3.0 if world == "clear" else 1.5


def decode(outputs: Columns, schema: Schema) -> Columns:
    """Raw outputs in original terms."""
    if schema.targets[0].kind == "number":
        return {"value": np.asarray(outputs["value"])[:, 0]}
    logits = np.asarray(outputs["logits"])
    powers = np.exp(logits - logits.max(axis=1, keepdims=True))
    values = powers / powers.sum(axis=1, keepdims=True)
    classes = np.array(schema.targets[0].classes)
    return {"label": classes[values.argmax(axis=1)], "probabilities": values}


def metrics_of(kind: str) -> list[str]:
    """The metrics of the shelf that are one number and are defined for such answers."""
    names = [name for name in discovery.names("metrics") if discovery.load("metrics", name).KIND == "number"]
    return [name for name in names if (name in NUMBERS) == (kind == "number") and name not in ("coverage", "top_5")]


def covered(kind: str, world: str, sets: int, n: int, seed: int) -> dict[str, dict[str, float]]:
    """For each metric how many of the intervals hold the truth, and how many lie wholly above or below it."""
    generator = np.random.default_rng(seed)
    schema, names = schema_of(kind), metrics_of(kind)
    truth, predictions, _ = population(kind, world, generator)
    card = Task("simulated", "", "", tuple(names), names[0], (), None, ())
    modules = {name: discovery.load("metrics", name) for name in names}
    right = {name: float(one.score(one.prepare(truth, predictions, schema), None)) for name, one in modules.items()}
    found = {name: {"covered": 0.0, "above": 0.0, "below": 0.0, "width": 0.0} for name in names}
    for number in range(sets):
        rows = generator.integers(0, POPULATION, n)
        scores = judge(card, ("metrics",), take(truth, rows), take(predictions, rows), schema, None, number)["scores"]
        for name, counts in found.items():
            score = scores[name]
            counts["covered"] += score["low"] <= right[name] <= score["high"]
            counts["above"] += score["low"] > right[name]
            counts["below"] += score["high"] < right[name]
            counts["width"] += score["high"] - score["low"]
    return {name: {what: total / sets for what, total in counts.items()} for name, counts in found.items()}


def promised(kind: str, world: str, sets: int, n: int, seed: int, coverage: float = 0.9) -> dict[str, float]:
    """How often the truth of fresh examples lies in the set or interval fitted on `n` others, mean over `sets`."""
    generator = np.random.default_rng(seed)
    schema = schema_of(kind)
    truth, _, outputs = population(kind, world, generator)

    def some(rows: Array) -> tuple[Columns, Columns]:
        return take(truth, rows), take(outputs, rows)

    held = []
    for _ in range(sets):
        fitted_on, shown = some(generator.integers(0, POPULATION, n)), some(generator.integers(0, POPULATION, 2000))
        options = AnswerOptions(coverage=coverage)
        of = {"decode": lambda raw: decode(raw, schema), "fields": schema.outputs, "schema": schema}
        found = confidence.fit(options, fitted_on[1], truth=fitted_on[0], **of)
        held.append(np.mean(_inside(confidence.answer(found, shown[1], **of), shown[0])))
    return {"promised": coverage, "held": float(np.mean(held)), "spread": float(np.std(held))}


def _inside(answers: Columns, truth: Columns) -> Any:
    if "set" in answers:
        return [true in names for true, names in zip(truth["label"], answers["set"], strict=True)]
    return (answers["low"] <= truth["value"]) & (truth["value"] <= answers["high"])


def main() -> None:
    """Print a line a metric, and write what was found as JSON where `--out` says."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--sets", type=int, default=200)
    parser.add_argument("--kinds", default="2,4,number", help="of which answers: so many classes, or a number")
    parser.add_argument("--n", type=int, default=500, help="examples of a test set")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--world", choices=WORLDS, default=WORLDS[0], help="how the population is made")
    parser.add_argument("--conformal", action="store_true")
    parser.add_argument("--out", type=Path)
    asked = parser.parse_args()
    found: dict[str, Any] = {}
    for kind in asked.kinds.split(","):
        title = kind if kind == "number" else f"{kind} classes"
        if asked.conformal:
            found[title] = promised(kind, asked.world, asked.sets, asked.n, asked.seed)
            print(title, found[title])
            continue
        found[title] = covered(kind, asked.world, asked.sets, asked.n, asked.seed)
        for name, one in found[title].items():
            mark = "" if 0.93 <= one["covered"] <= 0.97 else "  <<"
            numbers = "  ".join(f"{what} {value:.3f}" for what, value in one.items() if what != "width")
            print(f"{title:10} {name:24} {numbers}  width {one['width']:.4g}{mark}", flush=True)
    if asked.out is not None:
        asked.out.write_text(
            json.dumps({"world": asked.world, "sets": asked.sets, "n": asked.n, "found": found}, indent=1)
        )


if __name__ == "__main__":
    main()
