"""The members of a run of several trainings: made or taken up again, trained, their answers written and read back."""

from __future__ import annotations

import copy
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from torch import nn

from stepwell import calibration, checkpoint, files, planning, recipe, training
from stepwell import run as run_folders
from stepwell.building import Data
from stepwell.errors import BudgetError, Interrupted, RunError, TrainingError, counted
from stepwell.job import Clock, Job, Shared
from stepwell.loop import chosen_weights
from stepwell.recipe import Recipe
from stepwell.run import Run
from stepwell.schema import Array, Columns

FEW_CYCLES, FEW_EPOCHS = 100, 3  # shorter trainings mostly tell how they began


@dataclass(frozen=True)
class Answers:
    """What was answered to some examples: their ids, predictions and truth, columns in original terms."""

    ids: tuple[str, ...]
    predictions: Columns
    truth: Columns


def open_member(parent: Job, number: int, draft: Recipe) -> tuple[Run, Recipe]:
    """The run `members/NN` of `parent`, made where it is absent, and its recipe: the frozen one where it has one."""
    folder = parent.run.path("members") / f"{number:02d}"
    if not (folder / "run.json").is_file():
        run = run_folders.create(folder, "single", parent.folder.name, parent.run.state()["command"])
        files.write_whole(run.path("draft.yaml"), recipe.to_yaml(draft))
        return run, draft
    run = run_folders.open_run(folder)
    return run, run.recipe() if run.path("recipe.yaml").exists() else draft


def finished(run: Run) -> bool:
    """Whether a member has nothing left to do."""
    return bool(run.state()["state"] == "finished")


def learn(
    parent: Job, run: Run, draft: Recipe, shared: Shared, start: Run | None = None
) -> tuple[Job, Data, nn.Module]:
    """Train one member, or go on with it; returns its job with the frozen recipe, the data, and the trained model.

    Its clock begins now: the time in its recipe is its own share of the whole, and its stages are stages of the whole.
    How it ended is noted in its own `run.json`; `Interrupted` says how the parent is taken up again.
    """
    model = copy.deepcopy(parent.model)  # a module of the caller's is where every member begins
    job = replace(parent, run=run, recipe=draft, clock=Clock(), shared=shared, start=start or parent.start, model=model)
    try:
        with run.lock():
            learned = training.learn(job)
        parent.clock.add(job.clock)
        return learned
    except BaseException as error:
        training.interrupted_or_failed(run, error)
        if isinstance(error, Interrupted):
            again = f"stepwell resume {parent.run.folder}"
            raise Interrupted(f"Member {run.folder.name}: {error.what}", where=error.where, do=again) from error
        if isinstance(error, BudgetError):
            raise _too_little(parent, run, draft, error) from error
        raise


def _too_little(parent: Job, run: Run, draft: Recipe, error: BudgetError) -> TrainingError:
    """The same in terms of the whole budget, which is what the user can give more of."""
    whole, share = float(parent.recipe.options("budget").time), float(draft.options("budget").time)
    return TrainingError(
        f"The share of member {run.folder.name} in the time budget of {whole:.0f} s, {share:.0f} s, is used up before "
        "training can begin.",
        do=f"give at least --time {math.ceil(whole * error.least / share)}s, or --epochs 1, or ask for fewer trainings",
    )


def with_share(
    draft: Recipe, whole: float | None, gone: float, left: int, *, baselines: bool, slowness: float = 1.0
) -> Recipe:
    """The recipe with this member's share of the time budget `whole`, of which `gone` seconds are used.

    `left` members are still to be trained, this one among them. None exports or reports, and those that fit no
    `baselines` leave these to the whole too: a member's stated time is its share and what a run by itself would keep
    back for that. The whole keeps `slowness` times what it needs on a machine of its own (see `Clock.slowness`).
    """
    if whole is None:
        return draft
    after = calibration.After(slowness=slowness)
    kept = calibration.finishing_seconds(whole, after) + (0.0 if baselines else calibration.baseline_seconds(whole))
    share = max(1.0, (whole - gone - kept) / left)
    why = f"{share:.0f} s of its own: what is left of {whole:.0f} s, divided by {left}"
    return recipe.with_values(draft, {"budget.time": (_stated(share, baselines=baselines), why)})


def _stated(seconds: float, *, baselines: bool) -> float:
    """The time budget that leaves `seconds` once the shares that a member does not need are kept back."""
    low, high = seconds, 2 * seconds
    for _ in range(50):
        middle = (low + high) / 2
        kept = calibration.finishing_seconds(middle) + (0.0 if baselines else calibration.baseline_seconds(middle))
        low, high = (middle, high) if middle - kept < seconds else (low, middle)
    return high


def lengths(runs: Sequence[Run], *, chained: bool = False) -> str:
    """How long the trainings were, in sentences, and whether that is so short that they say little.

    `chained` trainings go on from each other and count as one.
    """
    last = [files.read_lines(run.path("history.jsonl"))[-1] for run in runs]
    cycles, epochs = [int(one["cycle"]) for one in last], [int(one["epoch"]) for one in last]
    if chained:
        cycles, epochs = [sum(cycles)], [sum(epochs)]
    said = f"{'Together they were' if chained else 'Each was'} trained for {_range(cycles, 'cycle')}"
    said += f", {_range(epochs, 'whole epoch')}."
    cut = [run.folder.name for run in runs if run.state().get("cut_short")]
    if cut:
        said += f" The clock cut {', '.join(cut)} short."
    if min(cycles) < FEW_CYCLES or min(epochs) < FEW_EPOCHS:
        said += " That is little: longer trainings may score and compare otherwise; give more --time or --epochs."
    return said


def _range(counts: Sequence[int], one: str) -> str:
    least, most = min(counts), max(counts)
    most_said = counted(most, one, f"{one}s")
    return most_said if least == most else f"{least:,} to {most_said}"


def model_of(parent: Job, run: Run, data: Data) -> nn.Module:
    """The trained network of a member, with the weights that its validation chose; `RunError` where it has none."""
    model = copy.deepcopy(planning.model_of(replace(parent, run=run, recipe=run.recipe()), data))
    state, _ = checkpoint.load_latest(run.path("checkpoints"))
    if state is None:
        raise RunError("A finished member has no weights.", where=str(run.folder), do="remove it and resume its parent")
    model.load_state_dict(dict(chosen_weights(state)))
    return model.eval()


def write_answers(run: Run, name: str, answers: Answers, part: str = "test") -> None:
    """`predictions/<name>.jsonl`, one line an example: id, part, truth and prediction in original terms."""
    path = run.path("predictions") / f"{name}.jsonl"
    path.parent.mkdir(exist_ok=True)
    with files.whole_file(path) as out:
        for row, one in enumerate(answers.ids):
            line = {
                "id": one,
                "part": part,
                "target": {key: column[row] for key, column in answers.truth.items()},
                "output": {key: column[row] for key, column in answers.predictions.items()},
            }
            out.write(files.json_text(line).encode() + b"\n")


def read_answers(run: Run, name: str) -> Answers:
    """What `write_answers` wrote: numbers as float64 arrays, whatever else as lists. `RunError` where it is damaged."""
    path = run.path("predictions") / f"{name}.jsonl"
    lines = files.read_lines(path)
    try:
        ids = tuple(line["id"] for line in lines)
        outputs, targets = ([line[key] for line in lines] for key in ("output", "target"))
        return Answers(ids, _columns(outputs), _columns(targets))
    except (KeyError, TypeError) as error:
        raise RunError(f"{path.name} is damaged: {error}.", where=str(path), do="restore it from a copy") from error


def _columns(rows: Sequence[Mapping[str, Any]]) -> Columns:
    return {name: _column([row[name] for row in rows]) for name in (rows[0] if rows else ())}


def _column(values: list[Any]) -> Any:
    """Numbers of one shape as one float64 array, of other shapes as one array each; anything else as it is."""
    whole = _array(values)
    if whole is not None:
        return whole
    each = [_array(one) if isinstance(one, list) else None for one in values]
    return values if any(one is None for one in each) else each


def _array(values: list[Any]) -> Array | None:
    """Nested lists of numbers as a float64 array; None where they are no numbers, or of unequal lengths."""
    leaves: list[Any] = values
    while leaves and all(isinstance(one, list) for one in leaves):
        if len({len(one) for one in leaves}) > 1:
            return None
        leaves = [leaf for one in leaves for leaf in one]
    if all(isinstance(one, int | float) and not isinstance(one, bool) for one in leaves):
        return np.asarray(values, dtype=np.float64)
    return None
