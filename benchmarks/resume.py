"""Is a training that was killed and taken up again the training never killed, bit for bit? Counted over many kills.

    python benchmarks/resume.py                      # 200 kills, all tasks and settings in turn
    python benchmarks/resume.py --kills 10 --only table --only "two workers"

For each task and setting one training runs undisturbed. Then others of the same seed get a SIGKILL, and `resume` takes
them up. Every other one is killed at a random moment between the making of its folder and its end, the rest soon after
a random cycle was saved, because the cycles themselves are the smaller part of a short training; of four resumed ones
one is killed again. Equal means the same bytes in every `history.jsonl`, in all that the newest checkpoints hold
(weights, optimizers, averages, generators), in the predictions on the test part, the scores and the networks of the
artifact.

What is counted is kept below `--into` and by the program's own text, so that a count that is stopped goes on where it
was; a training that differs is left there to be looked at. The guests of `tests/guests` are tasks like the others.
"""

from __future__ import annotations

import argparse
import glob
import hashlib
import json
import os
import random
import shutil
import signal
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
if (ROOT / "tests" / "guests").is_dir():
    sys.path.insert(0, str(ROOT / "tests" / "guests"))
for variable in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ[variable] = "1"

# Children are forked from here, each with everything imported and nothing computed yet.
import numpy as np  # noqa: E402
import onnxruntime  # noqa: E402, F401
import sklearn.ensemble  # noqa: E402
import sklearn.linear_model  # noqa: E402, F401
from torch import nn  # noqa: E402

from stepwell import api, device, discovery, files, planning, recipe, training  # noqa: E402
from stepwell.artifact import export  # noqa: E402
from stepwell.building import Data  # noqa: E402
from stepwell.errors import UsageError  # noqa: E402
from stepwell.job import Job  # noqa: E402
from stepwell.judge import bootstrap  # noqa: E402
from stepwell.schema import Field, Network  # noqa: E402

STEPS = 40
ALWAYS: Mapping[str, Any] = {
    "budget.epochs": None,
    "budget.time": None,
    "budget.steps": STEPS,
    "training.threads": 1,
    "training.evaluate_every": 6,
    "training.checkpoint_every": 0.02,
    "training.ema": 0.9,
    "training.clip_norm": 1.0,
}
SETTINGS: Mapping[str, Mapping[str, Any]] = {
    "in memory": {"training.memory": "in_memory", "schedule": "cosine", "training.warmup": 0.2},
    "no worker": {"training.memory": "decoded", "training.workers": 0, "schedule": "one_cycle"},
    "two workers": {"training.memory": "decoded", "training.workers": 2, "schedule": "step"},
    "plateau and patience": {"schedule": "plateau", "schedule.patience": 0, "training.patience": 2},
    "bf16": {"training.precision": "bf16", "schedule": "exponential"},
    "under a time": {"budget.steps": None, "budget.time": "600s"},
    "two folds": {"folds": 2, "budget.steps": STEPS // 2},
    "ensemble": {"ensemble": 2, "budget.steps": STEPS // 2},
    "snapshots": {"ensemble": 2, "ensemble.kind": "snapshots", "budget.steps": STEPS // 2},
}
OF_TASK: Mapping[str, Mapping[str, Any]] = {
    "image_classification": {
        "model": "cnn",
        "model.normalization": "batch",
        "model.dropout": 0.3,
        "augmentation": ["flip", "crop", "erasing", "mixup"],
    },
    "table": {"model.dropout": 0.3},
}
EARLY, LATE = 0.02, 0.97  # of the undisturbed training's time: the first and the last moment of a kill
SOON = 0.05  # seconds after a checkpoint: about what a few cycles take
AGAIN = 4  # one in so many is killed twice
TRIES = 20


def warm_up() -> None:
    """Export something, so that what that imports, a matter of seconds, is imported here and not in every child."""
    given, answered = Field("x", "number", "float32", (2,)), Field("y", "number", "float32", (1,))
    export.onnx_bytes("warm", Network(nn.Linear(2, 1), (given,), (answered,)), [np.zeros((2, 2), np.float32)])


def any_precision(name: str) -> tuple[str, ...]:
    """Every precision, in place of those that `name` computes at full speed."""
    del name
    return device.PRECISIONS


def prepared() -> None:
    """What differs in a child: short under a time, frequent checkpoints, few resamples, bf16 on any processor."""
    settle = planning.settle

    def short(job: Job, data: Data) -> Job:
        settled = settle(job, data)
        if job.recipe.options("budget").time is None:
            return settled
        # The time became as many cycles as this moment's speed allows, which is another number in every training.
        cut = recipe.with_values(settled.recipe, {"budget.steps": (STEPS, "the benchmark is short")})
        files.write_whole(job.run.path("recipe.yaml"), recipe.to_yaml(cut))
        return Job(**{**vars(settled), "recipe": cut})

    planning.settle = short
    training.CHECKPOINT_SHARE = 0
    bootstrap.REPLICATES = 50  # how wide an interval is, is not what is asked
    setattr(device, "precisions", any_precision)  # noqa: B010 - any CPU computes bf16, only slowly


def child(work: Callable[[], Any], log: Path) -> int:
    """Fork a process that does `work`, its words in `log`; returns its id. It exits with 0, 1 or, refused, 3."""
    number = os.fork()
    if number:
        return number
    code = 1
    try:
        descriptor = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_APPEND)
        os.dup2(descriptor, 1)
        os.dup2(descriptor, 2)
        prepared()
        work()
        code = 0
    except UsageError as error:
        code = 3
        print(error, flush=True)
    except BaseException:  # noqa: BLE001 - whatever it was, the parent must hear of it
        import traceback

        traceback.print_exc()
        sys.stderr.flush()
    os._exit(code)


def ended(number: int) -> int:
    """The exit code of a child, minus the signal that killed it."""
    return os.waitstatus_to_exitcode(os.waitpid(number, 0)[1])


def train(task: str, setting: str, sample: Path, run: Path) -> Callable[[], Any]:
    """What trains one run."""
    chosen = {**ALWAYS, **OF_TASK.get(task, {}), **SETTINGS[setting]}
    several = {name: chosen.pop(name) for name in ("folds", "ensemble") if name in chosen}
    return lambda: api.train(
        task, sample, recipes=("quick",), settings=chosen, run=run, progress="plain", pictures=False, **several
    )


def yields(run: Path) -> dict[str, str]:
    """The sha256 of everything in a finished run that must not depend on a kill."""
    found = [*run.rglob("history.jsonl"), *run.rglob("predictions/*"), *run.glob("artifact/*.onnx")]
    for checkpoints in run.rglob("checkpoints"):
        found += (max(checkpoints.glob("0*"))).glob("st*.json")
        found += (max(checkpoints.glob("0*"))).glob("*.safetensors")
    digests = {str(path.relative_to(run)): hashlib.sha256(path.read_bytes()).hexdigest() for path in found}
    scores = json.loads((run / "scores.json").read_text())
    return digests | {"scores.json": json.dumps(scores, sort_keys=True)}


def undisturbed(task: str, setting: str, place: Path) -> dict[str, Any] | None:
    """What an undisturbed training yields and the seconds that it takes, made once; None where it ends otherwise."""
    known = place / "undisturbed.json"
    if not known.exists():
        sample, run = place.parent / "sample", place / "undisturbed" / "run"
        if not sample.exists():
            ended(child(lambda: api.sample(task, sample, seed=0), place / "sample.txt"))
        shutil.rmtree(run.parent, ignore_errors=True)
        run.parent.mkdir(parents=True)
        began = time.perf_counter()
        code = ended(child(train(task, setting, sample, run), place / "undisturbed.txt"))
        seconds = time.perf_counter() - began
        if code:
            why = "is refused" if code == 3 else "FAILED"
            print(f"      {task}, {setting}: left out, the undisturbed training {why}; see {place}/undisturbed.txt")
        found = {"seconds": seconds, "cycles": saved(run), "yields": yields(run)} if code == 0 else None
        known.write_text(json.dumps(found))
    content: dict[str, Any] | None = json.loads(known.read_text())
    return content


def begun(run: Path) -> bool:
    """Whether a run has come so far that there is something to take up: its folder says of what it is."""
    try:
        return "trial" in json.loads((run / "run.json").read_text())
    except (OSError, ValueError):
        return False


def saved(run: Path) -> int:
    """The cycles that checkpoints hold, over all members."""
    newest: dict[str, int] = {}
    # Path.rglob would fail on a folder that vanishes meanwhile.
    for name in glob.iglob("**/checkpoints/0*", root_dir=run, recursive=True):  # noqa: PTH207
        parent, _, cycle = name.rpartition("/")
        newest[parent] = max(newest.get(parent, 0), int(cycle))
    return sum(newest.values())


def wait(process: int, run: Path, moment: float, cycle: int | None) -> None:
    """Return `moment` seconds after now, or after `cycle` is saved; earlier where the child ends before that."""
    while cycle is not None and saved(run) < cycle:
        if os.waitid(os.P_PID, process, os.WEXITED | os.WNOHANG | os.WNOWAIT):
            return
        time.sleep(0.005)
    time.sleep(moment)


def killed(task: str, setting: str, place: Path, number: int, whole: Mapping[str, Any]) -> dict[str, Any]:
    """One training killed at a moment that hangs on `number`, and taken up: which of its yields differ."""
    chance = random.Random(number)  # noqa: S311 - the moment of a kill is no secret
    run, log = place / f"{number:04d}" / "run", place / f"{number:04d}.txt"
    for _ in range(TRIES):
        shutil.rmtree(run.parent, ignore_errors=True)
        run.parent.mkdir(parents=True)
        cycle = chance.randint(1, whole["cycles"]) if chance.random() < 0.5 else None
        moment = chance.uniform(EARLY, LATE) * whole["seconds"] if cycle is None else chance.uniform(0, SOON)
        process = child(train(task, setting, place.parent / "sample", run), log)
        wait(process, run, moment, cycle)
        os.kill(process, signal.SIGKILL)
        if ended(process) == -signal.SIGKILL and begun(run):
            break  # else it was done already, or had not begun
    else:
        sys.exit(f"{task}, {setting}: {TRIES} kills came too early or too late")
    kept = [saved(run)]
    if chance.randrange(AGAIN) == 0:
        process = child(lambda: api.resume(run, progress="plain"), log)
        wait(process, run, chance.uniform(EARLY, LATE) * whole["seconds"] * (1 - kept[0] / whole["cycles"] / 2), None)
        os.kill(process, signal.SIGKILL)
        kept += [saved(run)] if ended(process) == -signal.SIGKILL else []
    state = json.loads((run / "run.json").read_text())["state"]
    code = 0 if state == "finished" else ended(child(lambda: api.resume(run, progress="plain"), log))
    after = yields(run) if code == 0 else {}
    differs = sorted(name for name in {*whole["yields"], *after} if whole["yields"].get(name) != after.get(name))
    if not differs:
        shutil.rmtree(run.parent)
        log.unlink()
    return {"task": task, "setting": setting, "saved": kept, "of": whole["cycles"], "code": code, "differs": differs}


def pairs(only: list[str]) -> Iterator[tuple[str, str]]:
    """Every task with every setting, tasks taking turns; of those named, where any are."""
    tasks = list(discovery.tasks())
    for shift in range(len(SETTINGS)):
        for place, task in enumerate(tasks):
            setting = list(SETTINGS)[(place + shift) % len(SETTINGS)]
            wanted = {name for name in only if name in tasks}, {name for name in only if name in SETTINGS}
            if task in (wanted[0] or {task}) and setting in (wanted[1] or {setting}):
                yield task, setting


def told(one: Mapping[str, Any], place: Path) -> str:
    """What became of a killed training, in a line."""
    at = ", again with ".join(str(count) for count in one["saved"])
    said = "equal"
    if one["differs"]:
        said = f"DIFFERS (exit code {one['code']}): {', '.join(one['differs'])}; see {place}"
    return f"{one['task']}, {one['setting']}: killed with {at} of {one['of']} cycles saved: {said}"


def report(counted: list[dict[str, Any]]) -> None:
    """A row a task, a setting, and a time of the kill."""
    when = {
        "killed before the first checkpoint": lambda one: one["saved"][0] == 0,
        "killed in training": lambda one: 0 < one["saved"][0] < one["of"],
        "killed after the last checkpoint": lambda one: one["saved"][0] == one["of"],
        "killed twice": lambda one: len(one["saved"]) > 1,
    }
    groups = {name: [one for one in counted if holds(one)] for name, holds in when.items()}
    for kind in ("setting", "task"):
        for name in dict.fromkeys(one[kind] for one in counted):
            groups[name] = [one for one in counted if one[kind] == name]
    for name, rows in groups.items():
        print(f"{name:36s} {sum(not one['differs'] for one in rows):4d} of {len(rows)}")


def main() -> None:
    """Count, and print a row a setting and the sum; the exit code is 1 where anything differed."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--kills", type=int, default=200)
    parser.add_argument("--only", action="append", default=[], help="a task or a setting; may be given several times")
    parser.add_argument("--into", type=Path, default=ROOT / "build" / "resume")
    arguments = parser.parse_args()
    text = b"".join(path.read_bytes() for path in sorted([*ROOT.glob("stepwell/**/*.py"), Path(__file__)]))
    into = arguments.into.resolve() / hashlib.sha256(text).hexdigest()[:12]
    into.mkdir(parents=True, exist_ok=True)
    warm_up()
    kept = into / "kills.json"
    done: dict[str, Any] = json.loads(kept.read_text()) if kept.exists() else {}
    chosen = list(pairs(arguments.only))
    number = turn = refused = 0
    counted: list[dict[str, Any]] = []
    while number < arguments.kills and refused < len(chosen):
        task, setting = chosen[turn % len(chosen)]
        turn += 1
        place = into / task / setting.replace(" ", "_")
        place.mkdir(parents=True, exist_ok=True)
        whole = undisturbed(task, setting, place)
        if whole is None:
            refused += 1
            continue
        refused = 0
        key = f"{task}, {setting}, {turn}"
        if key not in done:
            done[key] = killed(task, setting, place, turn, whole)
            beside = kept.with_suffix(".new")
            beside.write_text(json.dumps(done, indent=1))
            beside.replace(kept)
            print(f"{number + 1:4d}  {told(done[key], place)}", flush=True)
        counted.append(done[key])
        number += 1
    report(counted)
    equal = sum(not one["differs"] for one in counted)
    print(f"equal: {equal}/{len(counted)}")
    sys.exit(equal < len(counted))


if __name__ == "__main__":
    main()
