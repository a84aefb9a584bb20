"""Several networks that answer as one, in one artifact.

`bagging`: each is trained from a start of its own on rows drawn with replacement (Breiman, 1996). `snapshots`: one
training in as many cycles of its schedule, each from where the last one ended; the networks at the ends answer together
(Huang et al., ICLR 2017). `averaging`: as snapshots, but their weights are averaged into one network, of which those
that do not lower the validation score are part (the greedy soup of Wortsman et al., ICML 2022).
"""

from __future__ import annotations

import copy
from collections.abc import Callable, Sequence
from dataclasses import replace

import numpy as np
import torch
from torch import Tensor, nn

from stepwell import building, device, discovery, files, intake, outcome, planning, preparation, randomness, recipe
from stepwell.artifact.predictor import inference
from stepwell.artifact.torch_network import torch_network
from stepwell.blocks.average import Average
from stepwell.building import Data
from stepwell.errors import UsageError
from stepwell.job import Job, Shared
from stepwell.judge import scoring, trial
from stepwell.judge.trial import Trained, Trial
from stepwell.preparation import Prepared
from stepwell.recipe import Recipe
from stepwell.run import Run
from stepwell.schema import Array, Columns, Field
from stepwell.trials import members

BATCH = 256
_BEGAN = {
    "bagging": "Each began anew, on rows drawn with replacement.",
    "snapshots": "Each went on from where the last one ended.",
    "averaging": "Each went on from where the last one ended.",
}
SETTLING = 50  # training batches from which an averaged network's batch statistics are taken


def carry_out(job: Job) -> None:
    """Train every member that this run still lacks, put them together, and judge them as one network."""
    job.run.write_json("environment.json", {**device.describe(), "seed": job.recipe.values["seed"]})
    data = intake.look(job)
    _refuse_unless_averaged(job, data.preparation.schema.outputs)
    job.run.set_state("running")
    asked = job.run.state()["trial"]
    how, count = str(asked["how"]), int(asked["ensemble"])
    budget, like = job.recipe.options("budget").time, None
    runs: list[Run] = []
    for number in range(count):
        job.progress.note(f"member {number + 1} of {count}")
        left = count - number
        gone, slowness = job.clock.gone(), job.clock.slowness()
        draft = members.with_share(
            _draft(job.recipe, how, number, count), budget, gone, left, baselines=False, slowness=slowness
        )
        run, draft = members.open_member(job, number + 1, draft)
        if not members.finished(run):
            own = drawn(data, draft.values["seed"]) if how == "bagging" else data
            start = runs[-1] if runs and how != "bagging" else None
            members.learn(job, run, draft, Shared(data=own, like=like), start)
            run.set_state("finished")
        like = like or run.recipe()
        runs.append(run)
        if number == 0:
            _check(job, members.model_of(job, run, data), data)
    models = [members.model_of(job, run, data) for run in runs]
    frozen = _whole(job.recipe, runs[0].recipe())
    files.write_whole(job.run.path("recipe.yaml"), recipe.to_yaml(frozen))
    job = replace(job, recipe=frozen)
    began = f"{_BEGAN[how]} {members.lengths(runs, chained=how != 'bagging')}"
    if how == "averaging":
        model, together = _averaged(job, models, data, began)
    else:
        model, together = _answering_as_one(job, models, data, began)
    outcome.finish(job, data, model, together)


def drawn(data: Data, seed: int) -> Data:
    """The data with as many training rows as there are, drawn with replacement; a row's further copies get own ids."""
    indices = data.parts["train"]
    keys = randomness.keys([data.examples.ids[index] for index in indices])
    places = np.argsort(keys, kind="stable")  # which row is drawn does not depend on the order of a listing
    generator = np.random.Generator(np.random.Philox(key=randomness.number(seed, "bagging")))
    rows = np.sort(places[generator.integers(0, len(indices), len(indices))])
    prepared = dict(data.prepared)
    if "train" in prepared:
        whole = prepared["train"]
        again = np.arange(len(rows)) - np.searchsorted(rows, rows)
        ids = tuple(whole.ids[row] + (f"\0copy {k}" if k else "") for row, k in zip(rows, again, strict=True))
        columns, truth = preparation.take(whole.columns, rows), preparation.take(whole.truth, rows)
        prepared["train"] = Prepared(ids, columns, truth, tuple(whole.traces[row] for row in rows))
    return replace(data, parts={**data.parts, "train": [indices[row] for row in rows]}, prepared=prepared)


def _draft(draft: Recipe, how: str, number: int, count: int) -> Recipe:
    """The recipe of one member: a seed of its own; of a chain, its part of the epochs and steps."""
    why = f"member {number + 1} of {count}"
    values: dict[str, tuple[object, str]] = {
        "seed": (randomness.number(draft.values["seed"], f"member {number}") % 2**32, why)
    }
    for unit in ("epochs", "steps"):
        whole = draft.values["budget"][unit]
        if how != "bagging" and whole is not None:
            values[f"budget.{unit}"] = (max(1, whole // count), f"{whole} in all, divided by {count}")
    return recipe.with_values(draft, values)


def _whole(asked: Recipe, first: Recipe) -> Recipe:
    """What the parent writes down: the first member's frozen recipe with the seed and time of the whole."""
    seed, time = asked.values["seed"], asked.values["budget"]["time"]
    return recipe.with_values(first, {"seed": (seed, "of the whole"), "budget.time": (time, "of the whole")})


def _check(job: Job, model: nn.Module, data: Data) -> None:
    """`UsageError` where the networks of a task cannot answer as one: several of them, or a part of what is trained."""
    networks = list(building.networks(job.folder, model, data.preparation.schema).values())
    if [one.module for one in networks] != [model]:
        raise _no_mean(job, "what answers is not one network that is all that is trained")


def _refuse_unless_averaged(job: Job, outputs: Sequence[Field]) -> None:
    """`UsageError` where what a task's networks answer has no mean: it is neither one vector of scores nor numbers."""
    fixed = len(outputs) == 1 and all(isinstance(size, int) for size in outputs[0].shape)
    if not fixed or not (outputs[0].kind == "number" or (outputs[0].kind == "logits" and len(outputs[0].shape) == 1)):
        listed = ", ".join(f"{one.name} ({one.kind} of shape {one.shape})" for one in outputs)
        raise _no_mean(job, f"there is no mean of what they answer, {listed}")


def _no_mean(job: Job, why: str) -> UsageError:
    return UsageError(
        f"Networks of {job.folder.name} cannot answer as one: {why}.", where="ensemble", do="leave out --ensemble"
    )


def _answering_as_one(
    job: Job, models: Sequence[nn.Module], data: Data, began: str
) -> tuple[nn.Module, Callable[[], Trial]]:
    """The network that averages what the members answer, and what each adds on the test part."""
    schema = data.preparation.schema
    name = schema.outputs[0].name
    logits = schema.outputs[0].kind == "logits"

    def together() -> Trial:
        raw = [_outputs(model, data, name) for model in models]
        truth = preparation.concatenate([piece.truth for piece in data.pieces("test")])
        found = []
        for number in range(1, len(models) + 1):
            alone, with_earlier = (
                _scored(job, data, {name: _mean(some, logits)}, truth)
                for some in (raw[number - 1 : number], raw[:number])
            )
            found.append(Trained(f"member {number:02d}", len(data.parts["test"]), alone, together=with_earlier))
        return Trial(
            "ensemble",
            tuple(found),
            trial.spread(found),
            note=f"All members answer together; here before confidence was calibrated. {began}",
        )

    return Average(models, logits=logits), together


def _averaging_note(taken: Sequence[int], metric: str) -> str:
    """Which members the averaged network is made of, by number, and why these."""
    if len(taken) == 1:
        return f"Member {taken[0]:02d} alone is the network: averaged with any other its validation {metric} was worse."
    listed = f"{', '.join(f'{one:02d}' for one in taken[:-1])} and {taken[-1]:02d}"
    return (
        f"The weights of the members {listed} were averaged: with none of them did the validation {metric} get worse."
    )


def _averaged(job: Job, models: Sequence[nn.Module], data: Data, began: str) -> tuple[nn.Module, Callable[[], Trial]]:
    """The network of averaged weights that is best on validation, and what each member is on the test part."""
    schema = data.preparation.schema
    card = job.folder.card.facing(schema)
    metric = card.select.quantity if card.select is not None else card.headline
    direction = discovery.find(job.folder.rooms("metrics"), metric).DIRECTION
    sign = 1.0 if direction == "max" else -1.0
    evaluate = building.evaluator(job.folder, data)
    alone = [sign * evaluate(model)[metric] for model in models]
    order = sorted(range(len(models)), key=lambda number: (-alone[number], -number))
    taken, soups = [order[0]], {order[0]: models[order[0]]}
    soup, best = models[order[0]], alone[order[0]]
    for number in order[1:]:
        tried = _soup(job, [models[one] for one in (*taken, number)], data)
        value = sign * evaluate(tried)[metric]
        if value >= best:
            soup, best = tried, value
            taken.append(number)
        soups[number] = soup
    note = _averaging_note([number + 1 for number in sorted(taken)], metric.replace("_", " "))
    job.progress.note(note)

    def together() -> Trial:
        name = schema.outputs[0].name
        truth = preparation.concatenate([piece.truth for piece in data.pieces("test")])
        found = []
        for number in order:
            own, so_far = (
                _scored(job, data, {name: _outputs(model, data, name)}, truth)
                for model in (models[number], soups[number])
            )
            found.append(Trained(f"member {number + 1:02d}", len(data.parts["test"]), own, together=so_far))
        return Trial("ensemble", tuple(found), trial.spread(found), note=f"{note} {began}")

    return soup, together


def _soup(job: Job, models: Sequence[nn.Module], data: Data) -> nn.Module:
    """One network with the mean of the members' weights; its batch statistics are taken anew on training batches."""
    mean = copy.deepcopy(models[0])
    states = [model.state_dict() for model in models]
    mean.load_state_dict({name: _mean_weight([state[name] for state in states]) for name in states[0]})
    norms = [one for one in mean.modules() if isinstance(one, nn.modules.batchnorm._BatchNorm)]
    if not norms:
        return mean.eval()
    mean.eval()
    for one in norms:
        one.reset_running_stats()
        one.train()
        one.momentum = None  # the plain mean over all batches
    batch_size = job.recipe.options("training").batch_size
    place = replace(planning.placement(job.recipe), device=torch.device("cpu"))
    feed = building.build_feed(job.recipe, job.folder, data, place, batch_size)
    names = [field.name for field in data.preparation.schema.inputs]
    with torch.no_grad():
        for batch, _ in zip(feed.batches(0), range(min(SETTLING, feed.per_epoch)), strict=False):
            mean(*(batch.fields[name] for name in names))
    return mean.eval()


def _mean_weight(values: Sequence[Tensor]) -> Tensor:
    return torch.stack(list(values)).mean(0) if values[0].is_floating_point() else values[-1]


def _outputs(model: nn.Module, data: Data, name: str) -> Array:
    """What a network answers to the test part, before decoding."""
    infer = inference(data.preparation.inference, data.preparation.schema)
    call = torch_network(model, device=next(model.parameters()).device)
    return np.concatenate([np.asarray(infer(call, piece.columns, BATCH)[name]) for piece in data.pieces("test")])


def _mean(answers: Sequence[Array], logits: bool) -> Array:
    """What `Average` answers where its members answer these."""
    stacked = torch.from_numpy(np.stack(answers))
    if not logits:
        mean: Array = stacked.mean(0).numpy()
        return mean
    shares: Array = stacked.log_softmax(-1).exp().mean(0).clamp_min(1e-38).log().numpy()
    return shares


def _scored(job: Job, data: Data, outputs: Columns, truth: Columns) -> dict[str, float]:
    schema = data.preparation.schema
    traces = [trace for piece in data.pieces("test") for trace in piece.traces]
    predictions = job.folder.module("prepare").decode(outputs, traces, schema)
    metrics = job.folder.card.facing(schema).metrics
    return scoring.evaluate_metrics(metrics, job.folder.rooms("metrics"), truth, predictions, schema)
