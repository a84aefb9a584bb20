"""Turns `auto` values and a time budget into numbers, before anything that counts is trained.

What is measured for that (see `measuring`) is measured before: after the recipe is frozen nothing follows the clock,
and what was decided, from what evidence, is the origin of each value. Training has at least 70 % of
a time budget where start-up allows; the plan is printed.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from torch import nn

from stepwell import device, discovery, recipe
from stepwell.building import Data
from stepwell.errors import BudgetError, TrainingError
from stepwell.judge import bootstrap
from stepwell.schema import Examples
from stepwell.settings import Budget

Decisions = dict[str, tuple[Any, str]]
MEMORY_SHARE = 0.25  # of the machine's memory that prepared data may take
MEMORY_MOST = 4 * 2**30  # bytes
BASELINE_SHARE, BASELINE_MOST = 0.08, 40.0  # of the budget; seconds
FINISHING, FINISHING_SHARE = 11.0, 0.15  # seconds for export, gate, judging and report (measured: 3 to 11); share
LOADING = 2.5  # seconds to load torch's compiler, which exporting needs and training does not (measured: 1.8 to 2.8)
FINISHING_MOST = 0.4  # of the budget, where the machine is slow or the test part large
FINISHING_LATER = 0.5  # of the budget, where it became slower since
ASKED, EXPLAINED = 11_000, 65_000  # answers besides those to the test part: for gate and confidence; for importance
SCORED = 5e-7  # seconds to score one test example in one resample, with all metrics and rivals
ADAPTED_SHARE = 0.08  # of the budget, for what takes fewer resamples and examples where less is left
TRAINED_SHARE = 0.6  # of the budget that training has at least, as a rule
OPERATIONS = 4e10  # additions and multiplications a second and core (of convolutions 5e10 were measured)
LEAST_TRAINING = 5.0  # seconds for which a longer budget is worth asking
MARGIN = 0.08  # of the training time, so that a machine that slows down a little still ends its schedule
LONG = 1.0  # seconds of a cycle of which all cores do their part, so that one thread is not tried
DECODING_SECONDS = 1.5  # of measuring training cycles, once without decoding threads and once with them


@dataclass(frozen=True)
class Shares:
    """How a time budget is planned, in seconds: what is gone already, training, baselines, and finishing."""

    gone: float
    training: float
    baselines: float
    finishing: float

    def sentence(self, budget: float) -> str:
        """The plan in words."""
        return (
            f"planned within {budget:.0f} s: {self.gone:.0f} s so far, {self.training:.0f} s training, "
            f"{self.baselines:.0f} s baselines, {self.finishing:.0f} s export, judging and report"
        )


@dataclass(frozen=True)
class After:
    """What is known before training of the work after it.

    `each` is the seconds of one answer of the network, `test` the examples that are judged, `explained` whether
    columns are shuffled to see what answers rest on, `slowness` the seconds of the clock for one of the processor.
    """

    each: float = 0.0
    test: int = 0
    explained: bool = False
    slowness: float = 1.0


IDLE = After()
"""A small test part on a machine that nobody else uses."""


def shares(budget: float, gone: float, after: After = IDLE) -> Shares:
    """Plan `budget` seconds of which `gone` are used; BudgetError where nothing is left to train in."""
    baselines, finishing = baseline_seconds(budget), finishing_seconds(budget, after)
    training = budget - gone - baselines - finishing
    if training <= 0:
        least = (gone + LEAST_TRAINING) / (1.0 - BASELINE_SHARE - FINISHING_MOST)  # enough, whatever comes after
        raise BudgetError(
            f"The time budget of {budget:.0f} s is used up before training can begin "
            f"({gone:.0f} s went into reading, checking and preparing the data, and measuring).",
            least=least,
            do=f"give at least --time {math.ceil(least)}s, or --epochs 1",
        )
    return Shares(gone, training, baselines, finishing)


def baseline_seconds(budget: float | None) -> float:
    """What fitting the baselines may take; a part of the budget where there is one."""
    return BASELINE_MOST if budget is None else min(BASELINE_SHARE * budget, BASELINE_MOST)


def finishing_seconds(budget: float, after: After = IDLE) -> float:
    """What is kept for export, gate, judging and report: as much as was measured to be needed, and is in proportion."""
    needed = (LOADING + min(FINISHING_SHARE * budget, FINISHING)) * after.slowness + after.each * (after.test + ASKED)
    scored = after.slowness * SCORED * after.test * bootstrap.replicates(after.test)
    adapted = scored + (after.each * EXPLAINED if after.explained else 0.0)
    return min(needed + min(adapted, ADAPTED_SHARE * budget), FINISHING_MOST * budget)


def machine(draft: recipe.Recipe) -> Decisions:
    """Device, precision and threads where they are `auto`."""
    options = draft.options("training")
    found: Decisions = {}
    name, why = device.pick(options.device)
    if options.device == "auto":
        found["training.device"] = (name, why)
    precision, why = device.pick_precision(options.precision, name)
    if options.precision == "auto":
        found["training.precision"] = (precision, why)
    if options.threads == "auto":
        threads = device.cores()
        found["training.threads"] = (threads, f"{threads} cores may be used here")
    return found


def within_time(draft: recipe.Recipe, folder: discovery.Folder, examples: Examples, train: Sequence[int]) -> Decisions:
    """What the task's `choose.afford` says that a time budget asks for, before anything is prepared.

    It is told how many operations a training on the processor can make in that time. An accelerator makes so many more
    that nothing is decided for one.
    """
    options, budget = draft.options("training"), draft.options("budget").time
    afford = getattr(folder.module("choose"), "afford", None) if folder.has("choose") else None
    if afford is None or budget is None or device.pick(options.device)[0] != "cpu":
        return {}
    threads = device.cores() if options.threads == "auto" else options.threads
    found: Decisions = afford(draft, examples, train, OPERATIONS * threads * TRAINED_SHARE * budget)
    return found


def reading(draft: recipe.Recipe, folder: discovery.Folder, data: Data, *, own: bool) -> Decisions:
    """The reader that recognized the data, what the time asked for, and what `prepare.resolve` says its fit settled.

    The time asks for nothing where the network is the user's `own`: how long that takes is not reckoned beforehand.
    """
    found: Decisions = {} if own else dict(within_time(draft, folder, data.examples, data.parts["train"]))
    draft = recipe.with_values(draft, found)
    if draft.name("reader") == "auto":
        found["reader.name"] = (data.examples.reader, "it recognized the data")
    found.update({f"reader.{name}": decided for name, decided in data.examples.settled.items()})
    prepare = folder.module("prepare")
    if hasattr(prepare, "resolve"):
        settled = prepare.resolve(draft.options("prepare"), data.examples, data.parts["train"])
        found.update({f"prepare.{name}": decided for name, decided in settled.items()})
    return found


def memory(draft: recipe.Recipe, schema_bytes: int, count: int) -> Decisions:
    """Whether the prepared data lie in memory."""
    if draft.options("training").memory != "auto":
        return {}
    size, most = schema_bytes * count, min(MEMORY_MOST, MEMORY_SHARE * device.memory_total())
    fits = size <= most
    compared = (
        f"{count:,} examples take {size / 2**30:.2f} GB prepared, {'within' if fits else 'over'} {most / 2**30:.1f} GB"
    )
    return {"training.memory": ("in_memory" if fits else "decoded", compared)}


def batch_size(draft: recipe.Recipe, train: int) -> Decisions:
    """A batch size for `train` examples: about 1/50 of them, a power of two from 16 to 128."""
    if draft.options("training").batch_size != "auto":
        return {}
    size = 2 ** round(math.log2(min(128, max(16, train / 50))))
    return {"training.batch_size": (size, f"about a fiftieth of {train:,} training examples, from 16 to 128")}


def choices(draft: recipe.Recipe, folder: discovery.Folder, data: Data) -> Decisions:
    """The `auto` values of the chosen model, which its `resolve(options, field)` decides, and the task's own."""
    found: Decisions = {}
    module = draft.module("model")
    if hasattr(module, "resolve"):
        resolved = module.resolve(draft.options("model"), data.preparation.schema.inputs[0])
        found.update({f"model.{name}": decided for name, decided in resolved.items()})
    if folder.has("choose"):
        seed = draft.values["seed"]
        train, valid = (data.studied(part, seed) for part in ("train", "valid"))
        found.update(folder.module("choose").choose(draft, train, valid, seed))
    return found


def by_length(draft: recipe.Recipe, folder: discovery.Folder, epochs: float) -> Decisions:
    """What the task's `choose.settle` makes of the planned length of training, in epochs."""
    settle = getattr(folder.module("choose"), "settle", None) if folder.has("choose") else None
    found: Decisions = settle(draft, epochs) if settle else {}
    return found


def channels_last(draft: recipe.Recipe, model: nn.Module) -> Decisions:
    """Channels-last memory where the network convolves (measured: 1.3 to 1.4 times as fast on a CPU)."""
    if draft.options("training").channels_last != "auto":
        return {}
    convolves = any(isinstance(module, nn.Conv2d) for module in model.modules())
    return {
        "training.channels_last": (
            convolves,
            "the network convolves" if convolves else "the network has no convolution",
        )
    }


def plan_cycles(
    draft: recipe.Recipe, per_epoch: int, valid: int, timed: tuple[float, float], available: Callable[[], float]
) -> Decisions:
    """How many cycles to train and when to validate, where the recipe leaves that open; see `cycles`."""
    options = draft.options("training")
    usual = _evaluate_every(options, per_epoch, valid, per_epoch)
    planned, why = cycles(draft.options("budget"), per_epoch, usual, timed, available)
    found: Decisions = {}
    if draft.options("budget").steps != planned:
        found["budget.steps"] = (planned, why)
    if options.evaluate_every == "auto":
        every = _evaluate_every(options, per_epoch, valid, planned)
        found["training.evaluate_every"] = (
            every,
            "an epoch, oftener in a short training, never over a tenth of the work",
        )
    return found


def cycles(
    budget: Budget, per_epoch: int, evaluate_every: int, timed: tuple[float, float], available: Callable[[], float]
) -> tuple[int, str]:
    """The cycles that a budget allows, by whichever of its limits is reached first, and the reason.

    `timed` are the seconds of a cycle and of a validation, `available()` those that the plan leaves to
    training once measuring is done; they count, and it is asked, only where a time rules.
    """
    limits = [(budget.steps, "as asked")] if budget.steps is not None else []
    if budget.epochs is not None:
        limits.append((budget.epochs * per_epoch, f"{budget.epochs} epochs of {per_epoch} cycles"))
    if budget.time is not None:
        cycle, validation = timed
        seconds = available()
        within = max(1, int(seconds * (1 - MARGIN) / (cycle + validation / evaluate_every)))
        reason = f"{seconds:.0f} s at {1000 * cycle:.1f} ms a cycle and {validation:.2f} s a validation"
        limits.append((within, reason))
    if not limits:
        raise TrainingError("The recipe has no budget.", do="give one of --time, --epochs and --steps")
    return min(limits)


def _evaluate_every(options: Any, per_epoch: int, valid: int, cycles: int) -> int:
    if options.evaluate_every != "auto":
        return int(options.evaluate_every)
    # A forward pass over the validation part costs about a third of training on as many examples.
    size = options.batch_size if isinstance(options.batch_size, int) else 64
    cheapest = math.ceil(10 * valid / (3 * size))
    return max(1, min(max(cheapest, min(per_epoch, max(1, cycles // 10))), cycles))


def workers(draft: recipe.Recipe, decoded: bool, measured: Callable[[int], float]) -> Decisions:
    """Where training examples are decoded: in the training's own thread, or in as many others as there are cores.

    `measured(count)` are the seconds of a cycle with so many. The batches are the same either way, so that this may
    follow the clock under any budget.
    """
    if draft.options("training").workers != "auto":
        return {}
    if not decoded:
        return {"training.workers": (0, "the training examples lie in memory, so that nothing is left to decode")}
    times = {count: measured(count) for count in (0, device.cores())}
    best = min(times, key=lambda count: times[count])
    told = ", ".join(f"{1000 * cycle:.0f} ms a cycle with {count}" for count, cycle in times.items())
    return {"training.workers": (best, f"measured: {told} (0 decodes in the training's own thread)")}


def threads(measured: Callable[[float], tuple[float, float]]) -> tuple[Decisions, tuple[float, float]]:
    """All cores or one thread, whichever takes less time a cycle: small networks, and cores that others use, want one.

    `measured` gets the least seconds of a cycle so far. Returns the decision, and what `measured` gave with it.
    Asked only under a time budget: the number of threads is part of a result's last bits, and a training of so
    many cycles or epochs must not depend on a measurement.
    """
    times: dict[int, tuple[float, float]] = {}
    for count in {device.cores(): None, 1: None}:
        fastest = min((cycle for cycle, _ in times.values()), default=math.inf)
        if LONG < fastest < math.inf:
            break
        device.set_threads(count)
        times[count] = measured(fastest)
    best = min(times, key=lambda count: times[count][0])
    device.set_threads(best)
    told = ", ".join(f"{1000 * cycle:.1f} ms a cycle with {count}" for count, (cycle, _) in times.items())
    return {"training.threads": (best, f"measured: {told}")}, times[best]


def unresolved(completed: recipe.Recipe) -> None:
    """Raise TrainingError where an `auto` is left: a setting that nobody decides cannot be frozen.

    Those of a reader stay: it finds the same columns in the same data again, and says which.
    """
    left = [path for path in recipe.unresolved(completed) if not path.startswith("reader.")]
    if left:
        raise TrainingError(
            f"Nothing decides the automatic value of {', '.join(left)}.",
            do=f"set it by hand, for instance --{left[0]} VALUE",
        )
