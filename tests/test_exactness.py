"""A training killed at any moment and taken up again is the training never killed, bit for bit.

`test_loop.py` takes the bare loop up at every kind of cycle, and the contract kills each task's quick run once. Here
the settings that hold a state of their own are on together, with everything around the loop: see `CASES`.
`benchmarks/resume.py` does it hundreds of times.
"""

from __future__ import annotations

import gc
import json
import os
import random
import shutil
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image
from torch import nn

import stepwell
from stepwell import building, checkpoint, device, discovery, files, intake, planning, recipe, training
from stepwell import run as run_folders
from stepwell.building import Data
from stepwell.errors import RunError, TrainingError
from stepwell.feed import DecodedFeed
from stepwell.history import History
from stepwell.job import Clock, Job
from stepwell.loop import Plan, Step, Training, Turn
from stepwell.preparation import Preparation
from stepwell.progress import open_progress
from stepwell.run import Run
from stepwell.schema import Batch, Examples, Field, Loss, Objective, Schema, Term

pytestmark = pytest.mark.xdist_group("exactness")

STEPS = 40
ALWAYS: Mapping[str, Any] = {
    "budget.steps": STEPS,
    "training.threads": 1,
    "training.batch_size": 8,
    "training.evaluate_every": 6,
    "training.checkpoint_every": 0.02,
    "training.ema": 0.9,
    "training.clip_norm": 1.0,
}
PICTURES: Mapping[str, Any] = {
    "model": "cnn",
    "model.filters": (8,),
    "model.dense": (16,),
    "model.normalization": "batch",
    "model.dropout": 0.3,
    "augmentation": ["flip", "crop", "erasing", "mixup"],
}
CASES: Mapping[str, tuple[str, Mapping[str, Any]]] = {
    "plateau and patience": (
        "image_classification",
        {
            **PICTURES,
            "schedule": "plateau",
            "schedule.patience": 0,
            "training.patience": 3,
            "optimizer.learning_rate": 1e-6,
        },
    ),
    "cosine, accumulated, decoded in the loop": (
        "image_classification",
        {
            **PICTURES,
            "schedule": "cosine",
            "training.warmup": 0.2,
            "training.accumulate": 2,
            "training.memory": "decoded",
            "training.workers": 0,
        },
    ),
    "one cycle, decoded by two": (
        "image_classification",
        {**PICTURES, "schedule": "one_cycle", "training.memory": "decoded", "training.workers": 2, "optimizer": "sgd"},
    ),
    "bf16": ("image_classification", {**PICTURES, "schedule": "exponential", "training.precision": "bf16"}),
    "two objectives": ("toy_gan", {"schedule": "step", "budget.steps": 15, "training.evaluate_every": 4}),
    "under a time": ("toy_gan", {"budget.steps": None, "budget.time": "30s", "training.evaluate_every": 7}),
}


class Killed(BaseException):
    """What stands for a SIGKILL in this process: nothing in the house catches it to save anything."""


@dataclass(frozen=True)
class Begun:
    """A run as it is when its recipe has just been frozen, and the data that it trains on."""

    job: Job
    data: Data

    def copy(self, folder: Path) -> Job:
        """The job of another run that was begun in the same way."""
        shutil.copytree(self.job.run.folder, folder)
        return replace(self.job, run=Run(folder), clock=Clock())

    def model(self) -> nn.Module:
        """The network that the recipe builds."""
        return building.build_model(self.job.recipe, self.job.folder, self.data.preparation.schema)


@pytest.fixture(scope="module")
def sources(tmp_path_factory: pytest.TempPathFactory) -> Mapping[str, Path]:
    """Two classes of thirty small pictures, a folder a class; and points for the toy of two objectives."""
    root = tmp_path_factory.mktemp("sources")
    generator = np.random.default_rng(0)
    for number, name in enumerate(("dark", "light")):
        (root / "pictures" / name).mkdir(parents=True)
        for one in range(30):
            pixels = generator.integers(60 * number, 150 + 60 * number, (8, 8), dtype=np.uint8)
            Image.fromarray(pixels).save(root / "pictures" / name / f"{one}.png")
    return {"image_classification": root / "pictures", "toy_gan": stepwell.sample("toy_gan", root / "points")}


def begin(task: str, source: Path, folder: Path, settings: Mapping[str, Any]) -> Begun:
    """Read, split, prepare and freeze; nothing is trained yet."""
    drafted = recipe.draft(task, ("quick",), {"budget.time": None, **ALWAYS, **settings})
    run = run_folders.create(folder, "single", task, "test")
    job = Job(run, discovery.task(task), drafted, source, open_progress("quiet"), Clock())
    data = intake.look(job)
    return Begun(planning.settle(job, data), data)


@pytest.fixture(autouse=True)
def saved_often(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(training, "CHECKPOINT_SHARE", 0)
    monkeypatch.setattr(os, "fsync", lambda descriptor: None)  # the machine is not what is switched off here


def killed_at(cycle: int, job: Job, data: Data, *, saving: bool) -> None:
    """Train until the event of a cycle, and die: before it is recorded, or after that, when it should be saved."""
    add, save = History.add, checkpoint.save

    def adding(self: History, event: Any) -> None:
        if event.cycle >= cycle and not saving:
            raise Killed
        add(self, event)

    def saved(root: Path, state: Mapping[str, Any], at: int) -> Path:
        if at >= cycle and saving:
            raise Killed
        return save(root, state, at)

    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(History, "add", adding)
        patched.setattr(checkpoint, "save", saved)
        with pytest.raises(Killed):
            training.fit(job, data)


def flat(value: Any) -> Any:
    """A state with its tensors as bytes, so that equal means equal bit for bit."""
    if isinstance(value, torch.Tensor):
        return str(value.dtype), tuple(value.shape), value.contiguous().view(-1).view(torch.uint8).numpy().tobytes()
    if isinstance(value, dict):
        return {name: flat(one) for name, one in value.items()}
    return [flat(one) for one in value] if isinstance(value, list | tuple) else value


def ended(run: Run) -> tuple[bytes, Any]:
    """What two trainings are compared by: the history's bytes, and all that the last checkpoint holds."""
    state, notes = checkpoint.load_latest(run.path("checkpoints"))
    assert state is not None and not notes
    return run.path("history.jsonl").read_bytes(), flat(state)


@pytest.mark.parametrize("name", CASES)
def test_killed_twice_and_taken_up_is_never_killed(
    name: str, sources: Mapping[str, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(device, "cpu_flags", lambda: frozenset({"avx512_bf16"}))
    task, settings = CASES[name]
    begun = begin(task, sources[task], tmp_path / "begun", settings)
    if name == "under a time":
        assert begun.job.recipe.options("budget").steps > STEPS, "the time became so many cycles"
        shorter = recipe.with_values(begun.job.recipe, {"budget.steps": (STEPS, "the test is short")})
        begun = replace(begun, job=replace(begun.job, recipe=shorter))
    whole = begun.copy(tmp_path / "whole")
    training.fit(whole, begun.data)
    cycles = checkpoint.load_latest(whole.run.path("checkpoints"))[0]["progress"]["cycle"]  # type: ignore[index]
    assert (cycles < STEPS) == (name in ("plateau and patience", "two objectives"))

    chance = random.Random(name)
    killed = begun.copy(tmp_path / "killed")
    first, second = sorted(chance.sample(range(2, cycles), 2))
    for cycle, saving in ((first, False), (second, True)):
        killed_at(cycle, killed, begun.data, saving=saving)
        torch.manual_seed(chance.randrange(2**32))
    training.fit(replace(killed, clock=Clock()), begun.data)
    ours, theirs = ended(killed.run), ended(whole.run)
    assert ours[0] == theirs[0], f"the history differs (killed at {first} and {second})"
    assert ours[1] == theirs[1], f"the state differs (killed at {first} and {second})"


def test_a_network_that_draws_from_python_and_numpy_goes_on_with_the_same_numbers(
    sources: Mapping[str, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    begun = begin("toy_gan", sources["toy_gan"], tmp_path / "begun", {"budget.steps": 8})
    whole, killed = begun.copy(tmp_path / "whole"), begun.copy(tmp_path / "killed")
    monkeypatch.setattr(planning, "model_of", lambda job, data: Noisy(begun.model()))
    training.fit(whole, begun.data)
    killed_at(5, killed, begun.data, saving=False)
    training.fit(killed, begun.data)
    assert ended(killed.run) == ended(whole.run)


def test_a_training_cut_short_ends_there_too_when_it_was_killed_at_that(
    sources: Mapping[str, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    begun = begin("toy_gan", sources["toy_gan"], tmp_path / "begun", {"training.checkpoint_every": 60})
    whole, killed = begun.copy(tmp_path / "whole"), begun.copy(tmp_path / "killed")
    with monkeypatch.context() as slow:
        slow.setattr(training, "_limit", lambda job: training.Limit(0.0, 1.0, 0.0))
        training.fit(whole, begun.data)
        killed_at(1, killed, begun.data, saving=True)
    assert whole.run.state()["cut_short"]["cycle"] == 1
    training.fit(killed, begun.data)
    training.fit(whole, begun.data)  # as when it was killed after its training, at its export
    assert ended(killed.run) == ended(whole.run)
    lines = files.read_lines(whole.run.path("history.jsonl"))
    assert [line["kind"] for line in lines] == ["step", "evaluation"]


def test_added_cycles_whose_checkpoint_is_damaged_begin_where_there_is_one(
    sources: Mapping[str, Path], tmp_path: Path
) -> None:
    settings = {
        "budget.steps": 4,
        "training.evaluate_every": 2,
        "training.checkpoint_every": 1e-6,
        "schedule": "cosine",
    }
    job = (begun := begin("toy_gan", sources["toy_gan"], tmp_path / "begun", settings)).copy(tmp_path / "run")
    training.fit(job, begun.data)
    longer = recipe.with_values(job.recipe, {"budget.steps": (10, "six more")})
    files.write_json(job.run.path("run.json"), {**job.run.state(), "phase_start": 4})
    (job.run.path("checkpoints") / "000000000004" / "state.json").write_text("{")
    training.fit(replace(job, recipe=longer), begun.data)
    lines = [line for line in files.read_lines(job.run.path("history.jsonl")) if line["kind"] == "step"]
    first = job.run.state()["phase_start"]
    assert first < 4 and [line["cycle"] for line in lines] == list(range(1, 11))
    rates = [line["learning_rate"]["critic"] for line in lines[first:]]
    assert rates[0] == max(rates) == 0.002 and rates == sorted(rates, reverse=True)


def test_weights_that_are_no_numbers_are_not_saved(
    sources: Mapping[str, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    begun = begin(
        "toy_gan",
        sources["toy_gan"],
        tmp_path / "begun",
        {"training.evaluate_every": 40, "training.checkpoint_every": 1e-6},
    )
    job = begun.copy(tmp_path / "run")
    add, gan = History.add, begun.model()

    def adding(self: History, event: Any) -> None:
        add(self, event)
        if event.cycle == 5:
            with torch.no_grad():
                next(gan.parameters()).fill_(float("nan"))

    monkeypatch.setattr(planning, "model_of", lambda job, data: gan)
    monkeypatch.setattr(History, "add", adding)
    with pytest.raises(TrainingError, match="diverged"):
        training.fit(job, begun.data)
    state, _ = checkpoint.load_latest(job.run.path("checkpoints"))
    assert state is not None and state["progress"]["cycle"] == 4
    assert all(bool(torch.isfinite(weight).all()) for weight in state["model"].values())


def test_a_state_of_another_kind_of_training_is_refused_in_words() -> None:
    model = nn.Linear(2, 1)
    kept = Training(model, [mean_turn(model)], Endless(), Plan(4, 2), lambda _: {}).state()
    with pytest.raises(RunError, match="does not fit"):
        Training(model, [mean_turn(model)], Endless(), Plan(4, 2, ema=0.9), lambda _: {}, state=kept)


CHILD = """
import json, sys
import stepwell
from stepwell import outcome, training
outcome.finish = lambda *given: sys.exit(7)
run, data, settings = sys.argv[1], sys.argv[2], json.loads(sys.argv[3])
if settings:
    training.CHECKPOINT_SHARE = 0
    stepwell.train("image_classification", data, recipes=("quick",), settings=settings, run=run, progress="quiet")
stepwell.resume(run, progress="quiet")
"""


def start(run: Path, data: Path, settings: Mapping[str, Any], hashing: str) -> subprocess.Popen[bytes]:
    """A process, in a group of its own, that trains into `run`, or with no settings takes it up."""
    words = [sys.executable, "-c", CHILD, str(run), str(data), json.dumps(settings)]
    environment = {**os.environ, "PYTHONHASHSEED": hashing, "OMP_NUM_THREADS": hashing}
    with Path(f"{run}.{hashing}").open("wb") as said:
        return subprocess.Popen(words, env=environment, start_new_session=True, stderr=said)


def test_killed_in_a_process_of_its_own_decoding_and_hashing_otherwise_it_is_the_same(
    sources: Mapping[str, Path], tmp_path: Path
) -> None:
    data, run = sources["image_classification"], Run(tmp_path / "killed")
    settings = {"budget.time": None, **ALWAYS, **PICTURES, "schedule": "plateau"}
    otherwise = {"training.memory": "decoded", "training.workers": 2, "training.checkpoint_every": 1e-6}
    first = start(run.folder, data, {**settings, **otherwise}, "1")
    while first.poll() is None and len(list(run.path("checkpoints").glob("0*"))) < 2:
        time.sleep(0.002)
    first.kill()
    assert first.wait() == -signal.SIGKILL, Path(f"{run.folder}.1").read_text()
    with pytest.raises(ProcessLookupError):
        os.killpg(first.pid, 0)  # nothing that it started outlives it
    before = checkpoint.load_latest(run.path("checkpoints"))[0]
    assert before is not None and before["progress"]["cycle"] < STEPS
    run.write_json("environment.json", {**run.environment(), "threads": 3})

    begun = begin("image_classification", data, tmp_path / "whole", {**settings, "training.memory": "in_memory"})
    training.fit(begun.job, begun.data)
    second = start(run.folder, data, {}, "2")
    assert second.wait() == 7, Path(f"{run.folder}.2").read_text()
    for name in ("split.csv", "preparation.json"):
        assert run.path(name).read_bytes() == begun.job.run.path(name).read_bytes()
    assert ended(run) == ended(begun.job.run)
    assert "this run began with threads 3 (now 1)" in run.path("log.txt").read_text()
    assert "threads 3 (now 1)" in run.environment()["changed"][0]


class Noisy(nn.Module):
    """The toy pair whose generator's noise is scaled by numbers of Python and of numpy, as much code in use does."""

    def __init__(self, pair: nn.Module) -> None:
        super().__init__()
        self.generator, self.critic = pair.get_submodule("generator"), pair.get_submodule("critic")
        self.generator.register_forward_pre_hook(self.shaken)

    def shaken(self, module: nn.Module, given: tuple[torch.Tensor]) -> tuple[torch.Tensor]:
        if not module.training:
            return given
        return (given[0] * (random.random() + np.random.rand()),)  # noqa: NPY002


ROWS = Schema((Field("x", "number", "float32", (2,)),), (), ())


class Endless:
    """The same batch for ever."""

    per_epoch = 3

    def batches(self, start: int) -> Iterator[Batch]:
        while True:
            yield Batch({"x": torch.ones(2, 2)}, {}, np.arange(2, dtype=np.uint64))


def mean_turn(model: nn.Module) -> Turn:
    def loss(network: nn.Module, batch: Batch) -> Loss:
        return Loss({"mean": Term(network(batch.fields["x"]).square().sum(), len(batch))})

    def same(cycle: int, total: int, evaluations: Sequence[float]) -> float:
        return 1.0

    return Turn(Objective("model", lambda m: m.parameters(), loss), torch.optim.Adam(model.parameters()), same)


def decoded(workers: int) -> DecodedFeed:
    """Rows fetched by workers."""
    names = tuple(f"row {number}" for number in range(64))

    def fetch(indices: Sequence[int], views: Any) -> dict[str, Any]:
        return {"x": np.asarray([[index, 1.0] for index in indices], dtype=np.float32)}

    examples = Examples(names, names, {}, fetch, "here", "rows")
    return DecodedFeed(examples, range(64), Preparation(ROWS, (), ()), batch_size=8, seed=0, workers=workers)


def resident() -> int:
    """The memory of this process in bytes."""
    return int(Path("/proc/self/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")


@pytest.mark.skipif(not Path("/proc/self/statm").exists(), reason="this system does not tell a process's memory")
def test_memory_is_flat_over_two_thousand_steps_and_no_worker_stays(tmp_path: Path) -> None:
    model = nn.Linear(2, 1)
    plan = Plan(2000, 100, ema=0.99, clip_norm=1.0)
    told: dict[int, tuple[int, int]] = {}
    with History(tmp_path / "history.jsonl") as history:
        for event in Training(model, [mean_turn(model)], decoded(2), plan, lambda _: {"loss": 0.0}):
            history.add(event)
            if isinstance(event, Step) and event.cycle in (500, 2000):
                gc.collect()
                tensors = sum(issubclass(type(one), torch.Tensor) for one in gc.get_objects())
                told[event.cycle] = tensors, resident()
    assert told[2000][0] <= told[500][0] + 64, "tensors stay"  # as many steps wait in the history
    assert told[2000][1] < 1.05 * told[500][1]
    assert working() == []


def working() -> list[str]:
    return [one.name for one in threading.enumerate() if one.name.startswith("stepwell")]


def raising(events: Iterator[Any]) -> None:
    next(events)
    assert len(working()) == 2
    raise Killed


def leaving(events: Iterator[Any]) -> None:
    for _ in events:
        break


@pytest.mark.parametrize("end", [raising, leaving, list])
def test_however_a_training_ends_no_worker_stays(end: Callable[[Iterator[Any]], object]) -> None:
    model = nn.Linear(2, 1)
    try:
        end(iter(Training(model, [mean_turn(model)], decoded(2), Plan(5, 9), lambda _: {})))
    except Killed:
        gc.collect()
    assert working() == []
