"""Heal a run: what the doctor found is answered by changes of its recipe, each proven against none and a placebo.

Which changes are tried, and which hold, is `doctor.course`; here are the arms, what they cost, and the healed training,
a new run beside the ill one. Changes that can be made at any time are tried from the run's last snapshot before what
was found began, where it has one; others from the first weights. A kill loses one arm.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

import msgspec

from stepwell import checkpoint, discovery, files, intake, recipe, training
from stepwell import run as run_folders
from stepwell.doctor import course, diagnosing, measures, remedying
from stepwell.doctor.course import Answers, Course, Tried
from stepwell.doctor.examination import of_run
from stepwell.doctor.record import SIGNALS, read
from stepwell.errors import BudgetError, RunError, TrainingError
from stepwell.job import Clock, Job
from stepwell.report import facts
from stepwell.run import Run
from stepwell.schema import Finding
from stepwell.trials.arms import Arms, audited_findings, deciding, share_split, with_changes, with_split

SHARE, LEAST_CYCLES = 1 / 3, 150  # of the run's cycles that an arm is trained, and at least
WHOLE = frozenset(("overfit", "too_few_epochs"))  # what only shows at the end: arms are as long as the run
BEGUN = 0.05  # of the planned cycles: a snapshot before that is no better than the beginning
LEARNT = 0.9  # of the loss of the best constant answer
RESULT, PAGE = "heal.json", "heal.html"


@dataclass(frozen=True)
class Healing:
    """What healing came to.

    `healed` is the folder of the healed run, "" where nothing held. `findings` have name, message, remedy (as flags, or
    advice) and `verified`. `scores` are the healed run's on the test part. `page` tells it all. `cost` counts arms, all
    trainings as multiples of the run's cycles, and processor seconds.
    """

    ill: str
    healed: str
    page: str
    metric: str
    scores: dict[str, float]
    findings: tuple[dict[str, Any], ...]
    tried: tuple[Tried, ...]
    edits: tuple[str, ...]
    cost: dict[str, float]
    said: str


def heal(ill: Run, job: Job, seconds: float | None) -> Healing:
    """Heal a run; `job` is that of the healing, in `ill`'s folder `heal`, with the ill run's frozen recipe.

    RunError where the doctor did not read the run, BudgetError where `seconds` are too few for two seeds.
    """
    harmful, answers = _found(ill, job)
    if not any(several for _, several in answers):
        return _nothing(ill, job, harmful, "Nothing was found that a change of the recipe could answer.")
    until = _plan(ill, job, read(ill.path(SIGNALS)).length, seconds)
    _take_over(ill, job.run)
    data = intake.look(job)
    job.run.set_state("running")
    last = not WHOLE.isdisjoint(harmful)
    metric, direction = deciding(job, data, harmful)
    planned = int(job.recipe.options("budget").steps)
    cycles = planned if last else min(planned, max(LEAST_CYCLES, round(planned * SHARE)))
    snapshot = None if last else _snapshot(ill, planned, harmful)
    arms = Arms(job, data, ill, metric, direction, cycles, last, snapshot, until)
    made = Course(arms, int(job.recipe.values["seed"]))
    made.run(answers)
    healed = _healed(ill, job, made, metric) if made.accepted else ""
    return _told(ill, job, made, arms, harmful, healed)


def _found(ill: Run, job: Job) -> tuple[dict[str, Finding], Answers]:
    """What harms, by name, with its remedies: what the doctor found, and what the audit did if a recipe answers it."""
    found = [one for one in of_run(ill).findings if one.severity > 1]
    record, settings = read(ill.path(SIGNALS)), recipe.flat(job.recipe)
    audited = [one for one in audited_findings(ill) if one.name not in discovery.names(diagnosing.ROOM)]
    answered = [one for one in audited if remedying.remedies(one, record, settings)]
    harmful = {one.name: one for one in (*answered, *found)}
    return harmful, [(one, remedying.remedies(one, record, settings)) for one in harmful.values()]


def _snapshot(ill: Run, planned: int, harmful: Mapping[str, Finding]) -> int | None:
    """The cycle of the last snapshot before the first of what was found was seen; None where there is none worth it.

    It is worth it where the training had learnt something by then: weights that were ruined from the beginning are not,
    nor are those of the end, where what is judged late is seen and every change would only train the ruin further.
    """
    steps = [one.where["step"] for one in harmful.values() if isinstance(one.where.get("step"), int)]
    cycle = checkpoint.latest(ill.path("checkpoints"), min(steps, default=0) - 1)
    if cycle is None or cycle < BEGUN * planned:
        return None
    level = measures.level(read(ill.path(SIGNALS)).until(cycle))
    return cycle if level is not None and level < LEARNT else None


def _plan(ill: Run, job: Job, cycles: int, seconds: float | None) -> float | None:
    """Say beforehand what healing costs, and up to when another seed may begin; BudgetError where two do not fit."""
    planned = int(job.recipe.options("budget").steps)
    whole = max(1.0, _pace(ill, cycles) * planned)
    arm = 2.0 + whole * min(1.0, max(LEAST_CYCLES / planned, SHARE))
    least, usual = 6 * arm + whole, 9 * arm + whole
    job.progress.note(
        f"healing trains arms of about {arm:.0f} s: {least:.0f} s for two seeds, {usual:.0f} s for a proof on three, "
        f"the healed run among them ({usual / whole:.1f} times one training)"
    )
    if seconds is not None and seconds < least:
        raise BudgetError(
            f"{seconds:.0f} s are too few to try a change on two seeds.",
            least=least,
            do=f"give at least --time {math.ceil(least)}s, or none",
        )
    return None if seconds is None else seconds - whole - 3 * arm


def _pace(ill: Run, cycles: int) -> float:
    """Seconds of a cycle of the ill run."""
    stages = ill.read_json("timings.json")["stages"] if ill.path("timings.json").exists() else {}
    state = ill.state()
    if stages.get("training"):
        return float(stages["training"]) / max(cycles, 1)
    if "seconds_a_cycle" in state:
        return float(state["seconds_a_cycle"])
    begun, ended = (datetime.fromisoformat(state[name]) for name in ("created", "changed"))
    return float((ended - begun).total_seconds()) / max(cycles, 1)


def _take_over(ill: Run, run: Run) -> None:
    """The split and the preparation of the ill run, so that the arms see the same data in the same parts."""
    if run.path("split.csv").exists():
        return
    if not ill.path("split.csv").exists():
        raise RunError("This run stopped before its data were split.", where=str(ill.folder), do="train it anew")
    share_split(ill, run)
    if ill.path("preparation.json").exists():
        files.write_json(run.path("preparation.json"), ill.read_json("preparation.json"))


def _made_of(ill: Run, made: Course, metric: str) -> dict[str, Any]:
    """What the healed run's report says of how it came to be; `before` are the ill run's scores on the test part."""
    content: dict[str, Any] = msgspec.to_builtins({"tried": made.tried, "edits": _edits(made)})
    return {"ill": str(ill.folder), "metric": metric, "before": _scores(ill), **content}


def _edits(made: Course) -> tuple[str, ...]:
    return tuple(dict.fromkeys(remedying.flags(change) for change in made.accepted))


def _scores(run: Run) -> dict[str, float]:
    """The scores of a run on the test part by metric; none where it was not judged."""
    if not run.path("scores.json").exists():
        return {}
    return {name: float(score["value"]) for name, score in run.read_json("scores.json")["scores"].items()}


def _healed(ill: Run, job: Job, made: Course, metric: str) -> str:
    """The healed training, whole, as a run of its own beside the ill one; taken up again where it was stopped."""
    state = job.run.state()
    if "healed" not in state:
        names = [f"{ill.folder.name}-healed", *(f"{ill.folder.name}-healed-{number}" for number in range(2, 1_000))]
        place = next(one for name in names if not (one := ill.folder.with_name(name)).exists())
        files.write_json(job.run.path("run.json"), {**state, "healed": str(place)})
    place = Path(job.run.state()["healed"])
    final = with_changes(job.recipe, made.accepted)
    if not (place / "run.json").is_file():
        run = run_folders.create(place, "single", job.folder.name, job.run.state()["command"])
        for name in ("draft.yaml", "recipe.yaml"):
            files.write_whole(run.path(name), recipe.to_yaml(final))
        of_ill = ill.state()
        kept = [name for name in ("data", "start", "own_model", "force", "pictures", "trial") if name in of_ill]
        known = {name: of_ill[name] for name in kept}
        files.write_json(run.path("run.json"), {**run.state(), **known, "healed_from": str(ill.folder)})
        run.write_json(facts.HEALING, _made_of(ill, made, metric))
    run = run_folders.open_run(place)
    if run.state()["state"] != "finished":
        job.progress.note(f"training the healed run {place}")
        with run.lock():
            try:
                anew = Job(job.run, job.folder, job.recipe, job.source, job.progress, Clock(), force=job.force)
                training.train(with_split(anew, run, run.recipe()))
            except TrainingError as error:
                training.interrupted_or_failed(run, error)
                raise
    return str(place)


def _told(ill: Run, job: Job, made: Course, arms: Arms, harmful: dict[str, Finding], healed: str) -> Healing:
    planned = int(job.recipe.options("budget").steps)
    unique = {arm.folder: arm for arm in arms.trained}
    cost = {
        "arms": float(len(unique)),
        "trainings": round(sum(arm.cycles for arm in unique.values()) / planned + (1.0 if healed else 0.0), 2),
        "seconds": round(sum(arm.seconds for arm in unique.values()), 1),
    }
    edits = _edits(made)
    findings = tuple(course.answer(one, made.tried) for one in harmful.values())
    scores = _scores(run_folders.open_run(Path(healed))) if healed else {}
    page, said = str(job.run.path(PAGE)), course.verdict(made.tried, edits)
    tried = tuple(made.tried)
    return Healing(str(ill.folder), healed, page, arms.metric, scores, findings, tried, edits, cost, said)


def _nothing(ill: Run, job: Job, harmful: dict[str, Finding], said: str) -> Healing:
    advice = {name: one for name, one in harmful.items() if name in discovery.names(diagnosing.ROOM)}
    if advice:
        said = f"What was found lies in the code or the data, where no recipe reaches: {', '.join(advice)}."
    findings = tuple(course.answer(one, ()) for one in harmful.values())
    cost = {"arms": 0.0, "trainings": 0.0, "seconds": 0.0}
    return Healing(str(ill.folder), "", str(job.run.path(PAGE)), "", {}, findings, (), (), cost, said)


def to_json(found: Healing) -> dict[str, Any]:
    """The content of `RESULT`."""
    content: dict[str, Any] = msgspec.to_builtins(found)
    return content
