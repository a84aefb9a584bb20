"""What Stepwell's loop costs beside a hand-written one, and beside other trainers: ratios of CPU time a step.

    python benchmarks/loop.py                        # four networks, 11 rounds
    python benchmarks/loop.py --networks mlp --rounds 21

Stepwell's loop is measured whole and as shipped: its feed, history, progress and validation, and the clock of its
checkpoints; `training.fit` from its first step to its last validation, the doctor apart: what it adds, in trainings as
short as these, is a row of its own (docs/doctor.md has longer ones). The hand-written loops validate as often, on
the same examples, and keep the best weights. One thread, one process, contenders in turn, each between two runs of
the hand-written loop that it is compared with: a ratio is its time over the mean of theirs. The loop against itself
is the control: what it differs from 1 by is noise.

Other trainers are used with their defaults and timed over their second epoch, so that what they prepare does not count;
an epoch of theirs is as many steps as lie between two validations of the others, and they validate at its end, on the
same examples. They live in an environment of their own (`make bench` makes it from peers.txt) and are left out where
they are not installed.
"""

from __future__ import annotations

import argparse
import contextlib
import copy
import dataclasses
import itertools
import os
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

for variable in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ[variable] = "1"

import numpy as np  # noqa: E402
import torch  # noqa: E402
from peers import loops  # noqa: E402
from peers.work import WORKS, Work  # noqa: E402
from torch import Tensor, nn  # noqa: E402

from stepwell import discovery, intake, planning, recipe, run, training  # noqa: E402
from stepwell.building import Data  # noqa: E402
from stepwell.job import Clock, Job  # noqa: E402
from stepwell.progress import open_progress  # noqa: E402

RATE, NORM, DECAY = 1e-3, 1.0, 0.01
SAME = {
    "optimizer": "adamw",
    "optimizer.learning_rate": RATE,
    "optimizer.weight_decay": DECAY,
    "schedule": "one_cycle",
    "training.clip_norm": NORM,
}
PLAIN = {"optimizer": "adam", "optimizer.learning_rate": RATE, "schedule": "constant"}
LOWER, MIDDLE, BETTER = 1.02, 1.05, 0.75  # the gates: quartile and median with the same settings; better defaults
Timed = Callable[[], float]
"""One measurement: seconds of CPU time a step."""


class Stopwatch:
    """The progress as shipped, in plain lines, that notes when the first step and the last validation end."""

    def __init__(self) -> None:
        self._shown = open_progress("plain")
        self.first = self.last = 0.0

    def __getattr__(self, name: str) -> Any:
        return getattr(self._shown, name)

    def step(self, cycle: int, total: int, loss: Any = None) -> None:
        """A cycle is done."""
        self._shown.step(cycle, total, loss)
        if cycle == 1:
            self.first = time.process_time()

    def evaluation(self, values: Mapping[str, float], cycle: int | None = None) -> None:
        """A validation is done."""
        self._shown.evaluation(values, cycle)
        self.last = time.process_time()


class Stepwell:
    """Trainings by Stepwell's own loop, all of one plan; data are read, checked, split and prepared once."""

    def __init__(self, work: Work, settings: Mapping[str, Any], folder: Path) -> None:
        self.work, self._folder, self._number = work, folder, itertools.count()
        fixed = {
            "training.batch_size": work.batch,
            "training.threads": 1,
            "training.patience": None,
            "training.doctor": False,
            "budget.epochs": None,
            "budget.steps": work.steps,
        }
        drafted = recipe.draft(work.task, ("classic",), {**fixed, **settings})
        task = discovery.task(work.task)
        job = Job(self._run(), task, drafted, (work.x, work.y), Stopwatch(), Clock(), work.network())
        self.data: Data = intake.look(job)
        self._job = planning.settle(job, self.data)
        self.every: int = self._job.recipe.options("training").evaluate_every
        self.channels_last: bool = self._job.recipe.options("training").channels_last

    def _run(self) -> run.Run:
        return run.create(self._folder / f"{next(self._number)}", "single", self.work.task, "benchmark")

    def __call__(self) -> float:
        watch = Stopwatch()
        training.fit(
            dataclasses.replace(self._job, run=self._run(), progress=watch, model=self.work.network()), self.data
        )
        return (watch.last - watch.first) / (self.work.steps - 1)

    def tensors(self, part: Any) -> tuple[Tensor, Tensor]:
        """Inputs and classes of a part, prepared: what the hand-written loops learn from and validate on."""
        schema, columns = self.data.preparation.schema, self.data.prepared[part].columns
        x, y = (torch.from_numpy(np.asarray(columns[one[0].name])) for one in (schema.inputs, schema.targets))
        return x, y


@dataclasses.dataclass(frozen=True)
class Hand:
    """The loop that people write. `same` has the settings `SAME`, else Adam as it comes; `loader` uses a DataLoader."""

    work: Work
    train: tuple[Tensor, Tensor]
    valid: tuple[Tensor, Tensor]
    every: int
    same: bool = False
    loader: bool = False
    channels_last: bool = False

    def batches(self) -> Iterator[tuple[Tensor, Tensor]]:
        x, y = self.train
        while True:
            if self.loader:
                data = torch.utils.data.TensorDataset(x, y)
                yield from torch.utils.data.DataLoader(data, self.work.batch, shuffle=True, drop_last=True)
                continue
            for rows in torch.randperm(len(x)).split(self.work.batch):
                if len(rows) == self.work.batch:
                    yield x[rows], y[rows]

    def __call__(self) -> float:
        work, total = self.work, self.work.steps
        model = work.network()
        if self.channels_last:
            model = model.to(memory_format=torch.channels_last)
        if self.same:
            parameters = list(model.parameters())
            matrices, vectors = [p for p in parameters if p.ndim > 1], [p for p in parameters if p.ndim <= 1]
            groups = [{"params": matrices}, {"params": vectors, "weight_decay": 0.0}]
            optimizer: Any = torch.optim.AdamW(groups, lr=RATE, weight_decay=DECAY, fused=True)
            schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, RATE, total_steps=total)
        else:
            optimizer = torch.optim.Adam(model.parameters(), lr=RATE)
        criterion = nn.CrossEntropyLoss()
        best, kept, start = float("inf"), None, 0.0
        model.train()
        for step, (x, y) in enumerate(itertools.islice(self.batches(), total), start=1):
            if self.channels_last:
                x = x.contiguous(memory_format=torch.channels_last)
            optimizer.zero_grad()
            loss = criterion(model(x), y)
            loss.backward()
            if self.same:
                nn.utils.clip_grad_norm_(model.parameters(), NORM)
            optimizer.step()
            if self.same:
                schedule.step()
            if step == 1:
                start = time.process_time()
            if step % self.every == 0 or step == total:
                value = self.validate(model, criterion)
                if value < best:
                    best, kept = value, copy.deepcopy(model.state_dict())
        assert kept is not None
        return (time.process_time() - start) / (total - 1)

    def validate(self, model: nn.Module, criterion: nn.Module) -> float:
        """The mean loss on the validation part; accuracy is counted as people do."""
        model.eval()
        total, right = 0.0, 0
        with torch.no_grad():
            for x, y in zip(self.valid[0].split(loops.VALIDATED), self.valid[1].split(loops.VALIDATED), strict=True):
                answers = model(x)
                total += criterion(answers, y).item() * len(y)
                right += int((answers.argmax(1) == y).sum())
        model.train()
        return total / len(self.valid[1])


def measured(reference: Timed, contenders: Mapping[str, Timed], rounds: int) -> dict[str, list[float]]:
    """The ratios of each contender, a number a round; under "control" those of the reference against itself."""
    for one in (reference, *contenders.values()):
        one()
    ratios: dict[str, list[float]] = {name: [] for name in ("control", *contenders)}
    before = reference()
    for _ in range(rounds):
        for number, (name, contender) in enumerate(contenders.items()):
            own, after = contender(), reference()
            ratios[name].append(2 * own / (before + after))
            if number == 0:
                ratios["control"].append(after / before)
            before = after
    return ratios


def quartiles(ratios: list[float]) -> tuple[float, float, float]:
    """Lower quartile, median, upper quartile."""
    low, middle, high = statistics.quantiles(ratios, n=4, method="inclusive")
    return low, middle, high


def row(name: str, ratios: list[float], verdict: str = "") -> str:
    """Median and quartiles on one line."""
    low, middle, high = quartiles(ratios)
    return f"  {name:34s} {middle:6.3f}  [{low:.3f} to {high:.3f}]  {verdict}"


def said(reached: bool, wanted: str) -> str:
    """Whether a gate was reached."""
    return f"{'reached' if reached else 'MISSED'}: {wanted}"


def compare(work: Work, rounds: int, peers: list[str], folder: Path) -> None:
    """Measure one network and print its rows."""
    with quiet():
        ours, defaults = Stepwell(work, SAME, folder / "same"), Stepwell(work, PLAIN, folder / "plain")
        watched = Stepwell(work, {**SAME, "training.doctor": True}, folder / "watched")
    parts = ours.tensors("train"), ours.tensors("valid")
    same = Hand(work, *parts, ours.every, same=True, channels_last=ours.channels_last)
    plain, loader = (Hand(work, *parts, ours.every, loader=one) for one in (False, True))
    shared = loops.parts(*parts, work.batch, ours.every)
    others = {name: loops.PEERS[name](work, shared, folder) for name in peers}
    print(f"{work.name}: {work.sentence}; {rounds} rounds of {work.steps} steps, validated every {ours.every}")
    print(" over a hand-written loop with the same settings (fused AdamW, one cycle, clipped, fed by index)")
    with quiet():
        alike = measured(same, {"Stepwell": ours, "with the doctor": watched}, rounds)
    print(row("the loop again (control)", alike["control"]))
    low, middle, _ = quartiles(alike["Stepwell"])
    reached = low <= LOWER and middle <= MIDDLE
    print(row("Stepwell", alike["Stepwell"], said(reached, f"lower quartile {LOWER}, median {MIDDLE}")))
    print(row("Stepwell, with the doctor", alike["with the doctor"]))
    print(" over the hand-written loop as people write it (Adam as it comes, fed by index)", flush=True)
    with quiet():
        beside = measured(plain, {"Stepwell": defaults, "hand, DataLoader": loader, **others}, rounds)
    print(row("the loop again (control)", beside["control"]))
    middle = statistics.median(beside["Stepwell"])
    gate = said(middle <= BETTER, f"{BETTER}") if work.name == "mlp" else ""
    print(row("Stepwell: better defaults", beside["Stepwell"], gate))
    for name in ("hand, DataLoader", *others):
        share = statistics.median(a / b for a, b in zip(beside["Stepwell"], beside[name], strict=True))
        told = f"Stepwell takes {share:.2f} of it" + ("" if share < 1 else ": MISSED: ahead of it")
        print(row(name, beside[name], told))
    print(flush=True)


@contextlib.contextmanager
def quiet() -> Iterator[None]:
    """What trainers print goes nowhere, but is printed: that is part of their work."""
    with (
        Path(os.devnull).open("w") as nowhere,
        contextlib.redirect_stdout(nowhere),
        contextlib.redirect_stderr(nowhere),
    ):
        yield


def main() -> None:
    """Measure every network; print a row a contender."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--networks", default=",".join(WORKS))
    parser.add_argument("--rounds", type=int, default=11)
    arguments = parser.parse_args()
    if arguments.rounds < 2:
        parser.error("quartiles need at least 2 rounds")
    torch.set_num_threads(1)
    peers = [name for name in loops.PEERS if loops.installed(name)]
    missing = [name for name in loops.PEERS if name not in peers]
    if missing:
        print(f"left out, not installed here: {', '.join(missing)} (make bench installs them, with a network)")
    print(
        f"torch {torch.__version__}, Python {sys.version.split()[0]}, 1 thread; ratios of CPU time: median [quartiles]"
    )
    for name in arguments.networks.split(","):
        with tempfile.TemporaryDirectory() as folder:
            compare(WORKS[name](), arguments.rounds, peers, Path(folder))


if __name__ == "__main__":
    main()
