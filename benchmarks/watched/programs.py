"""Faulty and healthy programs in plain PyTorch from a folder of configurations, whose `lab.py` builds them."""

from __future__ import annotations

import importlib.util
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from stepwell.doctor.record import Record
from stepwell.doctor.watch import watch

from .observed import Observer, heard
from .problems import Problem

MOST_STEPS = 450
NUMBERS = ("regression", "autoencoder", "multilabel")
HARM = 0.05  # of the metric, under what the mended program reached: a run that fails


def load_lab(folder: Path) -> ModuleType:
    """The module that builds the programs."""
    spec = importlib.util.spec_from_file_location("lab", folder / "lab.py")
    if spec is None or spec.loader is None:
        raise SystemExit(f"{folder / 'lab.py'} cannot be loaded")
    lab = importlib.util.module_from_spec(spec)
    sys.modules["lab"] = lab
    spec.loader.exec_module(lab)
    return lab


@dataclass
class Program:
    """One configuration, built: data, network, optimizer."""

    case: dict[str, Any]
    lab: ModuleType
    data: Problem
    net: nn.Module
    optimizer: torch.optim.Optimizer

    def loss(self, outputs: Tensor, targets: Tensor) -> Tensor:
        """The loss as the configuration computes it."""
        value: Tensor = self.lab.loss_fn(self.case["loss"], outputs, targets, self.data.width)
        return value

    def metric(self) -> float:
        """Balanced accuracy or R2 on held-out rows."""
        self.net.eval()
        with torch.no_grad():
            answers = self.net(self.data.v[:512])
        if self.case["loss"] == "bce_logits":
            answers = torch.sigmoid(answers)
        return float(self.lab.metric(answers, self.data.w[:512], self.data.width, self.case["task"] in NUMBERS))


def build(lab: ModuleType, case: dict[str, Any], seed: int) -> Program:
    """What a configuration describes, with everything drawn from `seed`."""
    torch.manual_seed(seed)
    np.random.seed(seed)  # noqa: NPY002 - the programs draw from it
    x, y, v, w = lab.make_data(case["data"], seed)
    if case["task"] == "autoencoder":
        y, w = x.reshape(len(x), -1), v.reshape(len(v), -1)
    kind = torch.long if case["data"]["gen"] == "tokens" else torch.float32
    numbers = case["task"] in NUMBERS
    target = torch.float32 if numbers else torch.long
    x, v, y, w = (torch.tensor(a, dtype=t) for a, t in ((x, kind), (v, kind), (y, target), (w, target)))
    wide = (y.shape[1] if y.dim() > 1 else 1) if numbers else int(max(y.max(), w.max())) + 1
    width = case["model"].get("nout") or wide
    net = lab.Net(case["model"], x.shape[1:], width)
    loop = case.get("loop") or {}
    for name, one in net.named_parameters():
        one.requires_grad_(not any(name.startswith(prefix) for prefix in loop.get("freeze", [])))
    left = loop.get("not_in_opt", [])
    learnt = [one for name, one in net.named_parameters() if not any(name.startswith(prefix) for prefix in left)]
    data = Problem(case["id"], "numbers" if numbers else "classes", x, y, v, w, width)
    return Program(case, lab, data, net, lab.make_opt(case["optimizer"], learnt))


def learn(program: Program, seed: int) -> tuple[Record, list[dict[str, Any]], float]:
    """The plain loop that a person would write, watched: what was read, by whom, and the share of time it cost."""
    case, loop, net, optimizer = program.case, program.case.get("loop") or {}, program.net, program.optimizer
    data, rows = program.data, len(program.data.x)
    size = min(case["batch"] if isinstance(case["batch"], int) else rows, rows)
    epoch = max(1, rows // size)
    total = min(case["epochs"] * epoch, case.get("max_steps") or MOST_STEPS)
    schedule = _schedule(loop, optimizer, total)
    order = torch.Generator().manual_seed(seed + 99)
    shuffled = loop.get("shuffle", True) and not case["data"].get("sorted")
    done = 0
    observer = Observer(net, data, program.loss, optimizer)
    with watch(net, optimizer, program.loss, (data.v, data.w), total, told=heard) as doctor:
        while done < total:
            indices = torch.randperm(rows, generator=order) if shuffled else torch.arange(rows)
            for start in range(0, size * min(epoch, total - done), size):
                net.train(not loop.get("eval_mode_train"))
                loss = _update(program, indices[start : start + size], loop, done)
                if schedule:
                    schedule.step()
                done += 1
                if not torch.isfinite(loss):
                    total = done
                    break
            observer.epoch(done)
            net.train(bool(loop.get("val_train_mode")))
            with torch.no_grad():
                net(data.v[:512])
    return doctor.record, observer.rows, doctor.cost


def _update(program: Program, batch: Tensor, loop: dict[str, Any], done: int) -> Tensor:
    """One update, with what the configuration does wrong."""
    every = loop.get("accum", 1)
    loss = program.loss(program.net(program.data.x[batch]), program.data.y[batch])
    if loop.get("l2"):
        loss = loss + loop["l2"] * sum((p**2).sum() for p in program.net.parameters())
    if loop.get("zero_grad", True) and done % every == 0:
        program.optimizer.zero_grad()
    (loss / every).backward()  # type: ignore[no-untyped-call]
    if loop.get("clip"):
        nn.utils.clip_grad_norm_(program.net.parameters(), loop["clip"])
    if (done + 1) % every == 0:
        program.optimizer.step()
    return loss.detach()


def _schedule(loop: dict[str, Any], optimizer: torch.optim.Optimizer, total: int) -> Any:
    if loop.get("warmup"):
        return torch.optim.lr_scheduler.LambdaLR(optimizer, lambda step: min(1.0, (step + 1) / loop["warmup"]))
    return torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, total) if loop.get("cosine") else None


def watched(lab: ModuleType, case: dict[str, Any], seed: int) -> tuple[Record, list[dict[str, Any]], dict[str, Any]]:
    """One configuration: what the doctor read, what the rules of others need, and how it ended."""
    began = time.process_time()
    program = build(lab, case, seed)
    record, epochs, cost = learn(program, seed)
    return record, epochs, {"metric": program.metric(), "cost": cost, "seconds": time.process_time() - began}


def fails(case: dict[str, Any], metric: float) -> bool:
    """Whether a faulty run is worse than its mended program was, or its fault is none that a metric shows (a leak)."""
    mended = [one["val_metric"] for one in case["measured_fixed"] if one["val_metric"] is not None]
    if case["judge_by"] != "val_metric" or not mended:
        return True
    return not metric >= sum(mended) / len(mended) - HARM
