"""Steps 6 and 7 of a training: what is automatic becomes a number, and the recipe is frozen.

A kill before the recipe is written repeats all of this; after it nothing in the recipe changes, but
for the cycles that a finished run is asked to go on.
"""

from __future__ import annotations

import math
from dataclasses import replace

import torch
from torch import nn

from stepwell import building, calibration, checkpoint, device, files, measuring, recipe
from stepwell.artifact.predictor import inference
from stepwell.artifact.torch_network import torch_network
from stepwell.building import Data
from stepwell.doctor import watch
from stepwell.errors import RunError, StepwellError, TrainingError
from stepwell.feed import Placement
from stepwell.job import Job, Shared
from stepwell.judge import confidence
from stepwell.recipe import Recipe


def settle(job: Job, data: Data) -> Job:
    """Decide what is automatic, freeze the recipe and write it; a recipe already frozen is taken as it is."""
    if job.model is not None:
        _try_own(job.model, data)
    if "answers" in job.recipe.values:
        confidence.check(job.recipe.options("answers"), data.preparation.schema)
    if job.run.path("recipe.yaml").exists():
        return _extended(job, data)
    with job.clock.stage("measuring", job.progress):
        completed = _completed(job, data)
    calibration.unresolved(completed)
    if job.model is not None:
        completed = recipe.with_own_model(completed, f"{type(job.model).__module__}.{type(job.model).__qualname__}")
    device.set_threads(completed.options("training").threads)
    job.run.write_json("environment.json", {**device.describe(), "seed": completed.values["seed"]})
    files.write_whole(job.run.path("recipe.yaml"), recipe.to_yaml(completed))
    job.run.set_state("running")
    return replace(job, recipe=completed)


def _completed(job: Job, data: Data) -> Recipe:
    if job.shared.like is not None:
        return _like(job, data, job.shared.like)
    draft = job.recipe
    budget = draft.options("budget").time
    count = sum(len(indices) for indices in data.parts.values())
    settled = calibration.reading(draft, job.folder, data, own=job.model is not None)
    for name, (value, why) in settled.items():
        if name.startswith("prepare.") and value:
            job.progress.note(f"{name}: {why}" if isinstance(value, list) else f"{name} is {value}: {why}")
    draft = recipe.with_values(draft, settled)
    draft = recipe.with_values(draft, calibration.machine(draft))
    size = building.bytes_per_example(data.preparation, data.examples, data.parts["train"])
    draft = recipe.with_values(draft, calibration.memory(draft, size, count))
    draft = recipe.with_values(draft, calibration.batch_size(draft, data.shown))
    draft = recipe.with_values(draft, calibration.choices(draft, job.folder, data))
    trial = model_of(replace(job, recipe=draft), data)
    draft = recipe.with_values(draft, calibration.channels_last(draft, trial))
    options = draft.options("training")
    place = placement(draft)

    draft = recipe.with_values(draft, _workers(job, data, draft))
    earlier = device.memory_peak()

    def measure(rival: float = math.inf) -> tuple[float, float]:
        most = measuring.TRIED if budget is None else min(measuring.MEASURED_SECONDS, 0.03 * budget)
        with measuring.enough_memory(options.batch_size):
            return measuring.measure(draft, job.folder, data, place, most, job.model, rival)

    if budget is not None and job.recipe.options("training").threads == "auto":
        decided, timed = calibration.threads(measure)
        draft = recipe.with_values(draft, decided)
    else:
        timed = measure()

    def seconds() -> float:
        assert budget is not None
        planned = calibration.shares(budget, job.clock.gone(), _after(job, data, timed[1]))
        job.progress.planned([planned.sentence(budget)])
        kept = {"baselines": planned.baselines, "finishing": planned.finishing}
        files.write_json(job.run.path("run.json"), {**job.run.state(), "kept": kept})
        return planned.training

    per_epoch = building.build_feed(draft, job.folder, data, place, options.batch_size).per_epoch
    decided = calibration.plan_cycles(draft, per_epoch, len(data.parts["valid"]), timed, seconds)
    draft = recipe.with_values(draft, decided)
    looks = watch.probe_batches(options.batch_size, draft.options("budget").steps, timed[0]) if options.doctor else 0
    job.progress.note(_memory_plan(data, draft, trial, size, (earlier, looks)))
    epochs = draft.options("budget").steps / per_epoch
    return recipe.with_values(draft, calibration.by_length(draft, job.folder, epochs))


def _memory_plan(data: Data, draft: Recipe, trial: nn.Module, size: int, seen: tuple[int, int]) -> str:
    """What the run will take at most; a prepared example takes `size` bytes.

    `seen` are the bytes that the process took before a cycle was tried, and how many batches the doctor looks at.
    """
    options, train = draft.options("training"), len(data.parts["train"])
    fitted = size * (train if "train" in data.prepared else min(train, building.STUDIED))
    answers = len(data.parts["test"]) * building.bytes_per_answer(data.preparation.schema)
    averaged = options.ema is not None
    examples = sum(map(len, data.parts.values()))
    return measuring.memory_plan(trial, averaged, fitted, answers, examples=examples, earlier=seen[0], looks=seen[1])


def _workers(job: Job, data: Data, draft: Recipe) -> calibration.Decisions:
    """Where training examples are decoded, said in the log where they are."""
    options, budget = draft.options("training"), draft.options("budget").time
    most = calibration.DECODING_SECONDS if budget is None else min(calibration.DECODING_SECONDS, 0.02 * budget)

    def cycle(count: int) -> float:
        tried = recipe.with_values(draft, {"training.workers": (count, "tried")})
        with measuring.enough_memory(options.batch_size):
            return measuring.cycle_seconds(tried, job.folder, data, placement(draft), most, job.model)[0]

    decoded = "train" not in data.prepared
    decided = calibration.workers(draft, decoded, cycle)
    if decoded:
        for count, why in decided.values():
            job.progress.note(f"training.workers is {count}: {why}")
    return decided


def _after(job: Job, data: Data, validation: float) -> calibration.After:
    """What comes after training, where a validation takes so many seconds; nothing, for one of several trainings."""
    if job.shared != Shared():
        return calibration.IDLE
    each = validation / max(1, len(data.parts["valid"]))
    explained = bool(data.examples.columns)
    return calibration.After(each, len(data.parts["test"]), explained, job.clock.slowness())


def _like(job: Job, data: Data, first: Recipe) -> Recipe:
    """The recipe with what the machine and the clock decided for `first`; what hangs on the data is decided anew."""
    draft = recipe.with_values(job.recipe, calibration.reading(job.recipe, job.folder, data, own=job.model is not None))
    own = recipe.flat(draft)
    taken = {
        path: (value, "as in the first member of this run")
        for path, value in recipe.flat(first).items()
        if path.startswith(("training.", "budget.")) and path != "budget.time" and own[path] != value
    }
    draft = recipe.with_values(draft, taken)
    return recipe.with_values(draft, calibration.choices(draft, job.folder, data))


def _extended(job: Job, data: Data) -> Job:
    """The job with the cycles of its extension added to the frozen recipe, as a phase of their own."""
    if not job.extension:
        job.run.set_state("running")
        return job
    state, _ = checkpoint.load_latest(job.run.path("checkpoints"))
    if state is None:
        raise RunError("This run has not begun to train.", where=str(job.run.folder), do="resume it without a budget")
    asked = recipe.budget(job.extension)
    place, begin = placement(job.recipe), int(state["progress"]["cycle"])
    most = measuring.TRIED if asked.time is None else measuring.MEASURED_SECONDS
    per_epoch = building.build_feed(
        job.recipe, job.folder, data, place, job.recipe.options("training").batch_size
    ).per_epoch
    added, why = calibration.cycles(
        asked,
        per_epoch,
        job.recipe.options("training").evaluate_every,
        measuring.measure(job.recipe, job.folder, data, place, most, job.model),
        lambda: (
            calibration.shares(
                asked.time or 0.0, job.clock.gone(), calibration.After(slowness=job.clock.slowness())
            ).training
        ),
    )
    further = {"budget.steps": (begin + added, f"{added:,} more than the {begin:,} before: {why}")}
    longer = recipe.with_values(job.recipe, further, "argument")
    files.write_json(job.run.path("run.json"), {**job.run.state(), "phase_start": begin})
    files.write_whole(job.run.path("recipe.yaml"), recipe.to_yaml(longer))
    job.run.set_state("running")
    return replace(job, recipe=longer)


def placement(frozen: Recipe) -> Placement:
    """Where batches go under this recipe."""
    options = frozen.options("training")
    return Placement(torch.device(options.device), bool(options.channels_last is True))


def model_of(job: Job, data: Data) -> nn.Module:
    """The user's own module where there is one, else what the recipe builds."""
    return job.model if job.model is not None else building.build_model(job.recipe, job.folder, data.preparation.schema)


def _try_own(model: nn.Module, data: Data) -> None:
    """Call a user's own module once; TrainingError, which says what it gets, where it cannot take the data."""
    schema = data.preparation.schema
    few = data.sample("valid", 2, 0).columns
    gets, answers = (
        ", ".join(f"{one.name} {one.shape} {one.dtype}" for one in fields) for fields in (schema.inputs, schema.outputs)
    )
    if not any(parameter.requires_grad for parameter in model.parameters()):
        raise TrainingError("Your module has no parameter to train.", where=type(model).__name__)
    try:
        network = torch_network(model, device=next(model.parameters()).device)
        inference(data.preparation.inference, schema)(network, few, 2)
    except (RuntimeError, TypeError, ValueError, StepwellError) as error:
        raise TrainingError(
            f"Your module cannot take the prepared inputs, {gets} for each example: {str(error).partition(chr(10))[0]}",
            where=type(model).__name__,
            do=f"let forward take them in this order, ragged ones followed by their lengths, and answer {answers}",
        ) from error
