"""Lessons: a network and the same one made ill, trained side by side, and one page that explains what heals it.

    stepwell lesson vanishing_gradients

A lesson of a recipe is made ill by the `infect` of its diagnosis, and healed as any run is: by what holds against
no change and a placebo. A lesson in plain PyTorch is ill or well by one line, which is proven in the same way.
"""

from __future__ import annotations

import inspect
from collections.abc import Mapping
from dataclasses import dataclass, field
from importlib.resources import files as resources
from pathlib import Path
from types import ModuleType
from typing import Any

from stepwell import discovery, files
from stepwell.doctor import measures
from stepwell.doctor.record import Record
from stepwell.errors import UsageError
from stepwell.progress import Progress
from stepwell.report import healing
from stepwell.report.markup import render
from stepwell.schema import Finding
from stepwell.teaching.pictures import DRAWN, Picture, losses

ROOM = "lessons"


@dataclass(frozen=True)
class Given:
    """Both trainings of a lesson: what was read of each by "ill" and "well", and what was found in the ill one.

    `why` says what made it ill, `cure` what mends it, as flags or as code; `said` is the verdict of the proof and
    `tried` its table (see `report.healing.cells`); `pictures` are those that are drawn of the proof.
    """

    records: Mapping[str, Record]
    findings: tuple[Finding, ...]
    why: str
    cure: str
    said: str
    tried: tuple[Mapping[str, Any], ...]
    verified: bool
    pictures: tuple[Picture, ...] = ()


@dataclass(frozen=True)
class Taught:
    """A lesson that was given: its page, what the doctor said of the ill network, both final losses, and the cure."""

    page: str
    findings: tuple[Finding, ...]
    losses: Mapping[str, float]
    cure: str
    said: str
    verified: bool = field(default=False)


def teach(name: str, folder: Path, progress: Progress) -> Taught:
    """Train both networks of a lesson under `folder` (new or empty), prove its cure, and write `folder/lesson.html`.

    UsageError where there is no such lesson, or the folder holds something.
    """
    lesson = discovery.load(ROOM, name)
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise UsageError(f"{folder} exists and is not empty.", where=str(folder), do="name a new folder with --run")
    if hasattr(lesson, "program"):
        from stepwell.teaching import programs

        given = programs.give(lesson, progress)
    else:
        from stepwell.teaching import recipes

        given = recipes.give(lesson, folder, progress)
    folder.mkdir(parents=True, exist_ok=True)
    page = folder / "lesson.html"
    files.write_whole(page, _page(lesson, given, runs=not hasattr(lesson, "program")))
    levels = {side: measures.level(record) for side, record in given.records.items()}
    known = {side: level for side, level in levels.items() if level is not None}
    return Taught(str(page), given.findings, known, given.cure, given.said, given.verified)


def _page(lesson: ModuleType, given: Given, *, runs: bool) -> str:
    title, *paragraphs = inspect.cleandoc(lesson.__doc__ or "").split("\n\n")
    drawn = [losses(given.records), *(DRAWN[name](given.records) for name in lesson.PICTURES if name in DRAWN)]
    return str(
        render(
            resources("stepwell.teaching").joinpath("lesson.html").read_text(encoding="utf-8"),
            title=title.rstrip("."),
            paragraphs=[" ".join(one.split()) for one in paragraphs],
            pictures=drawn,
            proofs=given.pictures,
            findings=[one for one in given.findings if one.severity > 1],
            cure=given.cure,
            why=given.why,
            said=given.said,
            tried=[healing.cells(one) for one in given.tried],
            runs=runs,
            program=lesson.__name__,
        )
    )


def lessons() -> dict[str, str]:
    """Every lesson's name with its title."""
    return discovery.describe(ROOM)
