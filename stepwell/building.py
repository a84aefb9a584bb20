"""From a recipe and a schema to what trains: the model, its objectives' turns, the feed, the judge of a network.

These are the parts that training proper, calibration and resuming build alike.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cache, cached_property, partial
from typing import Any, cast

import numpy as np
import numpy.typing as npt
import torch
from torch import nn

from stepwell import balancing, device, discovery, feed, randomness
from stepwell.artifact.predictor import inference
from stepwell.artifact.torch_network import torch_network
from stepwell.errors import TrainingError
from stepwell.judge import scoring
from stepwell.loop import LOWER_RATE, Turn
from stepwell.optimizers import Group
from stepwell.preparation import Preparation, Prepared, at_a_time, concatenate, prepare, take
from stepwell.recipe import Recipe
from stepwell.schema import PARTS, Batch, Columns, Examples, Network, Objective, Part, Schema

MEASURED = 16  # examples whose size is measured where sizes differ
STUDIED = 10_000  # examples that baselines and choices see of a part that does not lie in memory
SAMPLED, SAMPLED_LEAST = 2**28, 256  # bytes of such a part that a sample takes at most, if not so few examples


@dataclass(frozen=True)
class Data:
    """The data of one training: examples, the indices of each part, how they are prepared, and what lies in memory.

    `made` holds training rows that are made of others (see `imbalance`); they follow the part's own in the feed, and
    nobody but the feed sees them.
    """

    examples: Examples
    parts: Mapping[Part, Sequence[int]]
    preparation: Preparation
    truth: tuple[str, ...]
    prepared: Mapping[Part, Prepared]
    made: Columns = field(default_factory=dict)

    @property
    def shown(self) -> int:
        """How many training examples an epoch shows: each once, or as often as it is viewed."""
        return len(self.parts["train"]) * max(1, self.preparation.views)

    @cached_property
    def _keys(self) -> dict[Part, randomness.Keys]:
        """The keys of the ids of each part that was sampled: of a million they take seconds."""
        return {}

    def pieces(self, part: Part) -> Iterator[Prepared]:
        """The prepared examples of a part: at once where they lie in memory, else a few at a time."""
        if part in self.prepared:
            yield self.prepared[part]
            return
        indices, chunk = self.parts[part], at_a_time(self.examples)
        for start in range(0, len(indices), chunk):
            yield prepare(self.preparation, self.examples, indices[start : start + chunk], self.truth)

    def sample(self, part: Part, count: int, seed: int) -> Prepared:
        """At most `count` prepared examples of a part, chosen by counter, in their order.

        Of a part that does not lie in memory they are at most so many as 256 MB hold, and 256 of any size.
        """
        indices = self.parts[part]
        if part not in self.prepared and len(indices):
            size = bytes_per_example(self.preparation, self.examples, indices)
            count = min(count, max(SAMPLED_LEAST, SAMPLED // max(1, size)))
        if part not in self._keys:
            self._keys[part] = randomness.keys([self.examples.ids[index] for index in indices])
        chosen = np.sort(randomness.order(seed, "sample", 0, self._keys[part])[:count])
        if part in self.prepared:
            return _some(self.prepared[part], chosen)
        return prepare(self.preparation, self.examples, [indices[row] for row in chosen], self.truth)

    def studied(self, part: Part, seed: int) -> Prepared:
        """What baselines and choices see of a part: all of it where it lies in memory, else a sample."""
        return self.prepared[part] if part in self.prepared else self.sample(part, STUDIED, seed)


def bytes_per_example(prepared_by: Preparation, examples: Examples, indices: Sequence[int]) -> int:
    """What one prepared example takes in memory; measured on a few of `indices` where the schema leaves sizes free."""
    fields = (*prepared_by.schema.inputs, *prepared_by.schema.targets)
    sizes: list[tuple[str | int, ...]] = [(np.dtype(field.dtype).itemsize, *field.shape) for field in fields]
    if not any(isinstance(size, str) for shape in sizes for size in shape):
        return sum(math.prod(cast("tuple[int, ...]", shape)) for shape in sizes)
    places = np.unique(np.linspace(0, len(indices) - 1, min(MEASURED, len(indices))).astype(np.int64))
    columns = prepare(prepared_by, examples, [indices[i] for i in places.tolist()], ()).columns
    taken: int = sum(one.nbytes for column in columns.values() for one in column)
    return math.ceil(taken / len(places))


def bytes_per_answer(schema: Schema) -> int:
    """What the answer to one example takes in memory; outputs of free size count as nothing."""
    sizes: list[tuple[str | int, ...]] = [(np.dtype(field.dtype).itemsize, *field.shape) for field in schema.outputs]
    fixed = [shape for shape in sizes if not any(isinstance(size, str) for size in shape)]
    return sum(math.prod(cast("tuple[int, ...]", shape)) for shape in fixed)


def one_batch(sample: Prepared, schema: Schema, placement: feed.Placement) -> Batch:
    """Prepared examples as one batch; where what is not padded differs in shape, those that are shaped as the first."""
    free = [
        sample.columns[one.name]
        for one in (*schema.inputs, *schema.targets)
        if not one.ragged and one.name in sample.columns
    ]
    rows = [row for row in range(len(sample)) if all(column[row].shape == column[0].shape for column in free)]
    fields, lengths = feed.tensors(take(sample.columns, rows), schema)
    return Batch(
        {name: placement.tensor(value) for name, value in fields.items()},
        {name: placement.tensor(value) for name, value in lengths.items()},
        randomness.keys([sample.ids[row] for row in rows]),
    )


def batches(sample: Prepared, size: int, schema: Schema, placement: feed.Placement) -> list[Batch]:
    """Prepared examples as batches of `size`, each padded by itself, in their order."""
    every = np.arange(len(sample))
    return [
        one_batch(_some(sample, every[first : first + size]), schema, placement)
        for first in range(0, len(sample), size)
    ]


def _some(prepared: Prepared, rows: npt.NDArray[np.int64]) -> Prepared:
    """Those rows alone."""
    ids = tuple(prepared.ids[row] for row in rows)
    traces = tuple(prepared.traces[row] for row in rows)
    return Prepared(ids, take(prepared.columns, rows), take(prepared.truth, rows), traces)


def load_parts(
    folder: discovery.Folder,
    examples: Examples,
    parts: Mapping[Part, Sequence[int]],
    prepared_by: Preparation,
    *,
    in_memory: bool,
) -> Data:
    """Prepare every part that may lie in memory (all of them, or none; never a training part seen through views)."""
    truth = folder.card.truth
    prepared = {
        part: prepare(prepared_by, examples, parts[part], truth)
        for part in PARTS
        if in_memory and not (part == "train" and prepared_by.views)
    }
    return Data(examples, parts, prepared_by, truth, prepared)


def build_model(recipe: Recipe, folder: discovery.Folder, schema: Schema) -> nn.Module:
    """The network that the recipe's `model` section names: a model of the task, or a backbone with the task's head.

    Its random initialization is a function of the recipe's seed alone. `TrainingError` where memory does not hold it.
    """
    torch.manual_seed(randomness.number(recipe.values["seed"], "initialization") % 2**63)
    module, options = recipe.module("model"), recipe.options("model")
    own = module.__name__ == f"{folder.package}.models.{recipe.name('model')}" or not hasattr(module, "ACCEPTS")
    try:
        model = module.build(options, schema) if own else _with_head(module, options, folder, schema)
    except (MemoryError, RuntimeError) as error:
        if not device.out_of_memory(error):
            raise
        raise TrainingError(
            f"There is not enough memory for this network ({recipe.name('model')}): its weights alone do not fit.",
            do=f"make it smaller: `stepwell train {recipe.task} --help` lists the settings of its model",
        ) from error
    assert isinstance(model, nn.Module)
    return model


def _with_head(module: Any, options: Any, folder: discovery.Folder, schema: Schema) -> nn.Module:
    field = next(field for field in schema.inputs if field.kind in module.ACCEPTS)
    model = folder.module("heads").attach(module.build(options, field), schema)
    assert isinstance(model, nn.Module)
    return model


def begin(recipe: Recipe, folder: discovery.Folder, data: Data, model: nn.Module) -> Sequence[str]:
    """Let the task give a fresh network what it begins with besides chance (its `begin.py`); what it says of that."""
    if not folder.has("begin"):
        return ()
    seed = randomness.number(recipe.values["seed"], "begin")
    notes: Sequence[str] = folder.module("begin").begin(model, recipe, data.preparation, data.pieces("train"), seed)
    return notes


def build_objectives(recipe: Recipe, folder: discovery.Folder, schema: Schema) -> tuple[Objective, ...]:
    """The task's objectives, in the order of their turns."""
    objectives: tuple[Objective, ...] = folder.module("objectives").objectives(recipe, schema)
    return objectives


def build_turns(recipe: Recipe, objectives: Sequence[Objective], model: nn.Module) -> list[Turn]:
    """An optimizer and a schedule for each objective; biases and norms (below two axes) are not decayed."""
    turns = []
    for objective in objectives:
        options = recipe.options("optimizer", objective.name)
        optimizer = recipe.module("optimizer").build(options, _groups(objective, model, options.learning_rate))
        factor = partial(recipe.module("schedule").factor, recipe.options("schedule", objective.name))
        quicker = getattr(recipe.module("optimizer"), "step", None)
        turns.append(Turn(objective, optimizer, factor, None if quicker is None else quicker(optimizer)))
    return turns


def _groups(objective: Objective, model: nn.Module, rate: float) -> list[Group]:
    """The objective's parameters: of one rate together, matrices and kernels before biases and norms.

    Those at `rate` itself come first: the rate of the first group is what is told of a training.
    """
    rates = {} if objective.rates is None else objective.rates(model)
    groups: dict[tuple[float, bool], list[nn.Parameter]] = {}
    for parameter in objective.parameters(model):
        if parameter.requires_grad:
            groups.setdefault((rates.get(parameter, 1.0), parameter.ndim <= 1), []).append(parameter)
    order = sorted(groups, key=lambda key: (key[0] != 1.0, key))
    return [{"params": groups[key], **({} if key[0] == 1.0 else {"lr": key[0] * rate})} for key in order]


def build_feed(
    recipe: Recipe, folder: discovery.Folder, data: Data, placement: feed.Placement, batch_size: int
) -> feed.Feed:
    """The training part's feed: by index from memory where it lies there, else decoded by workers."""
    seed = recipe.values["seed"]
    schema = data.preparation.schema
    augment = feed.augmentation(recipe.components("augmentation"), schema, seed)
    showing = balancing.showing(recipe, data)
    if "train" in data.prepared:
        columns, ids = balancing.fed(data)
        showing = replace(showing, lengths=feed.lengths_of(columns, schema))
        return feed.MemoryFeed(
            columns,
            ids,
            schema,
            batch_size=batch_size,
            seed=seed,
            augment=augment,
            placement=placement,
            showing=showing,
        )
    views = None
    if data.preparation.views:
        views = partial(folder.module("prepare").views, recipe.options("prepare"), seed, facts=data.examples.facts)
    return feed.DecodedFeed(
        data.examples,
        data.parts["train"],
        data.preparation,
        batch_size=batch_size,
        seed=seed,
        workers=recipe.options("training").workers,
        views=views,
        each=max(1, data.preparation.views),
        augment=augment,
        placement=placement,
        showing=showing,
    )


def networks(folder: discovery.Folder, model: nn.Module, schema: Schema) -> dict[str, Network]:
    """What is exported of a model, the network that predicts first: the task's choice, or the whole model."""
    objectives = folder.module("objectives")
    if hasattr(objectives, "networks"):
        found: dict[str, Network] = objectives.networks(model, schema)
        return found
    return {"model": Network(model, schema.inputs, schema.outputs)}


Answer = Callable[[Columns, Sequence[Any]], Columns]
"""(prepared columns, traces) -> decoded predictions."""


def answering(folder: discovery.Folder, network: Network, data: Data, *, batch_size: int = 256) -> Answer:
    """How a torch network answers prepared examples: the same inference and decoding as the artifact's."""
    schema = data.preparation.schema
    prepare = folder.module("prepare")
    infer = inference(data.preparation.inference, Schema(network.inputs, schema.targets, network.outputs))
    first = next(network.module.parameters())
    call = torch_network(network.module, device=first.device)

    def answer(columns: Columns, traces: Sequence[Any]) -> Columns:
        decoded: Columns = prepare.decode(infer(call, columns, batch_size), traces, schema)
        return decoded

    return answer


def answer_part(data: Data, part: Part, answer: Answer) -> tuple[Columns, Columns]:
    """Predictions and truth, in original terms, of every example of a part."""
    predictions, truths = [], []
    for piece in data.pieces(part):
        predictions.append(answer(piece.columns, piece.traces))
        truths.append(piece.truth)
    return concatenate(predictions), concatenate(truths)


def evaluator(folder: discovery.Folder, data: Data) -> Callable[[nn.Module], Mapping[str, float]]:
    """What the loop calls at each validation: the card's `validate` metrics of a module on the validation part."""
    schema = data.preparation.schema
    metrics = scoring.find_metrics(folder.card.facing(schema).validate, folder.rooms("metrics"))

    @cache  # a training validates the same module again and again
    def answers_of(module: nn.Module) -> Answer:
        return answering(folder, next(iter(networks(folder, module, schema).values())), data)

    def evaluate(module: nn.Module) -> Mapping[str, float]:
        predictions, truth = answer_part(data, "valid", answers_of(module))
        _refuse_non_finite(predictions)
        return scoring.evaluate_with(metrics, truth, predictions, schema)

    return evaluate


def _refuse_non_finite(predictions: Columns) -> None:
    for name, column in predictions.items():
        if isinstance(column, np.ndarray) and column.dtype.kind == "f" and not np.isfinite(column).all():
            raise TrainingError(
                f"Training diverged: the answers of the network ({name}) on the validation part are not finite.",
                do=LOWER_RATE,
            )
