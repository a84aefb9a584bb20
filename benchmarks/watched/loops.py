"""Training loops as people write them, around which `stepwell.watch` is put; and how each run ended."""

from __future__ import annotations

import contextlib
import functools
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.utils.data import DataLoader, TensorDataset

from stepwell.doctor.record import Record
from stepwell.doctor.watch import watch

from . import adversarial, networks, problems, real_data, references
from .observed import Observer, heard
from .problems import Problem

Loss = Callable[[Any, Tensor], Tensor]
VALIDATIONS = 10


@functools.cache
def problem(name: str) -> Problem:
    """A problem by its name."""
    return (problems.GENERATED | real_data.REAL)[name]()


@dataclass
class Work:
    """One training, ready to begin: `epochs` and `most_steps` say for how long, `best` its best validation so far."""

    case: Mapping[str, Any]
    problem: Problem
    net: nn.Module
    optimizer: torch.optim.Optimizer
    loss: Loss
    best: float = -1e9

    @property
    def steps(self) -> int:
        """The optimizer's steps in all."""
        batch = min(self.case["batch"], len(self.problem.x))
        return min(self.case["epochs"] * max(1, len(self.problem.x) // batch), self.case["most_steps"])

    def skill(self) -> float:
        """On the rows held out."""
        self.net.eval()
        with torch.no_grad():
            answers = self.net(self.problem.v)
        found = references.skill(self.problem, answers[0] if isinstance(answers, tuple) else answers)
        self.best = max(self.best, found)
        return found


def optimizer(settings: Mapping[str, Any], parameters: Any) -> torch.optim.Optimizer:
    """The optimizer that a case names."""
    given = {name: value for name, value in settings.items() if name != "name"}
    kinds = {"adam": "Adam", "adamw": "AdamW", "sgd": "SGD", "rmsprop": "RMSprop", "adagrad": "Adagrad"}
    made: torch.optim.Optimizer = getattr(torch.optim, kinds[settings["name"]])(parameters, **given)
    return made


def _loss(case: Mapping[str, Any], kind: str) -> Loss:
    if case["net"]["is"] == "vae":

        def bound(outputs: Any, targets: Tensor) -> Tensor:
            answer, mean, log_variance = outputs
            apart = -0.5 * (1 + log_variance - mean**2 - log_variance.exp()).sum(1).mean()
            return F.mse_loss(answer, targets, reduction="sum") / len(targets) + 0.05 * apart

        return bound
    if kind == "next":
        return lambda outputs, targets: F.cross_entropy(outputs.reshape(-1, outputs.shape[-1]), targets.reshape(-1))
    if kind == "classes":
        return nn.CrossEntropyLoss() if case["loss"] == "module" else F.cross_entropy
    return nn.MSELoss() if case["loss"] == "module" else F.mse_loss


def prepared(case: Mapping[str, Any]) -> Work:
    """Data and network of a case; trained before where it says so."""
    given = problem(case["problem"])
    if "rows" in case:
        given = problems.fewer(given, case["rows"], case["seed"])
    if "noise" in case:
        given = problems.noisy(given, case["noise"], case["seed"])
    torch.manual_seed(case["seed"])
    if not case.get("before"):
        net = networks.build(case["net"], given)
        return Work(case, given, net, optimizer(case["optimizer"], net.parameters()), _loss(case, given.kind))
    half = given.width // 2
    other = case["before"] == "other_classes"
    first = problems.only(given, range(max(half, 2))) if other else given
    net = networks.build(case["net"], first)
    for _ in learn(Work(case, first, net, optimizer(case["optimizer"], net.parameters()), _loss(case, given.kind))):
        pass
    if other:
        given = problems.only(given, range(half, given.width)) if half > 1 else given  # of three classes: one is added
        body = list(net.parameters())[:-2]
        net.out = nn.Linear(net.out.in_features, given.width)
        for one in body if "frozen" in case else []:
            one.requires_grad_(False)
    settings = {**case["optimizer"], "lr": case["optimizer"]["lr"] * case.get("slower", 1.0)}
    learnt = net.out.parameters() if case.get("frozen") == "not_given" else net.parameters()
    return Work(case, given, net, optimizer(settings, learnt), _loss(case, given.kind))


def _batches(case: Mapping[str, Any], given: Problem) -> Iterator[tuple[Tensor, Tensor]]:
    size = min(case["batch"], len(given.x))
    if case["feed"] == "loader":
        yield from DataLoader(TensorDataset(given.x, given.y), size, shuffle=True, drop_last=True)
        return
    order = torch.randperm(len(given.x))
    for start in range(0, len(order) - size + 1, size):
        some = order[start : start + size]
        yield given.x[some], given.y[some]


def _schedule(name: str, optimizer: torch.optim.Optimizer, steps: int) -> Any:
    if name == "cosine":
        return torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, steps)
    if name == "warm_up":
        return torch.optim.lr_scheduler.LambdaLR(optimizer, lambda step: min(1.0, (step + 1) / max(1, steps // 10)))
    return torch.optim.lr_scheduler.StepLR(optimizer, max(1, steps // 3), 0.3) if name == "steps" else None


def learn(work: Work) -> Iterator[int]:
    """The plain loop; gives the number of steps done after every epoch, while the last gradients are still there."""
    case, net, optimizer, done = work.case, work.net, work.optimizer, 0
    schedule = _schedule(case["schedule"], optimizer, work.steps)
    half = case.get("precision") == "bf16"
    validated = 0
    while done < work.steps:
        net.train()
        if case.get("body_evaluates"):
            for module in list(net.children())[:-1]:
                module.eval()
        for x, y in _batches(case, work.problem):
            optimizer.zero_grad()
            with torch.autocast("cpu", torch.bfloat16) if half else contextlib.nullcontext():
                loss = work.loss(net(x), y)
            loss.backward()
            if case["clip"]:
                nn.utils.clip_grad_norm_(net.parameters(), case["clip"])
            optimizer.step()
            if schedule is not None:
                schedule.step()
            done += 1
            if done >= work.steps:
                break
        yield done
        if done - validated >= work.steps // VALIDATIONS or done >= work.steps:
            validated = done
            work.skill()


@functools.cache
def _plain_reference(name: str, latent: int) -> float:
    return references.reference(problem(name), latent)


def _reference(work: Work) -> float:
    """The skill of the plain methods on the same rows; beside a frozen body, on what it makes of them."""
    latent = work.case["net"].get("latent", 0)
    if work.problem is problem(work.case["problem"]):
        return _plain_reference(work.case["problem"], latent)
    if "frozen" not in work.case:
        return references.reference(work.problem, latent)
    kept: list[Tensor] = []
    hook = work.net.out.register_forward_pre_hook(lambda _, args: kept.append(args[0]))
    work.net.eval()
    with torch.no_grad():
        work.net(work.problem.x)
        work.net(work.problem.v)
    hook.remove()
    return references.reference(replace(work.problem, x=kept[0], v=kept[1]))


def watched(case: Mapping[str, Any]) -> tuple[Record, list[dict[str, Any]], dict[str, Any]]:
    """One case: what the doctor read, what the rules of others need (of a GAN nothing), and how it ended."""
    if case["family"] == "gan":
        record, ended = adversarial.watched(case, problem(case["problem"]))
        return record, [], ended
    began = time.process_time()
    work = prepared(case)
    began, before = time.process_time(), time.process_time() - began
    held = (work.problem.v, work.problem.w) if case["told"] == "all" else None
    steps = None if case["told"] == "nothing" else work.steps
    observer = Observer(work.net, work.problem, work.loss, work.optimizer)
    with watch(work.net, work.optimizer, work.loss if held else None, held, steps, told=heard) as doctor:
        for done in learn(work):
            observer.epoch(done)
    ended = {
        "skill": work.skill(),
        "best": work.best,
        "reference": _reference(work),
        "weights": sum(one.numel() for one in work.net.parameters()),
        "steps": work.steps,
        "cost": doctor.cost,
        "unread": doctor.record.unread,
        "seconds": time.process_time() - began,
        "seconds_before": before,
    }
    return doctor.record, observer.rows, ended
