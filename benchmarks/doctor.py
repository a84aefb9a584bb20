"""How well the doctor sees: faulty and healthy programs in plain PyTorch, watched.

    python benchmarks/doctor.py --cases FOLDER [--seeds 2] [--only ID]

FOLDER holds `cases_shared.json` and `lab.py`, which builds the programs. Runs are cached by configuration under
`build/doctor`, so that a second call only diagnoses. Every look is written to `build/doctor/looks.log`.
"""

from __future__ import annotations

import argparse
import hashlib
import importlib.util
import json
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import torch

from stepwell.doctor import diagnosing
from stepwell.doctor.guard import Guard
from stepwell.doctor.record import Record, read
from stepwell.doctor.watch import watch

CACHE = Path("build/doctor")
MOST_STEPS = 450


def load_lab(folder: Path) -> ModuleType:
    """The module that builds the programs."""
    spec = importlib.util.spec_from_file_location("lab", folder / "lab.py")
    assert spec is not None and spec.loader is not None
    lab = importlib.util.module_from_spec(spec)
    sys.modules["lab"] = lab
    spec.loader.exec_module(lab)
    return lab


def program(lab: ModuleType, case: dict[str, Any], seed: int) -> tuple[Record, dict[str, float], float]:
    """Train one configuration in a plain loop under watch; what was read, how it ended, and the cost."""
    torch.manual_seed(seed)
    np.random.seed(seed)  # noqa: NPY002 - the programs draw from it
    data, loop, shape, settings = case["data"], case.get("loop") or {}, case["model"], case["optimizer"]
    x, y, v, w = lab.make_data(data, seed)
    regression = case["task"] in ("regression", "autoencoder", "multilabel")
    if case["task"] == "autoencoder":
        y, w = x.reshape(len(x), -1), v.reshape(len(v), -1)
    kind = torch.long if data["gen"] == "tokens" else torch.float32
    x, v = torch.tensor(x, dtype=kind), torch.tensor(v, dtype=kind)
    target = torch.float32 if regression else torch.long
    y, w = torch.tensor(y, dtype=target), torch.tensor(w, dtype=target)
    wide = (y.shape[1] if y.dim() > 1 else 1) if regression else int(max(y.max(), w.max())) + 1
    width = shape.get("nout") or wide
    net = lab.Net(shape, x.shape[1:], width)
    for prefix in loop.get("freeze", []):
        for name, one in net.named_parameters():
            if name.startswith(prefix):
                one.requires_grad_(False)
    skipped = loop.get("not_in_opt", [])
    learnt = [one for name, one in net.named_parameters() if not any(name.startswith(p) for p in skipped)]
    optimizer = lab.make_opt(settings, learnt)
    size = min(case["batch"] if isinstance(case["batch"], int) else len(x), len(x))
    epoch = max(1, len(x) // size)
    total = min(case["epochs"] * epoch, case.get("max_steps") or MOST_STEPS)
    schedule = None
    if loop.get("warmup"):
        schedule = torch.optim.lr_scheduler.LambdaLR(optimizer, lambda s: min(1.0, (s + 1) / loop["warmup"]))
    if loop.get("cosine"):
        schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, total)
    name, every = case["loss"], loop.get("accum", 1)
    order = torch.Generator().manual_seed(seed + 99)

    def loss_fn(outputs: torch.Tensor, targets: torch.Tensor) -> torch.Tensor:
        return lab.loss_fn(name, outputs, targets, width)

    done = 0
    with watch(net, optimizer, loss_fn, (v, w), total) as doctor:
        while done < total:
            shuffled = loop.get("shuffle", True) and not data.get("sorted")
            indices = torch.randperm(len(x), generator=order) if shuffled else torch.arange(len(x))
            for b in range(min(epoch, total - done)):
                net.train(not loop.get("eval_mode_train"))
                rows = indices[b * size : (b + 1) * size]
                loss = loss_fn(net(x[rows]), y[rows])
                if loop.get("l2"):
                    loss = loss + loop["l2"] * sum((p**2).sum() for p in net.parameters())
                if loop.get("zero_grad", True) and done % every == 0:
                    optimizer.zero_grad()
                (loss / every).backward()
                if loop.get("clip"):
                    torch.nn.utils.clip_grad_norm_(net.parameters(), loop["clip"])
                if (done + 1) % every == 0:
                    optimizer.step()
                if schedule:
                    schedule.step()
                done += 1
                if not torch.isfinite(loss):
                    total = done
                    break
            net.train(bool(loop.get("val_train_mode")))
            with torch.no_grad():
                net(v[:512])
    net.eval()
    with torch.no_grad():
        answers = net(v[:512])
        metric = lab.metric(torch.sigmoid(answers) if name == "bce_logits" else answers, w[:512], width, regression)
    return doctor.record, {"metric": metric}, doctor.cost


def watched(lab: ModuleType, case: dict[str, Any], seed: int) -> tuple[Record, dict[str, Any]]:
    """The record of one configuration, from the cache where it is there."""
    key = hashlib.sha256(json.dumps([case, seed], sort_keys=True).encode()).hexdigest()[:16]
    place = CACHE / f"{case['id']}-{seed}-{key}"
    if not place.with_suffix(".json").exists():
        CACHE.mkdir(parents=True, exist_ok=True)
        began = time.process_time()
        record, ended, cost = program(lab, case, seed)
        place.with_suffix(".jsonl").write_text("\n".join(record.rows()))
        seconds = time.process_time() - began
        place.with_suffix(".json").write_text(json.dumps({**ended, "cost": cost, "seconds": seconds}))
    return read(place.with_suffix(".jsonl")), json.loads(place.with_suffix(".json").read_text())


def cases(folder: Path, only: str | None) -> Iterator[dict[str, Any]]:
    for case in json.loads((folder / "cases_shared.json").read_text())["cases"]:
        if only is None or only in case["id"]:
            yield case


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--cases", type=Path)
    parser.add_argument("--seeds", type=int, default=2)
    parser.add_argument("--only")
    asked = parser.parse_args()
    if asked.cases is None:
        print("left out: give --cases FOLDER, which holds cases_shared.json and lab.py")
        return
    torch.set_num_threads(1)
    lab = load_lab(asked.cases)
    for seed in range(asked.seeds):
        for case in cases(asked.cases, asked.only):
            record, ended = watched(lab, case, seed)
            found = diagnosing.findings(record, Guard())
            names = [(one.name, one.severity) for one in found]
            print(
                case["id"],
                seed,
                f"{ended['metric']:.2f}",
                f"{ended['seconds']:.1f}s",
                case.get("faults"),
                names,
                record.unread,
                flush=True,
            )


if __name__ == "__main__":
    main()
