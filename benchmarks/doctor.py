"""How well the doctor sees: faulty and healthy programs in plain PyTorch, watched.

    python benchmarks/doctor.py --cases FOLDER [--seeds 2] [--only WORD]

FOLDER holds `cases_shared.json` and `lab.py`, which builds the programs. Runs are cached by configuration under
`build/doctor`, so that a second call only diagnoses. Every look is noted in `build/doctor/looks.log`.

A fault counts as named where a finding of severity 2 or more has its name; what is folded under a cause does not count.
"""

from __future__ import annotations

import argparse
import hashlib
import importlib.util
import json
import sys
import time
from collections import Counter
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from stepwell.doctor import diagnosing
from stepwell.doctor.guard import Guard
from stepwell.doctor.record import Record, read
from stepwell.doctor.watch import watch

CACHE = Path("build/doctor")
MOST_STEPS = 450
NUMBERS = ("regression", "autoencoder", "multilabel")


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
    x: Tensor
    y: Tensor
    v: Tensor
    w: Tensor
    net: nn.Module
    optimizer: torch.optim.Optimizer
    width: int

    def loss(self, outputs: Tensor, targets: Tensor) -> Tensor:
        """The loss as the configuration computes it."""
        value: Tensor = self.lab.loss_fn(self.case["loss"], outputs, targets, self.width)
        return value

    def metric(self) -> float:
        """Balanced accuracy or R2 on held-out rows."""
        self.net.eval()
        with torch.no_grad():
            answers = self.net(self.v[:512])
        if self.case["loss"] == "bce_logits":
            answers = torch.sigmoid(answers)
        return float(self.lab.metric(answers, self.w[:512], self.width, self.case["task"] in NUMBERS))


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
    return Program(case, lab, x, y, v, w, net, lab.make_opt(case["optimizer"], learnt), width)


def learn(program: Program, seed: int) -> tuple[Record, float]:
    """The plain loop that a person would write, watched; what was read, and the share of the time that it cost."""
    case, loop, net, optimizer = program.case, program.case.get("loop") or {}, program.net, program.optimizer
    rows = len(program.x)
    size = min(case["batch"] if isinstance(case["batch"], int) else rows, rows)
    epoch = max(1, rows // size)
    total = min(case["epochs"] * epoch, case.get("max_steps") or MOST_STEPS)
    schedule = _schedule(loop, optimizer, total)
    order = torch.Generator().manual_seed(seed + 99)
    shuffled = loop.get("shuffle", True) and not case["data"].get("sorted")
    done = 0
    with watch(net, optimizer, program.loss, (program.v, program.w), total) as doctor:
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
            net.train(bool(loop.get("val_train_mode")))
            with torch.no_grad():
                net(program.v[:512])
    return doctor.record, doctor.cost


def _update(program: Program, batch: Tensor, loop: dict[str, Any], done: int) -> Tensor:
    """One update, with what the configuration does wrong."""
    every = loop.get("accum", 1)
    loss = program.loss(program.net(program.x[batch]), program.y[batch])
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


def watched(lab: ModuleType, case: dict[str, Any], seed: int) -> tuple[Record, dict[str, Any]]:
    """The record of one configuration and how it ended, from the cache where it is there."""
    key = hashlib.sha256(json.dumps([case, seed], sort_keys=True).encode()).hexdigest()[:16]
    place = CACHE / f"{case['id']}-{seed}-{key}"
    if not place.with_suffix(".json").exists():
        CACHE.mkdir(parents=True, exist_ok=True)
        began = time.process_time()
        program = build(lab, case, seed)
        record, cost = learn(program, seed)
        place.with_suffix(".jsonl").write_text("\n".join(record.rows()))
        ended = {"metric": program.metric(), "cost": cost, "seconds": time.process_time() - began}
        place.with_suffix(".json").write_text(json.dumps(ended))
    return read(place.with_suffix(".jsonl")), json.loads(place.with_suffix(".json").read_text())


def count(case: dict[str, Any], named: list[str], tally: Counter[str]) -> str:
    """Add one run to the tally; returns what is to be said of it, "" where all is as it should be."""
    if case["kind"] == "healthy":
        tally["healthy"] += 1
        tally["false alarms"] += bool(named)
        return f"FALSE ALARM {named}" if named else ""
    true = set(case["faults"])
    tally["faulty"] += 1
    tally["a true fault named"] += bool(true & set(named))
    tally["first named is true"] += bool(named and named[0] in true)
    tally["faults"] += len(true)
    tally["faults named"] += len(true & set(named))
    tally["names"] += len(named)
    tally["names that are true"] += sum(name in true for name in named)
    missed, wrong = sorted(true - set(named)), [name for name in named if name not in true]
    return "; ".join([*([f"missed {missed}"] if missed else []), *([f"wrong {wrong}"] if wrong else [])])


def table(tally: Counter[str]) -> list[str]:
    """The figures, a line each."""
    lines = []
    for name, of in (
        ("a true fault named", "faulty"),
        ("first named is true", "faulty"),
        ("faults named", "faults"),
        ("names that are true", "names"),
        ("false alarms", "healthy"),
    ):
        if tally[of]:
            lines.append(f"{name:<22} {tally[name]:>4} of {tally[of]:>4}  {tally[name] / tally[of]:.1%}")
    if tally["faulty"]:
        lines.append(f"{'names a run':<22} {tally['names'] / tally['faulty']:.2f}")
    return lines


def main() -> None:
    """Watch what the words ask for, and print one line for each run that is not as it should be, and the figures."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--cases", type=Path)
    parser.add_argument("--seeds", type=int, nargs="+", default=[0, 1])
    parser.add_argument("--only", default="")
    asked = parser.parse_args()
    if asked.cases is None:
        print("left out: give --cases FOLDER, which holds cases_shared.json and lab.py")
        return
    torch.set_num_threads(1)
    lab = load_lab(asked.cases)
    every = json.loads((asked.cases / "cases_shared.json").read_text())["cases"]
    tally: Counter[str] = Counter()
    for seed in asked.seeds:
        for case in (one for one in every if asked.only in one["id"]):
            record, ended = watched(lab, case, seed)
            named = [one.name for one in diagnosing.findings(record, Guard()) if one.severity > 1]
            said = count(case, named, tally)
            if said:
                print(f"{case['id']:<20} seed {seed} metric {ended['metric']:.2f}: {said}", flush=True)
    lines = table(tally)
    print("\n".join(lines))
    with (CACHE / "looks.log").open("a") as log:
        log.write(f"{datetime.now(UTC):%Y-%m-%d %H:%M} cases {asked.only or 'all'} seeds {asked.seeds}: {lines}\n")


if __name__ == "__main__":
    main()
