"""Is the memory that a training takes what it said before, and does it stay?

    python benchmarks/memory.py [--cycles 2000]

Planned: one training a row, in a process of its own; the plan of its log beside the peak that was measured at its end,
wanted within 20 %. Flat: a training of 2,000 cycles with validations and checkpoints, in memory and decoded by
threads, resident memory at a tenth of it and at its end, wanted below 5 % of growth; and no process or thread of it is
left when it has ended.
"""

from __future__ import annotations

import argparse
import csv
import json
import os
import re
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path

for variable in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ[variable] = "1"

import numpy as np  # noqa: E402

TOLERANCE, GROWTH = 0.2, 0.05
CASES = [
    (task, model, memory)
    for task, model in (("image_classification", "cnn"), ("image_classification", "resnet"), ("table", "mlp"))
    for memory in ("in_memory", "decoded")
]


def pictures(side: int = 28, count: int = 6000) -> tuple[np.ndarray, np.ndarray]:
    """Made pictures in color, in ten classes."""
    labels = np.arange(count) % 10
    noise = np.random.default_rng(0).integers(0, 200, (count, side, side, 3), dtype=np.uint8)
    return noise + (5 * labels).astype(np.uint8)[:, None, None, None], labels


def table(place: Path, count: int = 20_000) -> Path:
    """A made table of twelve numbers and an answer."""
    numbers = np.random.default_rng(0).normal(size=(count, 12))
    answers = np.where(numbers[:, 0] + numbers[:, 1] * numbers[:, 2] > 0, "yes", "no")
    with place.open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow([*(f"c{column}" for column in range(12)), "answer"])
        writer.writerows([*(f"{one:.4f}" for one in row), answer] for row, answer in zip(numbers, answers, strict=True))
    return place


def train(task: str, model: str, memory: str, cycles: int, run: Path) -> None:
    """One training; what it says stays in its run folder. At its end it says what is left of it."""
    import stepwell
    from stepwell import device, loop

    used: list[int] = []
    one_cycle = loop.Training._one_cycle

    def counted(training: loop.Training, batches: object) -> loop.Step:
        step = one_cycle(training, batches)  # type: ignore[arg-type]
        if step.cycle in (cycles // 10, cycles):
            used.append(device.memory_used())
        return step

    loop.Training._one_cycle = counted  # type: ignore[assignment, method-assign]
    stepwell.train(
        task,
        pictures() if task == "image_classification" else table(run.with_suffix(".csv")),
        model=model,
        target=None if task == "image_classification" else "answer",
        recipes=["quick"],
        settings={
            "budget.steps": cycles,
            "training.threads": 1,
            "training.memory": memory,
            "training.workers": 2 if memory == "decoded" else 0,
            "training.evaluate_every": max(1, cycles // 10),
            "training.checkpoint_every": 1,
        },
        run=run,
        force=True,
        progress="quiet",
    )
    print(json.dumps({"used": used[-2:], "threads": [one.name for one in threading.enumerate()]}))


def in_a_process(task: str, model: str, memory: str, cycles: int, run: Path) -> dict[str, object]:
    """What `train` says, from a process (and a session) of its own, and whether any process of it is left."""
    words = [sys.executable, __file__, "--child", task, model, memory, str(cycles), str(run)]
    started = subprocess.Popen(words, stdout=subprocess.PIPE, text=True, start_new_session=True)
    said, _ = started.communicate()
    if started.returncode:
        sys.exit(f"this failed: {' '.join(words)}")
    time.sleep(1)
    try:
        os.killpg(started.pid, 0)
        left = True
    except ProcessLookupError:
        left = False
    found: dict[str, object] = {**json.loads(said.splitlines()[-1]), "left": left}
    return found


def planned(run: Path) -> tuple[float, float]:
    """The memory that a run planned and that it took, GB."""
    found = re.search(r"memory: ([0-9.]+) GB planned", (run / "log.txt").read_text())
    assert found is not None
    return float(found[1]), json.loads((run / "timings.json").read_text())["peak_memory_bytes"] / 2**30


def main() -> None:
    """Measure the plans, then the growth."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--cycles", type=int, default=2000)
    parser.add_argument("--child", nargs=5, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.child:
        task, model, memory, cycles, run = arguments.child
        train(task, model, memory, int(cycles), Path(run))
        return
    with tempfile.TemporaryDirectory() as folder:
        print(f"{'training':<38} {'planned GB':>10} {'taken GB':>9} {'off':>7}")
        for number, (task, model, memory) in enumerate(CASES):
            run = Path(folder) / f"planned{number}"
            in_a_process(task, model, memory, 40, run)
            before, after = planned(run)
            off = before / after - 1
            verdict = "reached" if abs(off) <= TOLERANCE else "MISSED"
            print(f"{f'{task} {model} {memory}':<38} {before:>10.2f} {after:>9.2f} {off:>+7.1%}  {verdict}", flush=True)
        print(f"\n{f'{arguments.cycles:,} cycles':<38} {'MB at 1/10':>10} {'at end':>9} {'growth':>7}")
        for memory in ("in_memory", "decoded"):
            found = in_a_process(
                "image_classification", "mlp", memory, arguments.cycles, Path(folder) / f"flat-{memory}"
            )
            first, last = found["used"]  # type: ignore[misc]
            growth = last / first - 1  # type: ignore[has-type]
            left = found["left"] or len(found["threads"]) > 1  # type: ignore[arg-type]
            verdict = "reached" if growth < GROWTH and not left else "MISSED"
            print(
                f"{f'mlp {memory}':<38} {first / 2**20:>10.0f} {last / 2**20:>9.0f} {growth:>+7.1%}  {verdict}"  # type: ignore[has-type]
                f"{', something of it is left: ' + ', '.join(found['threads']) if left else ', nothing is left'}"  # type: ignore[arg-type]
            )


if __name__ == "__main__":
    main()
