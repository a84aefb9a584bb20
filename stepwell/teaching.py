"""Lessons: a network and the same one made ill, trained side by side on built-in data, and one page that explains.

    stepwell lesson vanishing_gradients

What is drawn of both is named in `DRAWN`: of the loss always, then what the lesson's `PICTURES` ask for.
"""

from __future__ import annotations

import inspect
import math
import statistics
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from importlib.resources import files as resources
from pathlib import Path
from types import ModuleType

import numpy as np
from markupsafe import Markup

from stepwell import discovery, files, recipe, training
from stepwell import run as run_folders
from stepwell.doctor import diagnosing, measures, remedying
from stepwell.doctor.changes import Change
from stepwell.doctor.examination import of_run
from stepwell.doctor.record import SIGNALS, Record, read
from stepwell.errors import TrainingError, UsageError
from stepwell.job import Clock, Job
from stepwell.progress import Progress
from stepwell.recipe import Recipe
from stepwell.report import charts
from stepwell.report.markup import render, text_file
from stepwell.run import Run
from stepwell.schema import Finding

ROOM = "lessons"
ILL, WELL = "ill", "well"


@dataclass(frozen=True)
class Taught:
    """A lesson that was given: its page, what the doctor said of the ill network, and both final losses."""

    page: str
    findings: tuple[Finding, ...]
    losses: Mapping[str, float]


@dataclass(frozen=True)
class Picture:
    """A drawing with the sentence below it."""

    drawing: Markup
    caption: str


def teach(name: str, folder: Path, progress: Progress) -> Taught:
    """Train both networks of a lesson under `folder` (new or empty) and write `folder/lesson.html`.

    UsageError where there is no such lesson, or the folder holds something.
    """
    lesson = discovery.load(ROOM, name)
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise UsageError(f"{folder} exists and is not empty.", where=str(folder), do="name a new folder with --run")
    discovery.task(lesson.TASK).module("sample").write(folder / "data", 0)
    well = recipe.draft(lesson.TASK, ("classic",), {"training.patience": None, **lesson.SETTINGS}, kind="argument")
    fault = discovery.load(diagnosing.ROOM, lesson.DIAGNOSIS).infect(recipe.flat(well))
    assert isinstance(fault, Change), "a lesson's fault is one of its recipe"
    runs = {
        side: _trained(folder / side, lesson.TASK, draft, folder / "data", progress)
        for side, draft in ((ILL, fault.of(well)), (WELL, well))
    }
    records = {side: read(run.path(SIGNALS)) for side, run in runs.items()}
    found = of_run(runs[ILL]).findings
    page = folder / "lesson.html"
    files.write_whole(page, _page(lesson, fault, records, found))
    losses = {side: measures.level(record) for side, record in records.items()}
    return Taught(str(page), found, {side: level for side, level in losses.items() if level is not None})


def _trained(folder: Path, task: str, draft: Recipe, data: Path, progress: Progress) -> Run:
    """A run that was trained and no more; one that failed is what an ill network may do."""
    run = run_folders.create(folder, "single", task, "stepwell lesson")
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


def _page(lesson: ModuleType, fault: Change, records: Mapping[str, Record], found: Sequence[Finding]) -> str:
    title, *paragraphs = inspect.cleandoc(lesson.__doc__ or "").split("\n\n")
    pictures = [_losses(records), *(DRAWN[name](records) for name in lesson.PICTURES)]
    return str(
        render(
            resources("stepwell").joinpath("lesson.html").read_text(encoding="utf-8"),
            style=Markup(text_file("page.css")),  # noqa: S704 - our own file
            title=title.rstrip("."),
            paragraphs=[" ".join(one.split()) for one in paragraphs],
            pictures=pictures,
            findings=[one for one in found if one.severity > 1],
            flags=remedying.flags(fault),
            why=fault.why,
        )
    )


def _losses(records: Mapping[str, Record]) -> Picture:
    drawn, both = [], []
    for side, record in records.items():
        rows = [(row["step"], row["loss"]) for row in record.steps if math.isfinite(row["loss"])]
        x, y = (np.asarray(column, dtype=np.float64) for column in zip(*rows, strict=True))
        smooth = charts.smooth(y, max(1, len(y) // 30))
        drawn.append(charts.Line(side, x, smooth))
        both.append(smooth)
    longest = max((line.x for line in drawn), key=len)
    best = measures.constant(records[WELL]) or measures.constant(records[ILL])
    if best is not None:
        drawn.append(charts.Line("best constant answer", longest[[0, -1]], np.asarray([best, best])))
    levels = {side: measures.level(record) for side, record in records.items()}
    said = " and ".join(f"{level:.2f} ({side})" for side, level in levels.items() if level is not None)
    caption = (
        f"The loss over the updates. It ends at {said} of that of the best constant answer, which learning must beat."
    )
    values = np.concatenate(both)
    axis = charts.axis_of(values, steep=bool((values > 0).all()))
    return Picture(charts.lines(drawn, charts.axis_of(longest), axis, None, caption), caption)


def _gradients(records: Mapping[str, Record]) -> Picture:
    """The gradient of each matrix over its weights at the first update, from the first layer to the last."""
    drawn = []
    for side, record in records.items():
        row = next(row for row in record.steps if row.get("gradients"))
        sizes = [g / row["weights"][name] for name, g in row["gradients"].items() if row["weights"][name] > 0]
        x = np.arange(1, len(sizes) + 1, dtype=np.float64)
        drawn.append(charts.Line(side, x, np.maximum(np.asarray(sizes, dtype=np.float64), 1e-30)))
    ratios = {line.name: float(line.y.max() / line.y.min()) for line in drawn}
    caption = (
        "How large the gradient is at the first update, over the weights, from the first matrix to the last. The "
        f"largest is {ratios[ILL]:,.0f} times the least in the ill network, {ratios[WELL]:,.0f} times in the well one."
    )
    values = np.concatenate([line.y for line in drawn])
    axis = charts.logarithmic_axis(float(values.min()), float(values.max()))
    return Picture(charts.lines(drawn, charts.axis_of(drawn[0].x), axis, None, caption), caption)


def _dead(records: Mapping[str, Record]) -> Picture:
    """The largest share of silent units of a layer over the updates."""
    drawn = []
    for side, record in records.items():
        rows = [(row["step"], max(measures.layers(row, "dead").values(), default=math.nan)) for row in record.probes]
        x, y = (np.asarray(column, dtype=np.float64) for column in zip(*rows, strict=True))
        drawn.append(charts.Line(side, x, y))
    caption = (
        "The share of units that no sample wakes, in the layer that has most of them. In healthy networks it was at "
        "most three quarters."
    )
    x = max((line.x for line in drawn), key=len)
    return Picture(charts.lines(drawn, charts.axis_of(x), charts.linear_axis(0.0, 1.0), None, caption), caption)


def _updates(records: Mapping[str, Record]) -> Picture:
    """How far an update moves the weights: the median over matrices of ||change|| / ||weights||."""
    drawn = []
    for side, record in records.items():
        sizes = [
            (row["step"], statistics.median(row["updates"].values())) for row in record.steps if row.get("updates")
        ]
        rows = [(step, size) for step, size in sizes if math.isfinite(size) and size > 0]
        x, y = (np.asarray(column, dtype=np.float64) for column in zip(*rows, strict=True))
        drawn.append(charts.Line(side, x, y))
    caption = (
        "How far one update moves the weights, over their size (the median over the matrices); about 0.01 is healthy."
    )
    values = np.concatenate([line.y for line in drawn])
    x = max((line.x for line in drawn), key=len)
    axis = charts.logarithmic_axis(float(values.min()), float(values.max()))
    return Picture(charts.lines(drawn, charts.axis_of(x), axis, None, caption), caption)


DRAWN: Mapping[str, Callable[[Mapping[str, Record]], Picture]] = {
    "gradients": _gradients,
    "dead": _dead,
    "updates": _updates,
}
"""What a lesson may draw of both networks, by name."""


def lessons() -> dict[str, str]:
    """Every lesson's name with its title."""
    return discovery.describe(ROOM)
