"""The one training loop: an iterator of plain facts that can say its whole state.

    for event in Training(model, turns, feed, plan, evaluate):
        ...                                   # Step after each cycle, Evaluation after each validation

A *step* is one optimizer update of one objective; a *cycle* is one pass over all objectives; what
is planned, scheduled, recorded and saved counts cycles. Nothing in here reads the clock, writes a
file or knows a task: progress, history, checkpoints and the doctor are plain code around the `for`.
Between two events the state is whole, and `state()` says all of it.
"""

from __future__ import annotations

import math
import random
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import torch
from torch import Tensor, nn
from torch.optim.swa_utils import AveragedModel

from stepwell.errors import RunError, TrainingError
from stepwell.feed import Feed
from stepwell.schema import Batch, Loss, Objective
from stepwell.task import Select

Precision = Literal["fp32", "bf16", "fp16"]
READ_EVERY = 64  # cycles between two looks at the non-finite flag where reading it would wait for the device


LOWER_RATE = (
    "lower --optimizer.learning_rate (by 10 at first), clip with --training.clip_norm 1, or add --training.warmup 0.05"
)


@dataclass(frozen=True)
class Plan:
    """All that the loop must know beforehand; numbers only, nothing that follows the clock.

    `cycles` to train in all, of which those before `phase_start` belong to an earlier, finished phase (a
    run that goes on beyond its end gets a new schedule for the added cycles). `end` is the cycle at which the
    training was cut short, for one that is taken up after that. `warmup` is the share
    of the phase's cycles in which the rate grows linearly from zero. `evaluate_every` is in cycles,
    `patience` in validations without gain. `ema` is the decay of the averaged weights, or None.
    """

    cycles: int
    evaluate_every: int
    accumulate: int = 1
    warmup: float = 0.0
    clip_norm: float | None = None
    clip_value: float | None = None
    l1: float = 0.0
    ema: float | None = None
    precision: Precision = "fp32"
    patience: int | None = None
    select: Select | None = None
    phase_start: int = 0
    end: int | None = None


@dataclass(frozen=True)
class Turn:
    """An objective with what minimizes it.

    `factor(cycle, total, evaluations)` multiplies the optimizer's base rate; it is the schedule's pure function.
    `step` makes the optimizer's step, where there is a quicker way to the same bits than its own.
    """

    objective: Objective
    optimizer: torch.optim.Optimizer
    factor: Callable[[int, int, Sequence[float]], float]
    step: Callable[[], object] | None = None


@dataclass(frozen=True)
class Step:
    """One cycle: its number (from 1), its epoch (from 0), and per objective the loss of its last update.

    `losses` and `gradient_norms` are 0-d tensors that nobody has read yet; `size` is that of all its batches.
    """

    cycle: int
    epoch: int
    losses: Mapping[str, Tensor]
    learning_rates: Mapping[str, float]
    gradient_norms: Mapping[str, Tensor]
    size: int


@dataclass(frozen=True)
class Evaluation:
    """One validation: the metrics by name, whether they are the best so far, and whether patience ended."""

    cycle: int
    epoch: int
    values: Mapping[str, float]
    best: bool
    stop: bool


class Diverged(TrainingError):
    """The loss is no longer a number."""

    def __init__(self, objective: str, cycle: int) -> None:
        self.cycle = cycle
        super().__init__(
            f"Training diverged: the loss of {objective!r} is not finite at cycle {cycle}.",
            do=f"{LOWER_RATE}; if the very first loss is not finite, look for such values in the data",
        )


class Training:
    """Train `model` as `plan` says; iterate to go on, one event at a time.

    `evaluate(network)` gives the validation metrics of a module (the averaged one where there is
    one); it leaves modes, buffers and generators as they were. `state` is what `state()` gave.
    """

    def __init__(
        self,
        model: nn.Module,
        turns: Sequence[Turn],
        feed: Feed,
        plan: Plan,
        evaluate: Callable[[nn.Module], Mapping[str, float]],
        *,
        forward: nn.Module | None = None,
        state: Mapping[str, Any] | None = None,
    ) -> None:
        self.model, self.plan = model, plan
        self._forward = model if forward is None else forward  # a compiled twin that shares the parameters
        self._turns, self._feed, self._evaluate_network = turns, feed, evaluate
        self._device = next(model.parameters()).device
        self._parameters = {
            turn.objective.name: [p for group in turn.optimizer.param_groups for p in group["params"]] for turn in turns
        }
        self._rates = {
            turn.objective.name: [float(group["lr"]) for group in turn.optimizer.param_groups] for turn in turns
        }
        self._averaged = None if plan.ema is None else _averaged(model, plan.ema)
        self._scaler = torch.amp.GradScaler(self._device.type, enabled=plan.precision == "fp16")
        self._end = plan.cycles if plan.end is None else plan.end
        self._not_finite = torch.zeros((), dtype=torch.bool, device=self._device)
        self.cycle = 0
        self._size = 0  # of the batches of this cycle
        self._position = 0
        self._evaluated_at = -1
        self._evaluations: list[float] = []
        self._since_best = 0
        self._stopped = False
        self.best: dict[str, Any] | None = None
        if state is not None:
            self._restore(state)

    @property
    def network(self) -> nn.Module:
        """The module whose answers count: the averaged one where there is one."""
        return self.model if self._averaged is None else self._averaged.module

    @property
    def epoch(self) -> int:
        """Whole epochs done."""
        return self._position // self._feed.per_epoch

    @property
    def ended(self) -> bool:
        """Whether no cycle follows."""
        return self.cycle >= self._end or self._stopped

    @property
    def stopped_early(self) -> bool:
        """Whether patience ended the training."""
        return self._stopped

    def __iter__(self) -> Iterator[Step | Evaluation]:
        batches = self._feed.batches(self._position)
        self.model.train()
        try:
            while True:
                if self._validation_is_due():
                    yield self._validate()
                if self.ended:
                    return
                yield self._one_cycle(batches)
        finally:
            closing = getattr(batches, "close", None)
            if closing is not None:
                closing()

    def _one_cycle(self, batches: Iterator[Batch]) -> Step:
        losses: dict[str, Tensor] = {}
        norms: dict[str, Tensor] = {}
        rates: dict[str, float] = {}
        epoch = self.epoch
        done, total = self.cycle - self.plan.phase_start, self.plan.cycles - self.plan.phase_start
        self._size = 0
        for turn in self._turns:
            name = turn.objective.name
            if self.cycle % turn.objective.every:
                continue
            factor = self._warm(done, total) * turn.factor(done, total, self._evaluations)
            for group, rate in zip(turn.optimizer.param_groups, self._rates[name], strict=True):
                group["lr"] = rate * factor
            rates[name] = self._rates[name][0] * factor
            for _ in range(turn.objective.updates):
                losses[name] = self._update(turn, batches, norms)
        self.cycle += 1
        if self._averaged is not None:
            self._averaged.update_parameters(self.model)
        self._look_for_non_finite()
        return Step(self.cycle, epoch, losses, rates, norms, self._size)

    def _update(self, turn: Turn, batches: Iterator[Batch], norms: dict[str, Tensor]) -> Tensor:
        """One optimizer step of one objective; returns its loss, detached."""
        plan, objective = self.plan, turn.objective
        for parameter in self._parameters[objective.name]:
            parameter.grad = None
        if plan.accumulate == 1:
            total = self._loss(turn, next(batches), None)
            self._scaler.scale(total).backward()
            loss = total.detach()
            self._position += 1
        else:
            loss = self._accumulate(turn, [next(batches) for _ in range(plan.accumulate)])
        if self._device.type == "cpu":
            if not math.isfinite(loss.item()):
                raise Diverged(objective.name, self.cycle + 1)
        else:
            self._not_finite |= ~torch.isfinite(loss)
        if plan.clip_norm is not None or plan.clip_value is not None:
            self._scaler.unscale_(turn.optimizer)
            parameters = self._parameters[objective.name]
            if plan.clip_value is not None:
                nn.utils.clip_grad_value_(parameters, plan.clip_value)
            if plan.clip_norm is not None:
                norms[objective.name] = self._clip_norm(parameters, plan.clip_norm)
        if turn.step is None or self._scaler.is_enabled():
            self._scaler.step(turn.optimizer)
            self._scaler.update()
        else:
            turn.step()
        return loss

    def _clip_norm(self, parameters: Sequence[nn.Parameter], most: float) -> Tensor:
        """Scale the gradients down to the norm `most` over all; returns the norm that they had.

        Where the norm can be read without waiting, gradients within it are not multiplied by 1.
        """
        norm = nn.utils.get_total_norm([p.grad for p in parameters if p.grad is not None]).detach()
        if self._device.type != "cpu" or not norm.item() <= most:
            nn.utils.clip_grads_with_norm_(parameters, most, norm)
        return norm

    def _accumulate(self, turn: Turn, micro: Sequence[Batch]) -> Tensor:
        """Gradients of several micro-batches as if they were one batch: each term is divided by its count in all."""
        counts: dict[str, float] = {}
        for batch in micro:
            ahead = turn.objective.counts(batch) if turn.objective.counts else {"": float(len(batch))}
            for name, count in ahead.items():
                counts[name] = counts.get(name, 0.0) + count
        loss = torch.zeros((), device=self._device)
        for batch in micro:
            total = self._loss(turn, batch, counts)
            self._scaler.scale(total).backward()
            loss = loss + total.detach()
        self._position += len(micro)
        return loss

    def _loss(self, turn: Turn, batch: Batch, counts: Mapping[str, float] | None) -> Tensor:
        """The weighted sum of the terms of one (micro-)batch, each over `counts` or over its own count."""
        self._size += batch.size
        if self.plan.precision == "fp32":
            loss = turn.objective.loss(self._forward, batch)
        else:
            dtype = torch.bfloat16 if self.plan.precision == "bf16" else torch.float16
            with torch.autocast(self._device.type, dtype):
                loss = turn.objective.loss(self._forward, batch)
        total = combined(loss, counts, turn.objective.name)
        if self.plan.l1:
            share = 1.0 if counts is None else 1.0 / self.plan.accumulate
            matrices = [p for p in self._parameters[turn.objective.name] if p.ndim > 1]
            total = total + self.plan.l1 * share * torch.stack([p.abs().sum() for p in matrices]).sum()
        return total

    def _warm(self, done: int, total: int) -> float:
        length = self.plan.warmup * total
        return min(1.0, (done + 1) / length) if length >= 1 else 1.0

    def _look_for_non_finite(self) -> None:
        if self._device.type == "cpu" or (self.cycle % READ_EVERY and self.cycle < self._end):
            return
        if self._not_finite.item():
            raise Diverged(self._turns[-1].objective.name, self.cycle)

    def check_finite(self) -> None:
        """`Diverged` where a loss since the last look, or a weight, is not finite: nothing of that is to be kept."""
        if self._not_finite.item() or not all(bool(torch.isfinite(p).all()) for p in self.model.parameters()):
            raise Diverged(self._turns[-1].objective.name, self.cycle)

    def _validation_is_due(self) -> bool:
        if self._evaluated_at >= self.cycle:
            return False
        return self.cycle > 0 and (self.cycle % self.plan.evaluate_every == 0 or self.cycle >= self._end)

    def _validate(self) -> Evaluation:
        self.check_finite()
        values = dict(self._evaluate_network(self.network))
        self._evaluated_at = self.cycle
        select = self.plan.select
        if select is None:
            return Evaluation(self.cycle, self.epoch, values, best=True, stop=False)
        value = values[select.quantity]
        oriented = -value if select.direction == "max" else value
        self._evaluations.append(oriented)
        before = math.inf if self.best is None else self._best_so_far(select)
        best = math.isfinite(oriented) and oriented <= before  # the later of equals: it has trained on
        if best:
            weights = {name: tensor.detach().clone() for name, tensor in self.network.state_dict().items()}
            chosen = {"quantity": select.quantity, "oriented": oriented, "value": value}
            self.best = {"cycle": self.cycle, **chosen, "weights": weights}
        self._since_best = 0 if oriented < before else self._since_best + 1
        self._stopped = self.plan.patience is not None and self._since_best >= self.plan.patience
        return Evaluation(self.cycle, self.epoch, values, best=best, stop=self._stopped)

    def _best_so_far(self, select: Select) -> float:
        """What the best weights are worth, oriented; measured anew where another Stepwell chose by another quantity."""
        assert self.best is not None
        if self.best.get("quantity") != select.quantity:
            now = {name: tensor.detach().clone() for name, tensor in self.network.state_dict().items()}
            self.network.load_state_dict(self.best["weights"])
            value = self._evaluate_network(self.network)[select.quantity]
            self.network.load_state_dict(now)
            anew = {"oriented": -value if select.direction == "max" else value, "value": value}
            self.best |= {"quantity": select.quantity, **anew}
        oriented: float = self.best["oriented"]
        return oriented

    def end_here(self) -> None:
        """Train no further cycle; what is left of the iteration is the validation of this one."""
        self._end = self.cycle

    def best_weights(self) -> Mapping[str, Tensor]:
        """The state dict that selection chose; the last weights where nothing selects."""
        return self.network.state_dict() if self.best is None else self.best["weights"]

    def state(self) -> dict[str, Any]:
        """All that a checkpoint must hold, as nested dicts and lists of tensors and JSON values."""
        return {
            "model": dict(self.model.state_dict()),
            "averaged": None if self._averaged is None else dict(self._averaged.state_dict()),
            "optimizers": {turn.objective.name: turn.optimizer.state_dict() for turn in self._turns},
            "scaler": self._scaler.state_dict(),
            "generators": _generators(self._device),
            "best": self.best,
            "progress": {
                "cycle": self.cycle,
                "position": self._position,
                "evaluated_at": self._evaluated_at,
                "evaluations": self._evaluations,
                "since_best": self._since_best,
                "stopped": self._stopped,
            },
        }

    def _restore(self, state: Mapping[str, Any]) -> None:
        try:
            self.model.load_state_dict(state["model"])
            if self._averaged is not None:
                self._averaged.load_state_dict(state["averaged"])
            for turn in self._turns:
                _load_optimizer(turn.optimizer, state["optimizers"][turn.objective.name])
            self._scaler.load_state_dict(state["scaler"])
            progress, generators = state["progress"], state["generators"]
        except (AttributeError, KeyError, RuntimeError, TypeError, ValueError) as error:
            raise RunError(
                f"The checkpoint does not fit the model that the recipe builds: {error}.",
                do="resume with the code, recipe and data that the run was started with",
            ) from error
        self.cycle, self._position = progress["cycle"], progress["position"]
        self._evaluated_at, self._evaluations = progress["evaluated_at"], list(progress["evaluations"])
        if self.cycle > self.plan.phase_start:  # a new phase begins with its patience whole
            self._since_best, self._stopped = progress["since_best"], progress["stopped"]
        self.best = state["best"]
        _set_generators(generators, self._device)


def _generators(device: torch.device) -> dict[str, Any]:
    """The states of all generators that a network may draw from, Python's and numpy's among them."""
    version, numbers, gauss = random.getstate()
    name, keys, *rest = np.random.get_state(legacy=True)  # noqa: NPY002 - networks of others draw from it
    found = {
        "cpu": torch.get_rng_state(),
        "python": [version, torch.tensor(numbers), gauss],
        "numpy": [name, torch.from_numpy(np.asarray(keys, dtype=np.int64)), *rest],
    }
    if device.type == "cuda":
        found["cuda"] = torch.cuda.get_rng_state(device)
    elif device.type == "mps":
        found["mps"] = torch.mps.get_rng_state()
    return found


def _set_generators(states: Mapping[str, Any], device: torch.device) -> None:
    """Set what `_generators` gave; what an older checkpoint lacks stays as it is."""
    torch.set_rng_state(states["cpu"])
    if "python" in states:
        version, numbers, gauss = states["python"]
        random.setstate((version, tuple(numbers.tolist()), gauss))
    if "numpy" in states:
        name, keys, *rest = states["numpy"]
        np.random.set_state((name, keys.numpy().astype(np.uint32), *rest))  # noqa: NPY002
    if device.type == "cuda" and "cuda" in states:
        torch.cuda.set_rng_state(states["cuda"], device)
    elif device.type == "mps" and "mps" in states:
        torch.mps.set_rng_state(states["mps"])


def chosen_weights(state: Mapping[str, Any]) -> Mapping[str, Tensor]:
    """The weights that count in what `Training.state` gave: those selected, else the averaged ones, else the last."""
    if state["best"] is not None:
        selected: Mapping[str, Tensor] = state["best"]["weights"]
        return selected
    if state["averaged"] is not None:
        inside = "module."  # as AveragedModel calls the network; beside it lies its counter
        return {name.removeprefix(inside): one for name, one in state["averaged"].items() if name.startswith(inside)}
    last: Mapping[str, Tensor] = state["model"]
    return last


def combined(loss: Loss, counts: Mapping[str, float] | None, objective: str) -> Tensor:
    """One number to differentiate: the sum over terms of weight * sum / count; its own where `counts` is None."""
    if counts is not None and not loss.accumulates:
        raise TrainingError(
            f"The loss of {objective!r} couples the examples of a batch, so it cannot be accumulated.",
            do="leave --training.accumulate at 1 and lower --training.batch_size instead",
        )
    parts = []
    for name, term in loss.terms.items():
        count = term.count if counts is None else counts.get(name, counts.get("", term.count))
        parts.append(term.sum * (term.weight / max(count, 1e-12)))
    total = parts[0]
    for part in parts[1:]:
        total = total + part
    return total


def _averaged(model: nn.Module, decay: float) -> AveragedModel:
    """The exponential moving average of the weights, its decay ramped up so that early weights fade; buffers copied."""

    def lerp(averages: Sequence[Tensor], current: Sequence[Tensor], _: Tensor | int) -> None:
        count = int(averaged.n_averaged)  # torch hands it over on the weights' device, where to read it is to wait
        weight = 1 - min(decay, (1 + count) / (10 + count))
        for old, new in zip(averages, current, strict=True):
            if old.is_floating_point():
                old.lerp_(new, weight)
            else:
                old.copy_(new)

    averaged = AveragedModel(model, multi_avg_fn=lerp, use_buffers=False)
    averaged.eval()
    return averaged


def _load_optimizer(optimizer: torch.optim.Optimizer, saved: Mapping[str, Any]) -> None:
    """Load a state dict whose integer keys went through JSON and became text.

    The groups stay as the recipe made them, at the rate of the last cycle: a training taken up at its end has no cycle
    more to set it. What is kept of a weight gets the weight's memory layout back: fused optimizers walk both in the
    order of memory, so that the moments of a channels-last weight must not come back channels-first.
    """
    state = {int(key): value for key, value in saved["state"].items()}
    optimizer.load_state_dict({"state": state, "param_groups": optimizer.state_dict()["param_groups"]})
    for group, last in zip(optimizer.param_groups, saved["param_groups"], strict=False):
        group["lr"] = last["lr"]
    for parameter, kept in optimizer.state.items():
        for name, value in kept.items():
            if isinstance(value, Tensor) and value.shape == parameter.shape and value.stride() != parameter.stride():
                kept[name] = torch.empty_like(parameter, dtype=value.dtype).copy_(value)
