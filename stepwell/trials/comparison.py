"""Every way of dealing with classes of unequal size, on the same data: one is kept, all differences are shown.

The members share split, preparation and the number of cycles, and differ in the method alone. Which one is kept is
decided on the validation part; the test part is looked at once, for all of them together: differences are paired.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import msgspec
from torch import nn

from stepwell import balancing, building, device, discovery, files, intake, outcome, recipe
from stepwell.building import Data
from stepwell.errors import counted
from stepwell.job import Job, Shared
from stepwell.judge import scoring, trial
from stepwell.judge.scores import Baseline
from stepwell.judge.trial import Trained, Trial
from stepwell.recipe import Recipe
from stepwell.run import Run
from stepwell.schema import Columns, Schema, Score
from stepwell.trials import asked, members

BALANCED = "balanced_accuracy"

EQUAL = 1.5
"""Up to so many times the smallest class, the largest is about as large."""


@dataclass(frozen=True)
class Arm:
    """One of what is compared: its run, its network, its data, and the quantity that decides, on validation."""

    name: str
    run: Run
    model: nn.Module
    data: Data
    value: float = math.nan


def carry_out(job: Job) -> None:
    """Train every method that this run still lacks, keep the best on validation, judge all of them."""
    job.run.write_json("environment.json", {**device.describe(), "seed": job.recipe.values["seed"]})
    data = intake.look(job)
    schema = data.preparation.schema
    names = methods(job.recipe, job.folder, schema)
    job.run.set_state("running")
    budget, like = job.recipe.options("budget").time, None
    arms = []
    alike = _alike([data.examples.facts["label"][index] for index in data.parts["train"]])
    if alike:
        job.progress.note(alike)
    quantity, direction = _deciding(job, schema)
    for number, name in enumerate(names):
        job.progress.note(f"{name}: {number + 1} of {len(names)}")
        left = len(names) - number
        gone, slowness = job.clock.gone(), job.clock.slowness()
        draft = members.with_share(_draft(job.recipe, name), budget, gone, left, baselines=False, slowness=slowness)
        run, draft = members.open_member(job, number + 1, draft)
        if not members.finished(run):
            members.learn(job, run, draft, Shared(data=data, like=like))
            run.set_state("finished")
        like = like or run.recipe()
        model = members.model_of(job, run, data)
        predictions, truth = building.answer_part(data, "valid", _answer(job, model, data))
        rooms = job.folder.rooms("metrics")
        value = scoring.evaluate_metrics((quantity,), rooms, truth, predictions, schema)[quantity]
        arms.append(Arm(name, run, model, data, value))
    best = (max if direction == "max" else min)(arms, key=lambda arm: arm.value)
    job.progress.note(f"kept: {best.name}, by {quantity.replace('_', ' ')} on the validation part")
    frozen = best.run.recipe()
    files.write_whole(job.run.path("recipe.yaml"), recipe.to_yaml(frozen))
    kept = (
        f"The method {best.name} was kept for its {quantity.replace('_', ' ')} on the validation part: "
        f"{best.value:.4g} on {counted(len(data.parts['valid']), 'example', 'examples')}. "
        f"{members.lengths([arm.run for arm in arms])}{' ' if alike else ''}{alike}"
    )

    def together() -> Trial:
        return replace(judged(job, arms), chosen=best.name, note=kept, metric=quantity)

    outcome.finish(replace(job, recipe=frozen), data, best.model, together)


def methods(draft: Recipe, folder: discovery.Folder, schema: Schema) -> list[str]:
    """The methods that fit these data, `none` first, then by name.

    `RecipeError` where the data have no classes.
    """
    balancing.classes_of(schema)
    room = draft.room(balancing.SECTION)
    fitting = [name for name in discovery.names(room) if balancing.takes(discovery.find((room,), name), schema)]
    losses = {name for place in folder.rooms("losses") for name in discovery.names(place)}
    others = [name for name in asked.LOSSES if name in losses and "loss" in draft.values]
    return [balancing.NONE, *sorted({*fitting, *others} - {balancing.NONE})]


def _alike(labels: Sequence[Any]) -> str:
    """A sentence where the classes of the training part are about equal in size; else empty."""
    (_, most), *_, (_, least) = Counter(labels).most_common()
    if most >= EQUAL * least:
        return ""
    return (
        f"The classes are about equal in size, {least:,} to {most:,} training examples: there is little for these "
        "methods to do, and most of what sets them apart is chance."
    )


def _draft(draft: Recipe, name: str) -> Recipe:
    why = "one of the methods that are compared"
    if name in asked.LOSSES:
        return recipe.with_values(draft, {f"{balancing.SECTION}.name": (balancing.NONE, why), "loss.name": (name, why)})
    return recipe.with_values(draft, {f"{balancing.SECTION}.name": (name, why)})


def _deciding(job: Job, schema: Schema) -> tuple[str, str]:
    """The metric that decides which method is kept, and which way is better: all classes alike, where it is judged."""
    card = job.folder.card.facing(schema)
    name = BALANCED if BALANCED in card.metrics else card.headline
    return name, str(discovery.find(job.folder.rooms("metrics"), name).DIRECTION)


def _answer(job: Job, model: nn.Module, data: Data) -> building.Answer:
    network = next(iter(building.networks(job.folder, model, data.preparation.schema).values()))
    return building.answering(job.folder, network, data)


def judged(job: Job, arms: Sequence[Arm]) -> Trial:
    """All arms on the test part: the scores of each, and its differences from the first, paired."""
    data = arms[0].data
    schema = data.preparation.schema
    answers: dict[str, Columns] = {}
    truth: Columns = {}
    for arm in arms:
        answers[arm.name], truth = building.answer_part(arm.data, "test", _answer(job, arm.model, arm.data))
    first, *others = answers
    count = len(data.parts["train"])
    scores = scoring.judge(
        job.folder.card.facing(schema),
        job.folder.rooms("metrics"),
        truth,
        answers[first],
        schema,
        [data.examples.units[index] for index in data.parts["test"]],
        job.recipe.values["seed"],
        {name: (answers[name], count, "") for name in others},
    )
    own = {metric: score["value"] for metric, score in scores["scores"].items()}
    found = [Trained(first, scores["n"], own)]
    beside: Mapping[str, Baseline] = msgspec.convert(scores["baselines"], dict[str, Baseline])
    for name in others:
        values = {metric: score.value for metric, score in beside[name].scores.items()}
        differences = {metric: _turned(score) for metric, score in beside[name].differences.items()}
        found.append(Trained(name, scores["n"], values, differences=differences))
    return Trial("comparison", tuple(found), trial.spread(found))


def _turned(score: Score) -> Score:
    """The difference the other way round."""
    return replace(score, value=0.0 - score.value, low=0.0 - score.high, high=0.0 - score.low)  # no negative zero
