"""What a report is drawn from: the files of a run folder, read once, and the pictures that training hands over."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import msgspec

from stepwell import discovery, files, splitting
from stepwell.errors import RunError, UsageError
from stepwell.judge.scores import Scores, from_json
from stepwell.recipe import Recipe
from stepwell.run import Run, open_run
from stepwell.schema import Finding, Picture

HEALING = "healing.json"
"""What a healed run says of how it came to be."""

Gallery = Mapping[str, Sequence[tuple[str, Picture]]]
"""Pictures by kind, each with the id of its example: "samples" a fair sample, "worst" the worst answers in order."""


@dataclass(frozen=True)
class Split:
    """Examples, and groups that stay together, in each part ("" = in none), and examples by the reason why."""

    examples: Mapping[str, int]
    groups: Mapping[str, int]
    why: Mapping[str, int]


@dataclass(frozen=True)
class Timings:
    """Seconds of each stage in order, of the whole command, and the most memory it held, in bytes."""

    stages: Mapping[str, float] = field(default_factory=dict)
    seconds: float | None = None
    peak_memory_bytes: int | None = None


@dataclass(frozen=True)
class Facts:
    """All that the sections draw from. What a run does not (yet) hold is None or empty.

    `name` is the run folder's; `title`, `takes`, `gives` and `worst` are of the task's card (empty where it is
    not installed here); `state` is `run.json`; `history` holds the lines of `history.jsonl` in order.
    `watched` says that the doctor's page lies beside the report. `healing` is what made this run a healed one: the
    content of `healing.json`.
    With `examples` False nothing of the data is shown: no pictures, no ids, no paths.
    """

    name: str
    task: str
    title: str
    takes: str
    gives: str
    worst: str | None
    state: Mapping[str, Any]
    recipe: Recipe | None
    scores: Scores | None
    findings: tuple[Finding, ...]
    history: tuple[Mapping[str, Any], ...]
    timings: Timings
    environment: Mapping[str, Any]
    split: Split | None
    gallery: Gallery = field(default_factory=dict)
    examples: bool = True
    watched: bool = False
    healing: Mapping[str, Any] | None = None


def read(folder: Path, gallery: Gallery, *, examples: bool = True) -> Facts:
    """The facts of the run in `folder`; `RunError` where it is no run, or one of its files is damaged."""
    run = open_run(folder)
    state = run.state()
    title, takes, gives, worst = _task_words(state["task"])
    scores = _json(run, "scores.json", None)
    return Facts(
        name=folder.resolve().name,
        task=state["task"],
        title=title,
        takes=takes,
        gives=gives,
        worst=worst,
        state=state,
        recipe=run.recipe() if run.path("recipe.yaml").exists() else None,
        scores=from_json(scores) if scores is not None else None,
        findings=_converted(_json(run, "findings.json", []), tuple[Finding, ...], "findings.json"),
        history=_converted(_lines(run), tuple[dict[str, Any], ...], "history.jsonl"),
        timings=_converted(_json(run, "timings.json", {}), Timings, "timings.json"),
        environment=_converted(_json(run, "environment.json", {}), dict[str, Any], "environment.json"),
        split=_split(run.path("split.csv")),
        gallery=gallery if examples else {},
        examples=examples,
        watched=run.path("doctor.html").exists(),
        healing=_json(run, HEALING, None),
    )


def _task_words(name: str) -> tuple[str, str, str, str | None]:
    try:
        card = discovery.task(name).card
    except UsageError:  # the run of a task that is not installed here still has its report
        return name.replace("_", " ").capitalize(), "", "", None
    return card.title, card.takes, card.gives, card.worst


def _json(run: Run, name: str, absent: Any) -> Any:
    return run.read_json(name) if run.path(name).exists() else absent


def _lines(run: Run) -> list[Any]:
    path = run.path("history.jsonl")
    return files.read_lines(path) if path.exists() else []


def _converted(values: Any, kind: Any, name: str) -> Any:
    try:
        return msgspec.convert(values, kind)
    except msgspec.ValidationError as error:
        raise RunError(
            f"{name} is damaged: {error}.", where=name, do="restore it from a copy, or train again"
        ) from error


def _split(path: Path) -> Split | None:
    if not path.exists():
        return None
    rows = splitting.read_split(path)
    groups: dict[str, set[str]] = {}
    for row in rows:
        groups.setdefault(row.part, set()).add(row.group)
    return Split(
        examples=Counter(row.part for row in rows),
        groups={part: len(found) for part, found in groups.items()},
        why=Counter(row.why for row in rows),
    )
