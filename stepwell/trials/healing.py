"""Heal a run: what the doctor found is answered by changes of its recipe, each proven against none and a placebo.

Findings are taken causes first, their remedies best first. A change is tried on one seed, and where it gains on more
(see `proof`). It is accepted where the gain holds and the diagnosis clears; then what the doctor finds in the changed
training is answered in its turn. Where several changes came together, those that are not needed are taken back. The
healed training is a new run beside the ill one. All is a function of the arms' results: a kill loses one arm.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from statistics import fmean
from typing import Any

import msgspec

from stepwell import discovery, files, intake, recipe, training
from stepwell import run as run_folders
from stepwell.doctor import diagnosing, remedying
from stepwell.doctor.changes import Change
from stepwell.doctor.examination import of_run
from stepwell.doctor.record import SIGNALS, read
from stepwell.errors import BudgetError, RunError, TrainingError, counted
from stepwell.job import Clock, Job
from stepwell.recipe import Recipe
from stepwell.run import Run
from stepwell.schema import Finding
from stepwell.trials import proof
from stepwell.trials.arms import Arm, Arms, deciding, share_split
from stepwell.trials.proof import Proof

SHARE, LEAST_CYCLES = 1 / 3, 150  # of the run's cycles that an arm is trained, and at least
WHOLE = frozenset(("overfit", "too_few_epochs"))  # what only shows at the end: arms are as long as the run
ROUNDS, TRIED = 3, 6  # rounds of diagnosis and cure; changes tried in each
RESULT, PAGE = "heal.json", "heal.html"
PLACEBO = 1_000  # from a seed to that of its placebo
LEAST = {"max": 0.01, "min": 0.02}  # gains worth having: a hundredth of the range; of an error, two hundredths of it


@dataclass(frozen=True)
class Tried:
    """One change that was tried: the finding that it answers, what it changes, what came of it."""

    finding: str
    remedy: str
    flags: str
    values: dict[str, Any]
    proof: Proof
    cleared: bool
    accepted: bool
    said: str
    unchanged: tuple[float, ...]
    placebo: tuple[float, ...]
    changed: tuple[float, ...]


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


@dataclass
class _Course:
    """One course of healing: the arms, the recipe so far, what was tried and accepted."""

    job: Job
    arms: Arms
    base: Recipe
    until: float | None
    accepted: list[Change] = field(default_factory=list)
    tried: list[Tried] = field(default_factory=list)
    seen: set[str] = field(default_factory=set)

    @property
    def over(self) -> bool:
        """Whether no time is left for another seed."""
        return self.until is not None and self.job.clock.gone() > self.until

    @property
    def seed(self) -> int:
        """The seed of the ill run, with which every comparison begins."""
        return int(self.job.recipe.values["seed"])


def heal(ill: Run, job: Job, seconds: float | None) -> Healing:
    """Heal a run; `job` is that of the healing, in `ill`'s folder `heal`, with the ill run's frozen recipe.

    RunError where the doctor did not read the run, BudgetError where `seconds` are too few for two seeds.
    """
    found = of_run(ill).findings
    harmful = {one.name: one for one in found if one.severity > 1}
    record = read(ill.path(SIGNALS))
    changes = [(one, remedying.remedies(one, record, recipe.flat(job.recipe))) for one in harmful.values()]
    if not any(several for _, several in changes):
        return _nothing(ill, job, harmful, "Nothing was found that a change of the recipe could answer.")
    until = _plan(ill, job, record.length, seconds)
    _take_over(ill, job.run)
    data = intake.look(job)
    job.run.set_state("running")
    last = not WHOLE.isdisjoint(harmful)
    metric, direction = deciding(job, data, harmful)
    planned = int(job.recipe.options("budget").steps)
    cycles = planned if last else min(planned, max(LEAST_CYCLES, round(planned * SHARE)))
    course = _Course(job, Arms(job, data, metric, direction, cycles, last), job.recipe, until)
    for _ in range(ROUNDS):
        answered = _answered(course, changes)
        if answered is None:
            break
        changes = _next(course)
        if not changes:
            break
    _ablate(course)
    healed = _healed(ill, job, course) if course.accepted else ""
    return _told(ill, job, course, harmful, healed)


def _plan(ill: Run, job: Job, cycles: int, seconds: float | None) -> float | None:
    """Say beforehand what healing costs, and up to when another seed may begin; BudgetError where two do not fit."""
    stages = ill.read_json("timings.json")["stages"] if ill.path("timings.json").exists() else {}
    one = float(stages.get("training", 0.0)) or _seconds_of(ill)
    planned = int(job.recipe.options("budget").steps)
    whole = max(1.0, one * planned / max(cycles, 1))
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


def _seconds_of(ill: Run) -> float:
    """Of a run that failed, the seconds between its first and last words."""
    state = ill.state()
    begun, ended = (datetime.fromisoformat(state[name]) for name in ("created", "changed"))
    return max(1.0, (ended - begun).total_seconds())


def _take_over(ill: Run, run: Run) -> None:
    """The split and the preparation of the ill run, so that the arms see the same data in the same parts."""
    if run.path("split.csv").exists():
        return
    if not ill.path("split.csv").exists():
        raise RunError("This run stopped before its data were split.", where=str(ill.folder), do="train it anew")
    share_split(ill, run)
    if ill.path("preparation.json").exists():
        files.write_json(run.path("preparation.json"), ill.read_json("preparation.json"))


def _answered(course: _Course, changes: Sequence[tuple[Finding, Sequence[Change]]]) -> Change | None:
    """The first change that holds, of the findings in their order; then of the best of two together; None if none."""
    singles = [(finding, change) for finding, several in changes for change in several][:TRIED]
    for finding, change in singles:
        if _try(course, [finding], change):
            return change
    best = [(finding, several[0]) for finding, several in changes if several]
    for i, (one, first) in enumerate(best[:2]):
        for other, second in best[i + 1 : 3]:
            if first.values.keys().isdisjoint(second.values):
                both = Change({**first.values, **second.values}, first.why, f"{first.name} and {second.name}")
                if _try(course, [one, other], both):
                    return both
    return None


def _try(course: _Course, findings: Sequence[Finding], change: Change) -> bool:
    """Try one change seed by seed; True where it was accepted, and is now part of the recipe."""
    flags = remedying.flags(change)
    if flags in course.seen or course.over:
        return False
    course.seen.add(flags)
    arms, begin = course.arms, course.seed
    unchanged: list[Arm] = []
    placebo: list[Arm] = []
    changed: list[Arm] = []
    before: tuple[float, ...] = (0.0,)
    beside: tuple[float, ...] = ()
    after: tuple[float, ...] = (0.0,)
    found = proof.judge(before, beside, after, 0.0)
    for seed in range(begin, begin + proof.MOST):
        unchanged.append(arms.train("unchanged", course.base, None, seed))
        changed.append(arms.train(change.name, course.base, change, seed))
        if seed > begin or _gains(course, unchanged, changed):
            placebo.append(arms.train("placebo", course.base, None, seed + PLACEBO))
        before, beside, after = (
            tuple(arms.worth(arm, unchanged[0]) for arm in several) for several in (unchanged, placebo, changed)
        )
        found = proof.judge(before, beside, after, LEAST[arms.direction])
        if found.state in ("refused", "verified") or (seed > begin and course.over):
            break
    cleared = all(sum(one.name in arm.found for arm in changed) * 2 < len(changed) for one in findings)
    accepted = found.state in ("verified", "provisional") and cleared
    names = " and ".join(one.name for one in findings)
    said = _verdict(found, cleared, names)
    course.tried.append(
        Tried(names, change.name, flags, dict(change.values), found, cleared, accepted, said, before, beside, after)
    )
    course.job.progress.note(f"{change.name} ({flags}): {said}")
    if accepted:
        course.accepted.append(change)
        course.base = change.of(course.base)
    return accepted


def _gains(course: _Course, unchanged: Sequence[Arm], changed: Sequence[Arm]) -> bool:
    """Whether the first seed shows a gain, without which no placebo is needed."""
    before, after = (course.arms.worth(one[0], unchanged[0]) for one in (unchanged, changed))
    return after - before > LEAST[course.arms.direction]


def _verdict(found: Proof, cleared: bool, names: str) -> str:
    seeds = counted(found.seeds, "seed", "seeds")
    if found.state == "refused" and found.seeds == 1:
        return f"refused: no gain on the first seed ({found.gain:+.3f})"
    assert found.low is not None
    assert found.low_over_placebo is not None
    assert found.noise is not None
    bounds = (
        f"gain {found.gain:+.3f} (at least {found.low:+.3f}), over the placebo {found.over_placebo:+.3f} (at least "
        f"{found.low_over_placebo:+.3f}), chance {found.noise:.3f}, on {seeds}"
    )
    if found.state in ("verified", "provisional") and not cleared:
        return f"not accepted: {bounds}; but {names} stays"
    return f"{'out of time' if found.state == 'open' else found.state}: {bounds}"


def _next(course: _Course) -> list[tuple[Finding, list[Change]]]:
    """What the doctor finds in the training that is now the base, with its remedies."""
    run = course.arms.run(course.arms.train("unchanged", course.base, None, course.seed))
    found = [one for one in of_run(run).findings if one.severity > 1]
    record = read(run.path(SIGNALS))
    return [(one, remedying.remedies(one, record, recipe.flat(course.base))) for one in found]


def _ablate(course: _Course) -> None:
    """Take back every accepted change without which the training is as good, where there were several."""
    arms, seeds = course.arms, range(course.seed, course.seed + 2)
    for change in tuple(course.accepted):
        others = [one for one in course.accepted if one is not change]
        if not others:
            return
        less = _with(course.job.recipe, others)
        whole = [arms.train("healed", course.base, None, seed) for seed in seeds]
        without = [arms.train(f"without {change.name}", less, None, seed) for seed in seeds]
        lost = fmean(arms.worth(one, whole[0]) for one in whole) - fmean(arms.worth(one, whole[0]) for one in without)
        if lost <= LEAST[arms.direction]:
            course.accepted, course.base = others, less
            course.job.progress.note(f"{change.name} is not needed: without it {lost:+.3f} is lost")


def _with(base: Recipe, changes: Sequence[Change]) -> Recipe:
    for change in changes:
        base = change.of(base)
    return base


def _healed(ill: Run, job: Job, course: _Course) -> str:
    """The healed training, whole, as a run of its own beside the ill one; taken up again where it was stopped."""
    state = job.run.state()
    if "healed" not in state:
        names = [f"{ill.folder.name}-healed", *(f"{ill.folder.name}-healed-{number}" for number in range(2, 1_000))]
        place = next(one for name in names if not (one := ill.folder.with_name(name)).exists())
        files.write_json(job.run.path("run.json"), {**state, "healed": str(place)})
    place = Path(job.run.state()["healed"])
    final = _with(job.recipe, course.accepted)
    if not (place / "run.json").is_file():
        run = run_folders.create(place, "single", job.folder.name, job.run.state()["command"])
        for name in ("draft.yaml", "recipe.yaml"):
            files.write_whole(run.path(name), recipe.to_yaml(final))
        known = {name: ill.state().get(name) for name in ("data", "start", "own_model", "force", "pictures", "trial")}
        files.write_json(run.path("run.json"), {**run.state(), **known, "healed_from": str(ill.folder)})
        share_split(job.run, run)
    run = run_folders.open_run(place)
    if run.state()["state"] != "finished":
        job.progress.note(f"training the healed run {place}")
        with run.lock():
            try:
                training.train(Job(run, job.folder, run.recipe(), job.source, job.progress, Clock(), force=job.force))
            except TrainingError as error:
                training.interrupted_or_failed(run, error)
                raise
    return str(place)


def _told(ill: Run, job: Job, course: _Course, harmful: dict[str, Finding], healed: str) -> Healing:
    planned = int(job.recipe.options("budget").steps)
    unique = {arm.folder: arm for arm in course.arms.trained}
    cost = {
        "arms": float(len(unique)),
        "trainings": round(sum(arm.cycles for arm in unique.values()) / planned + (1.0 if healed else 0.0), 2),
        "seconds": round(sum(arm.seconds for arm in unique.values()), 1),
    }
    accepted = [one for one in course.tried if one.accepted]
    edits = tuple(dict.fromkeys(remedying.flags(change) for change in course.accepted))
    proven = all(one.proof.state == "verified" for one in accepted)
    healed_how = "Healed" if proven else "Healed provisionally, for want of time for a third seed"
    said = (
        f"{healed_how}: {', '.join(edits)} holds against the unchanged training and a placebo."
        if healed
        else f"Nothing held: {counted(len(course.tried), 'change was', 'changes were')} tried."
    )
    findings = tuple(_answer(one, course.tried, accepted) for one in harmful.values())
    scores = {}
    if healed:
        named = run_folders.open_run(Path(healed)).read_json("scores.json")["scores"]
        scores = {name: float(score["value"]) for name, score in named.items()}
    page = str(job.run.path(PAGE))
    tried = tuple(course.tried)
    return Healing(str(ill.folder), healed, page, course.arms.metric, scores, findings, tried, edits, cost, said)


def _answer(finding: Finding, tried: Sequence[Tried], accepted: Sequence[Tried]) -> dict[str, Any]:
    answers = [one for one in accepted if finding.name in one.finding.split(" and ")]
    return {
        "name": finding.name,
        "severity": finding.severity,
        "message": finding.message,
        "remedy": answers[0].flags if answers else finding.remedy,
        "verified": any(one.proof.state == "verified" for one in answers),
        "tried": sum(finding.name in one.finding.split(" and ") for one in tried),
    }


def _nothing(ill: Run, job: Job, harmful: dict[str, Finding], said: str) -> Healing:
    advice = {name: one for name, one in harmful.items() if name in discovery.names(diagnosing.ROOM)}
    if advice:
        said = f"What was found lies in the code or the data, where no recipe reaches: {', '.join(advice)}."
    findings = tuple(_answer(one, (), ()) for one in harmful.values())
    cost = {"arms": 0.0, "trainings": 0.0, "seconds": 0.0}
    return Healing(str(ill.folder), "", str(job.run.path(PAGE)), "", {}, findings, (), (), cost, said)


def to_json(found: Healing) -> dict[str, Any]:
    """The content of `RESULT`."""
    content: dict[str, Any] = msgspec.to_builtins(found)
    return content
