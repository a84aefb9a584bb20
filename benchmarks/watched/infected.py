"""Healthy trainings of larger networks, and the same made ill by the diagnoses' own `infect`, in plain PyTorch.

A network is described in the words of recipes ("optimizer.learning_rate", "model.dropout"), which is what `infect` is
given; what it answers is applied here: other settings, other data, or other code. An infection does harm where the run
reaches less than `HARM` of what its healthy twin reached, of the same network and seed; one that does none is no fault.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from stepwell import discovery
from stepwell.doctor import diagnosing
from stepwell.doctor.changes import Change, DataFault, ProgramFault
from stepwell.doctor.watch import watch

from . import networks, references
from .cache import Made
from .loops import problem
from .observed import Observer, heard
from .problems import Problem

FAULTS = (
    *("unscaled_inputs", "shuffled_labels", "missing_zero_grad", "softmax_before_ce", "params_not_in_optimizer"),
    *("bad_init_large", "bad_init_small", "dead_relu", "lr_too_high", "lr_too_low", "over_regularised"),
    "excessive_dropout",
)
ALSO = {"dead_relu": {"bad_init_bias"}, "bad_init_small": {"vanishing_gradient"}}
"""Names that are as true of an infection as its own: dead units are made by biases far off, and behind tiny weights
nothing passes between the layers."""
HARM = 0.9
PLAIN: dict[str, Any] = {
    "model.initialization": "default",
    "model.initial_scale": 1.0,
    "model.dropout": 0.1,
    "optimizer.learning_rate": 1e-3,
    "optimizer.weight_decay": 0.01,
    "training.batch_size": 32,
    "budget.steps": 150,
}
RECTIFIED = {"model.activation": "relu", "model.initial_bias": None}
NETWORKS: dict[str, tuple[str, dict[str, Any], dict[str, Any]]] = {
    "cnn": ("digit_maps", {"is": "cnn", "channels": [48, 96], "norm": False}, {**PLAIN, **RECTIFIED}),
    "resnet": ("digit_maps", {"is": "resnet", "channels": [32, 64], "blocks": 2}, PLAIN),
    "lstm": ("trends", {"is": "recurrent", "cell": "lstm", "hidden": 160, "layers": 1, "ends": "last"}, PLAIN),
    "transformer": (
        "digit_rows",
        {"is": "attending", "size": 96, "heads": 4, "layers": 2, "first": True},
        {**PLAIN, **RECTIFIED},
    ),
}
"""By name: the problem, the network (298,000, 170,000, 105,000 and 152,000 weights), and its settings."""


def cases(seeds: Sequence[int]) -> Iterator[dict[str, Any]]:
    """Every network healthy, then with every fault that can be made in it."""
    for seed in seeds:
        for name, (given, net, settings) in NETWORKS.items():
            well = {"network": name, "problem": given, "net": net, "settings": settings, "seed": seed, "fault": ""}
            yield well
            for fault in FAULTS:
                made = discovery.load(diagnosing.ROOM, fault).infect(settings)
                if isinstance(made, Change):
                    yield {**well, "fault": fault, "settings": {**settings, **made.values}}
                elif isinstance(made, DataFault):
                    yield {**well, "fault": fault, "data": [made.kind, made.amount]}
                elif isinstance(made, ProgramFault):
                    yield {**well, "fault": fault, "program": made.kind}


def _data(given: Problem, kind: str, amount: float, seed: int) -> Problem:
    """A problem with something wrong in its rows."""
    draw = torch.Generator().manual_seed(seed)
    if kind == "unscaled_inputs":
        return replace(given, x=amount * (given.x + 1), v=amount * (given.v + 1))
    if kind == "shuffled_labels":
        y, w = (one[torch.randperm(len(one), generator=draw)] for one in (given.y, given.w))
        return replace(given, y=y, w=w)
    raise ValueError(f"no fault of the data is called {kind!r}")


def _net(case: dict[str, Any], given: Problem) -> nn.Module:
    """The network of a case with its settings; the last layer keeps its biases."""
    settings, described = case["settings"], dict(case["net"])
    described["dropout"] = settings["model.dropout"]
    if "model.activation" in settings:
        described["activation"] = settings["model.activation"]
    net = networks.build(described, given)
    layers = [one for one in net.modules() if isinstance(one, nn.Linear | nn.Conv2d | nn.LSTM)]
    for layer in layers:
        for name, one in layer.named_parameters(recurse=False):
            if settings["model.initialization"] == "normal" and one.ndim >= 2:
                nn.init.normal_(one, std=settings["model.initial_scale"])
            if settings.get("model.initial_bias") is not None and name == "bias" and layer is not layers[-1]:
                nn.init.constant_(one, settings["model.initial_bias"])
    return nn.Sequential(net, nn.Softmax(1)) if case.get("program") == "softmax_before_ce" else net


def watched(case: dict[str, Any]) -> Made:
    """One case: what the doctor read, what the rules of others need, and how it ended."""
    torch.manual_seed(case["seed"])
    began, settings, code = time.process_time(), case["settings"], case.get("program", "")
    given = problem(case["problem"])
    if "data" in case:
        given = _data(given, *case["data"], case["seed"])
    net = _net(case, given)
    learnt = list(net.parameters())
    if code == "params_not_in_optimizer":
        learnt = learnt[: len(learnt) // 2]
    rate, decay = settings["optimizer.learning_rate"], settings["optimizer.weight_decay"]
    optimizer = torch.optim.AdamW(learnt, rate, weight_decay=decay)
    observer = Observer(net, given, F.cross_entropy, optimizer)
    steps = settings["budget.steps"]
    with watch(net, optimizer, F.cross_entropy, (given.v, given.w), steps, told=heard) as doctor:
        done = 0
        while done < steps:
            done = _epoch(net, optimizer, given, case, done)
            observer.epoch(done)
            if not torch.isfinite(torch.tensor(observer.rows[-1]["loss"])):
                break
    net.eval()
    with torch.no_grad():
        skill = references.skill(given, net(given.v))
    weights = sum(one.numel() for one in net.parameters())
    ended = {"skill": skill, "weights": weights, "steps": done, "seconds": time.process_time() - began}
    return doctor.record, observer.rows, {**ended, "cost": doctor.cost, "unread": doctor.record.unread}


def _epoch(net: nn.Module, optimizer: torch.optim.Optimizer, given: Problem, case: dict[str, Any], done: int) -> int:
    """One turn over the rows; gives the steps done in all."""
    size, steps = case["settings"]["training.batch_size"], case["settings"]["budget.steps"]
    order = torch.randperm(len(given.x))
    net.train()
    for start in range(0, len(order) - size + 1, size):
        some: Tensor = order[start : start + size]
        if case.get("program") != "missing_zero_grad":
            optimizer.zero_grad()
        F.cross_entropy(net(given.x[some]), given.y[some]).backward()
        optimizer.step()
        done += 1
        if done >= steps:
            break
    net.eval()
    with torch.no_grad():
        net(given.v)
    return done


def harmed(skill: float, healthy: float) -> bool:
    """Whether an infected run is worse than its healthy twin."""
    return not skill >= HARM * healthy
