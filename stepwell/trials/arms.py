"""The trainings that a proof rests on: light runs under `members/`, each a recipe with a seed, none done twice."""

from __future__ import annotations

import hashlib
import math
import time
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import msgspec

from stepwell import building, discovery, files, intake, recipe
from stepwell import run as run_folders
from stepwell.building import Data
from stepwell.doctor.changes import Change
from stepwell.doctor.examination import of_run
from stepwell.doctor.record import SIGNALS
from stepwell.errors import TrainingError
from stepwell.job import Job, Shared
from stepwell.judge import scoring
from stepwell.progress import open_progress
from stepwell.recipe import Recipe
from stepwell.run import Run
from stepwell.schema import Finding
from stepwell.trials import members

LIGHT = {"training.checkpoint_every": (1e9, "an arm is short: it is trained again where it was stopped")}
RESULT = "arm.json"
TWICE = 2.0  # of the reference: what an error counts at most, and what a training that failed counts as


@dataclass(frozen=True)
class Arm:
    """One training of a proof: what it was for, its seed, what came of it, and the folder's name under `members/`.

    `value` is the metric on the validation part, None where it failed, which `why` says; `found` are the harmful
    diagnoses of it; `seconds` are of the processor.
    """

    role: str
    seed: int
    value: float | None
    why: str
    found: tuple[str, ...]
    cycles: int
    seconds: float
    folder: str


@dataclass
class Arms:
    """Trains arms on the data of one run; what was trained before is read back.

    `metric` decides, on the validation part; with `last` it is read off the last validation in place of the chosen
    weights. `cycles` is how long an arm is trained.
    """

    job: Job
    data: Data
    metric: str
    direction: str
    cycles: int
    last: bool = False
    trained: list[Arm] = field(default_factory=list)
    _data: dict[str, Data] = field(default_factory=dict)

    def train(self, role: str, base: Recipe, change: Change | None, seed: int) -> Arm:
        """The arm of a recipe, changed or not, and a seed."""
        draft = self._recipe(base, change, seed)
        key = hashlib.sha256(recipe.to_yaml(draft).encode()).hexdigest()[:12]
        run = self._open(key, draft)
        if not run.path(RESULT).exists():
            self.job.progress.note(f"{role}, seed {seed}")
            run.write_json(RESULT, msgspec.to_builtins(self._learn(role, run, draft, seed)))
            if run.path("checkpoints").exists():
                files.discard(run.path("checkpoints"))  # its value is all that is asked of it
        arm = msgspec.convert(run.read_json(RESULT), Arm)
        self.trained.append(arm)
        return arm

    def worth(self, arm: Arm, reference: Arm) -> float:
        """The arm's value as one that is better the higher: as it is, or an error over `reference`'s, negative."""
        if self.direction == "max":
            return 0.0 if arm.value is None else arm.value
        if arm.value is None:
            return -TWICE
        scale = reference.value or arm.value
        return -min(arm.value / max(scale, 1e-12), TWICE)

    def run(self, arm: Arm) -> Run:
        """The run of an arm."""
        return run_folders.open_run(self.job.run.path("members") / arm.folder)

    def _recipe(self, base: Recipe, change: Change | None, seed: int) -> Recipe:
        """The complete recipe of an arm: the base, shortened, with the change and the seed."""
        planned = base.options("budget").steps
        changed = base if change is None else change.of(base)
        longer = changed.options("budget").steps / planned
        short = {"budget.steps": (math.ceil(self.cycles * longer), "an arm is as long as tells")}
        none = {f"budget.{name}": (None, "an arm counts cycles") for name in ("time", "epochs")}
        return recipe.with_values(changed, {**short, **none, **LIGHT, "seed": (seed, "that of the arm")})

    def _open(self, key: str, draft: Recipe) -> Run:
        folder = self.job.run.path("members") / key
        if not (folder / "run.json").is_file():
            run = run_folders.create(folder, "single", self.job.folder.name, self.job.run.state()["command"])
            for name in ("draft.yaml", "recipe.yaml"):
                files.write_whole(run.path(name), recipe.to_yaml(draft))
        return run_folders.open_run(folder)

    def _learn(self, role: str, run: Run, draft: Recipe, seed: int) -> Arm:
        began = time.process_time()
        value, why = None, ""
        try:
            data = self._prepared(run, draft)
            with open_progress("quiet", run.path("log.txt")) as silent:
                quiet = replace(self.job, progress=silent)
                job, data, model = members.learn(quiet, run, draft, Shared(data=data))
            run.set_state("finished")
            value = self._value(job, data, run, model)
        except TrainingError as error:
            why = error.what
        found = of_run(run).findings if run.path(SIGNALS).exists() else ()
        names = tuple(one.name for one in found if one.severity > 1)
        steps = int(draft.options("budget").steps)
        return Arm(role, seed, value, why, names, steps, round(time.process_time() - began, 2), run.folder.name)

    def _value(self, job: Job, data: Data, run: Run, model: Any) -> float | None:
        if self.last:
            lines = [one for one in files.read_lines(run.path("history.jsonl")) if one["kind"] == "evaluation"]
            found: float | None = lines[-1]["values"].get(self.metric) if lines else None
            return found
        schema = data.preparation.schema
        network = next(iter(building.networks(job.folder, model, schema).values()))
        predictions, truth = building.answer_part(data, "valid", building.answering(job.folder, network, data))
        rooms = job.folder.rooms("metrics")
        values = scoring.evaluate_metrics((self.metric,), rooms, truth, predictions, schema)
        return values.get(self.metric)

    def _prepared(self, run: Run, draft: Recipe) -> Data:
        """The data as this recipe prepares them: those of the parent, unless reading or preparing was changed."""
        key = _preparing(draft)
        if key == _preparing(self.job.recipe):
            return self.data
        if key not in self._data:
            share_split(self.job.run, run)
            self._data[key] = intake.look(replace(self.job, run=run, recipe=draft))
        return self._data[key]


def share_split(run: Run, other: Run) -> None:
    """Give `other` the split of `run`, so that it is taken as it is."""
    files.write_whole(other.path("split.csv"), files.read_bytes(run.path("split.csv"), files.JSON_LIMIT))
    known = run.state()
    state = {name: known[name] for name in ("fingerprint", "lineage") if name in known}
    files.write_json(other.path("run.json"), {**other.state(), **state})


def deciding(job: Job, data: Data, findings: Mapping[str, Finding]) -> tuple[str, str]:
    """The metric by which arms are judged, and its direction: that by which training selects its weights.

    Unlike some headlines (the AUROC of a network that has learnt nothing may be anything) it hardly varies between
    networks that are equally bad. Where classes are of unequal size, it is the metric that takes all of them alike.
    """
    card = job.folder.card.facing(data.preparation.schema)
    if "class_imbalance" in findings and "balanced_accuracy" in card.metrics:
        return "balanced_accuracy", "max"
    if card.select is not None:
        return card.select.quantity, card.select.direction
    return card.headline, str(discovery.find(job.folder.rooms("metrics"), card.headline).DIRECTION)


def _preparing(draft: Recipe) -> str:
    """What of a recipe decides how data are read and prepared."""
    return files.json_text({name: draft.values[name] for name in ("reader", "prepare") if name in draft.values})
