"""The contract that a task signs: the facts of its card, and the fixed names of its folder.

A task is a folder `stepwell/tasks/<name>/` (or a package announced under the entry point group
`stepwell.tasks`) whose `__init__.py` says ``TASK = Task(...)``. Its modules have fixed names and are
imported only when needed; a room is a folder of components, one a file:

    prepare.py      Options; fit(options, examples, train) -> Preparation; decode(outputs, traces, schema) -> Columns;
                    inputs(source) -> Examples: what a user hands to predict, unlabeled; optionally
                    look(example) -> facts of one raw example (see `inspection`), row(prediction, schema) -> dict,
                    usable(preparation, examples, indices) -> those of them that it can prepare,
                    views(options, seed, epoch, keys, indices, facts) -> places, one a row, as `fetch` takes them
    objectives.py   objectives(recipe, schema) -> tuple[Objective, ...]; optionally Options,
                    networks(model, schema) -> dict[str, Network], chance(schema) -> float
    heads.py        optional: attach(backbone, schema) -> nn.Module, which makes every backbone of the shelf a model
    baselines.py    rivals(train, schema, seed, seconds) -> dict[str, Rival], the simplest first
    pictures.py     draw(raw, truth, prediction) -> Picture; optionally explained(raw, truth, prediction, weights),
                    where there is reasons.py: the same with what each part weighs
    choose.py       optional: choose(recipe, train, valid, seed) -> dict[setting, (value, reason)]: its `auto` values;
                    settle(recipe, epochs) -> the same: what the planned length of training changes among them
    begin.py        optional: begin(model, recipe, preparation, train, seed) -> notes: what a fresh network begins with
                    besides chance, from the prepared training part (`train`, a few examples at a time)
    reasons.py      optional: parts(example) -> list[str]; without(example, places) -> example without those parts
    telling.py      optional: columns(traces) -> Columns, facts for slices by what the transforms noted of each example;
                    tell(model, preparation, traces by part, few) -> Sequence[Aside], tables for the report
    sample.py       write(folder, seed) -> None, with DIFFICULTY in one sentence
    models/ readers/ behavior/ transforms/ losses/ metrics/ augmentations/ recipes/
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Literal

from stepwell.schema import Columns, Schema, Trace


@dataclass(frozen=True)
class Select:
    """What chooses the best weights: a metric on the validation part, and which way is better."""

    quantity: str
    direction: Literal["max", "min"]


@dataclass(frozen=True)
class Aim:
    """How answers of one kind are judged and weights chosen; the fields are those of `Task`."""

    metrics: tuple[str, ...]
    headline: str
    validate: tuple[str, ...]
    select: Select | None
    worst: str | None = None
    compare: str | None = None


@dataclass(frozen=True)
class Task:
    """The card of a task: facts only.

    `metrics` are judged and shown in this order; `headline` is one of them. `validate` are the
    (cheap) metrics taken at each validation, `select.quantity` among them; `select` None keeps the
    last weights. `worst` is a metric with a value per example, by which the worst answers are found.
    `compare` is the metric by which whole trainings are compared, where that is not `select.quantity`.
    `truth` names the raw columns that hold the answers, in original terms. `objectives` names the
    objectives in the order of their turns. `exempt` maps a check of the contract suite that does not
    fit this task to the reason. A task whose data decide what kind of answer is wanted (a class, a number) has
    one of its `aims` for each other kind of target (`Field.kind`) than that of its own fields.
    """

    title: str
    takes: str
    gives: str
    metrics: tuple[str, ...]
    headline: str
    validate: tuple[str, ...]
    select: Select | None
    truth: tuple[str, ...]
    worst: str | None = None
    compare: str | None = None
    objectives: tuple[str, ...] = ("model",)
    extra: str = "train"
    exempt: Mapping[str, str] = field(default_factory=dict)
    aims: Mapping[str, Aim] = field(default_factory=dict)

    def facing(self, schema: Schema) -> Task:
        """The card with the aim that fits the first target of `schema`; itself where that has none of its own."""
        aim = self.aims.get(schema.targets[0].kind) if schema.targets else None
        if aim is None:
            return self
        return replace(
            self,
            metrics=aim.metrics,
            headline=aim.headline,
            validate=aim.validate,
            select=aim.select,
            worst=aim.worst,
            compare=aim.compare,
        )


@dataclass(frozen=True)
class Rival:
    """A simple baseline fitted on the training part.

    `predict` maps prepared columns (the inputs of the schema, dense or ragged, as `Prepared.columns`
    holds them) and their traces to predictions in the form that the task's `decode` gives. `n` is the number of
    training examples it saw, `note` says which (for instance "stratified 10,000 of 54,000").
    """

    predict: Callable[[Columns, Sequence[Trace]], Columns]
    n: int
    note: str
