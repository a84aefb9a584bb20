"""The trainings that a proof rests on: light runs under `members/`, each a recipe with a seed, none done twice."""

from __future__ import annotations

import hashlib
import math
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Literal

import msgspec

from stepwell import building, checkpoint, discovery, files, inspection, intake, recipe
from stepwell import run as run_folders
from stepwell.building import Data
from stepwell.doctor import diagnosing, remedying
from stepwell.doctor.changes import Change
from stepwell.doctor.course import Answers, Arm
from stepwell.doctor.examination import of_run
from stepwell.doctor.record import SIGNALS, read
from stepwell.errors import RecipeError, RunError, TrainingError
from stepwell.job import Job, Shared
from stepwell.judge import scoring
from stepwell.progress import open_progress
from stepwell.recipe import Recipe
from stepwell.run import Run
from stepwell.schema import Finding
from stepwell.trials import members

LIGHT = {
    "training.checkpoint_every": (1e9, "an arm is short: it is trained again where it was stopped"),
    "training.stop_failing": (False, "what an arm comes to is asked, also where it fails"),
}
RESULT = "arm.json"
RUNGS, TELLING = (0.25, 0.5), 100  # shares of an arm at which candidates are compared; cycles that tell anything


@dataclass
class Arms:
    """Trains arms on the data of one run; what was trained before is read back.

    `metric` decides, on the validation part; with `last` it is read off the last validation in place of the chosen
    weights. `cycles` is how long an arm is trained. `ill` is the run whose checkpoint at cycle `snapshot` forked arms
    begin from; `until`, in seconds of the job's clock, is when no other arm may begin.
    """

    job: Job
    data: Data
    ill: Run
    metric: str
    direction: Literal["max", "min"]
    cycles: int
    last: bool = False
    snapshot: int | None = None
    until: float | None = None
    trained: list[Arm] = field(default_factory=list)
    _data: dict[str, Data] = field(default_factory=dict)

    @property
    def rungs(self) -> tuple[float, ...]:
        """The shares of an arm that tell anything: none where what is asked only shows at the end."""
        return () if self.last else tuple(share for share in RUNGS if share * self.cycles >= TELLING)

    def train(
        self, role: str, changes: Sequence[Change], seed: int, *, share: float = 1.0, forked: bool = False
    ) -> Arm:
        """The arm of the ill run's recipe with those changes and a seed."""
        try:
            draft = self._recipe(changes, seed, share, forked=forked)
        except RecipeError as error:
            return Arm(role, seed, None, error.what, (), 0, 0.0, "")
        digest = hashlib.sha256(f"{recipe.to_yaml(draft)}{self.snapshot if forked else ''}".encode())
        run = self._open(digest.hexdigest()[:12], draft)
        if not run.path(RESULT).exists():
            self.job.progress.note(f"{role}, seed {seed}" + (f", {100 * share:.0f} %" if share < 1 else ""))
            run.write_json(RESULT, msgspec.to_builtins(self._learn(role, run, draft, seed, forked=forked)))
            if run.path("checkpoints").exists():
                files.discard(run.path("checkpoints"))  # its value is all that is asked of it
        arm = msgspec.convert(run.read_json(RESULT), Arm)
        self.trained.append(arm)
        return arm

    def answers(self, arm: Arm, changes: Sequence[Change]) -> Answers:
        """What the doctor found in an arm, with its remedies for the recipe so changed."""
        run = self._run(arm.folder)
        if not run.path(SIGNALS).exists():
            return ()
        record, settings = read(run.path(SIGNALS)), recipe.flat(with_changes(self.job.recipe, changes))
        found = [one for one in of_run(run).findings if one.severity > 1]
        return [(one, remedying.remedies(one, record, settings)) for one in found]

    def over(self) -> bool:
        """Whether no time is left for another seed."""
        return self.until is not None and self.job.clock.gone() > self.until

    def say(self, words: str) -> None:
        """Into the log of the healing, and to who is looking on."""
        self.job.progress.note(words)

    def _run(self, folder: str) -> Run:
        return run_folders.open_run(self.job.run.path("members") / folder)

    def _recipe(self, changes: Sequence[Change], seed: int, share: float, *, forked: bool) -> Recipe:
        """The complete recipe of an arm: the ill one, shortened, with the changes and the seed."""
        planned = self.job.recipe.options("budget").steps
        changed = with_changes(self.job.recipe, changes)
        longer = changed.options("budget").steps / planned
        steps = math.ceil(self.cycles * longer * share) + (self.snapshot or 0 if forked else 0)
        short = {"budget.steps": (steps, "an arm is as long as tells")}
        none = {f"budget.{name}": (None, "an arm counts cycles") for name in ("time", "epochs")}
        return recipe.with_values(changed, {**short, **none, **LIGHT, "seed": (seed, "that of the arm")})

    def _open(self, key: str, draft: Recipe) -> Run:
        folder = self.job.run.path("members") / key
        if not (folder / "run.json").is_file():
            run = run_folders.create(folder, "single", self.job.folder.name, self.job.run.state()["command"])
            for name in ("draft.yaml", "recipe.yaml"):
                files.write_whole(run.path(name), recipe.to_yaml(draft))
        return run_folders.open_run(folder)

    def _learn(self, role: str, run: Run, draft: Recipe, seed: int, *, forked: bool) -> Arm:
        began = time.process_time()
        value, why = None, ""
        try:
            data = self._prepared(run, draft)
            if forked and self.snapshot is not None:
                fork(self.ill, self.snapshot, run)
            with open_progress("quiet", run.path("log.txt")) as silent:
                quiet = replace(self.job, progress=silent)
                job, data, model = members.learn(quiet, run, draft, Shared(data=data))
            run.set_state("finished")
            value = self._value(job, data, run, model)
        except TrainingError as error:
            why = error.what
        steps = int(draft.options("budget").steps) - (self.snapshot or 0 if forked else 0)
        seconds = round(time.process_time() - began, 2)
        return Arm(role, seed, value, why, self._found(run), steps, seconds, run.folder.name)

    def _found(self, run: Run) -> tuple[str, ...]:
        """The harmful findings of an arm: of the doctor, and of the audit of the data that it was trained on."""
        found = of_run(run).findings if run.path(SIGNALS).exists() else ()
        audited = run if run.path("split.csv").exists() else self.job.run
        mine = discovery.names(diagnosing.ROOM)
        others = [one for one in audited_findings(audited) if one.name not in mine]
        return tuple(dict.fromkeys(one.name for one in (*found, *others) if one.severity > 1))

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
            with open_progress("quiet", run.path("log.txt")) as silent:
                self._data[key] = intake.look(with_split(replace(self.job, progress=silent, force=True), run, draft))
        return self._data[key]


def with_changes(base: Recipe, changes: Sequence[Change]) -> Recipe:
    """The recipe with all of the changes, in their order."""
    for change in changes:
        base = change.of(base)
    return base


def with_split(parent: Job, run: Run, draft: Recipe) -> Job:
    """The job of a run on the parent's data, each example in the parent's part, unless the draft splits otherwise."""
    job = replace(parent, run=run, recipe=draft)
    if draft.values["split"] != parent.recipe.values["split"]:
        return job
    share_split(parent.run, run)
    if draft.values["reader"] == parent.recipe.values["reader"]:
        return job
    looked = intake.read(job)  # what is read otherwise looks like other data: the split is that of the same examples
    state = {**run.state(), "fingerprint": inspection.fingerprint(looked.inspection)}
    files.write_json(run.path("run.json"), state)
    return replace(job, shared=replace(job.shared, looked=looked))


def share_split(run: Run, other: Run) -> None:
    """Give `other` the split of `run`, so that it is taken as it is."""
    files.write_whole(other.path("split.csv"), files.read_bytes(run.path("split.csv"), files.JSON_LIMIT))
    known = run.state()
    state = {name: known[name] for name in ("fingerprint", "lineage") if name in known}
    files.write_json(other.path("run.json"), {**other.state(), **state})


def fork(ill: Run, cycle: int, run: Run) -> None:
    """Let `run` begin where `ill` was at a cycle: weights, optimizer and generators, and what the doctor had read.

    What was selected, validated and measured until then is left behind, so that only what comes after it counts.
    """
    state = checkpoint.load_at(ill.path("checkpoints"), cycle)
    fresh = {"evaluated_at": cycle, "evaluations": [], "since_best": 0, "stopped": False}
    state = {**state, "best": None, "history": 0, "progress": {**state["progress"], **fresh}}
    checkpoint.save(run.path("checkpoints"), state, cycle)
    if ill.path(SIGNALS).exists():
        begun = replace(read(ill.path(SIGNALS)), steps=[], probes=[], ended=False)
        files.write_whole(run.path(SIGNALS), "".join(f"{line}\n" for line in begun.rows()))


def audited_findings(run: Run) -> tuple[Finding, ...]:
    """All findings that a run holds, as it wrote them; those of the audit of its data are among them."""
    known = run.read_json("findings.json") if run.path("findings.json").exists() else []
    try:
        return tuple(msgspec.convert(one, Finding) for one in known)
    except msgspec.ValidationError as error:
        where = str(run.path("findings.json"))
        raise RunError(f"The findings of this run are damaged: {error}.", where=where) from error


def deciding(job: Job, data: Data, findings: Mapping[str, Finding]) -> tuple[str, Literal["max", "min"]]:
    """The metric by which arms are judged, and its direction: that of the card, else that which selects the weights.

    Unlike some headlines (the AUROC of a network that has learnt nothing may be anything) it hardly varies between
    networks that are equally bad. Where classes are of unequal size, it is the metric that takes all of them alike.
    """
    card = job.folder.card.facing(data.preparation.schema)
    if "class_imbalance" in findings and "balanced_accuracy" in card.metrics:
        return "balanced_accuracy", "max"
    if card.compare is None and card.select is not None:
        return card.select.quantity, card.select.direction
    metric = card.compare or card.headline
    direction: Literal["max", "min"] = discovery.find(job.folder.rooms("metrics"), metric).DIRECTION
    return metric, direction


def _preparing(draft: Recipe) -> str:
    """What of a recipe decides how data are read, split and prepared."""
    return files.json_text(
        {name: draft.values[name] for name in ("reader", "split", "prepare") if name in draft.values}
    )
