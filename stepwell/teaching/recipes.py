"""Gives a lesson of a recipe: the ill run is one that `infect` made, and it is healed as any run is."""

from __future__ import annotations

from pathlib import Path
from types import ModuleType

import msgspec

from stepwell import discovery, files, recipe, training
from stepwell import run as run_folders
from stepwell.doctor import diagnosing, remedying
from stepwell.doctor.changes import Change
from stepwell.doctor.examination import of_run
from stepwell.doctor.record import SIGNALS, read
from stepwell.errors import TrainingError
from stepwell.job import Clock, Job
from stepwell.progress import Progress
from stepwell.recipe import Recipe
from stepwell.report import healing as table
from stepwell.run import Run
from stepwell.teaching import Given
from stepwell.teaching.pictures import ILL, WELL, Picture
from stepwell.trials import clinic

PLAIN = {"training.patience": None, "training.threads": 1}
"""Small networks, that end where the lesson says: more threads would only wait for each other."""


def give(lesson: ModuleType, folder: Path, progress: Progress) -> Given:
    """Train both runs under `folder`, and heal the ill one."""
    discovery.task(lesson.TASK).module("sample").write(folder / "data", 0)
    settings = {**PLAIN, **lesson.SETTINGS}
    well = recipe.draft(lesson.TASK, ("classic",), settings, kind="argument")
    fault = discovery.load(diagnosing.ROOM, lesson.DIAGNOSIS).infect(recipe.flat(well))
    assert isinstance(fault, Change), "a lesson's fault is one of its recipe"
    runs = {
        side: _trained(folder / side, lesson.TASK, draft, folder / "data", progress)
        for side, draft in ((ILL, fault.of(well)), (WELL, well))
    }
    records = {side: read(run.path(SIGNALS)) for side, run in runs.items()}
    progress.note("healing the ill network")
    healed = clinic.heal(runs[ILL].folder, None, None, "quiet")
    tried = tuple(msgspec.to_builtins(one) for one in healed.tried)
    drawn = table.picture(tried)
    caption = (
        f"Each change that came past its first seed: a dot is the lesser of its gains over no change and over a "
        f"placebo, in {healed.metric} on held-out examples; its bar reaches down to the lower bound."
    )
    pictures = () if drawn is None else (Picture(drawn, caption),)
    cure = ", ".join(healed.edits) or remedying.flags(fault)
    verified = any(one["verified"] for one in healed.findings)
    return Given(records, of_run(runs[ILL]).findings, fault.why, cure, healed.said, tried, verified, pictures)


def _trained(folder: Path, task: str, draft: Recipe, data: Path, progress: Progress) -> Run:
    """A run that was trained and no more; one that failed is what an ill network may do."""
    run = run_folders.create(folder, "single", task, "stepwell lesson")
    files.write_json(run.path("run.json"), {**run.state(), "data": str(data.resolve())})
    files.write_whole(run.path("draft.yaml"), recipe.to_yaml(draft))
    progress.note(f"the {folder.name} network")
    job = Job(run, discovery.task(task), draft, data, progress, Clock())
    with run.lock():
        try:
            training.learn(job)
            run.set_state("stopped", "trained for a lesson: nothing was exported or judged")
        except TrainingError as error:
            run.set_state("failed", error.what)
            if not run.path(SIGNALS).exists():
                raise
    return run
