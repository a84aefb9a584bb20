"""Gives a lesson in plain PyTorch: both programs are watched, and the line between them is proven seed by seed."""

from __future__ import annotations

import random
from statistics import fmean
from types import ModuleType
from typing import Any

import msgspec
import numpy as np
import torch

from stepwell.doctor import proof
from stepwell.doctor.course import LEAST, PLACEBO, Tried
from stepwell.doctor.watch import Doctor, watch
from stepwell.errors import counted
from stepwell.progress import Progress
from stepwell.report.charts import linear_axis
from stepwell.report.dots import Row, dots
from stepwell.teaching import Given
from stepwell.teaching.pictures import ILL, WELL, Picture


def give(lesson: ModuleType, progress: Progress) -> Given:
    """Train and watch both programs, and as many more as the proof asks for."""
    watched, scores = {}, {"unchanged": list[float](), "placebo": list[float](), "changed": list[float]()}
    found = proof.judge((0.0,), (), (0.0,), 0.0)
    for seed in range(proof.MOST):
        for role, ill, start in (
            ("unchanged", True, seed),
            ("placebo", True, seed + PLACEBO),
            ("changed", False, seed),
        ):
            progress.note(f"the {ILL if ill else WELL} network, seed {start}")
            doctor, score = _trained(lesson, ill=ill, seed=start)
            if seed == 0 and role != "placebo":
                watched[ILL if ill else WELL] = doctor
            scores[role].append(score)
        found = proof.judge(scores["unchanged"], scores["placebo"], scores["changed"], LEAST["max"])
        if found.state in ("verified", "refused"):
            break
    cleared = all(one.name != lesson.DIAGNOSIS or one.severity < 2 for one in watched[WELL].findings)
    tried = Tried(
        finding=lesson.DIAGNOSIS,
        remedy="the cure",
        flags="the line above",
        values={},
        proof=found,
        cleared=cleared,
        accepted=found.state == "verified" and cleared,
        said=found.state,
        unchanged=tuple(scores["unchanged"]),
        placebo=tuple(scores["placebo"]),
        changed=tuple(scores["changed"]),
    )
    records = {side: watched[side].read() for side in (ILL, WELL)}
    why = "the line that is told below is missing"
    shown: tuple[dict[str, Any], ...] = (msgspec.to_builtins(tried),)
    pictures = (_scores(scores),)
    return Given(records, watched[ILL].findings, why, lesson.CURE, _said(tried), shown, tried.accepted, pictures)


def _trained(lesson: ModuleType, *, ill: bool, seed: int) -> tuple[Doctor, float]:
    torch.manual_seed(seed)
    random.seed(seed)
    np.random.seed(seed)  # noqa: NPY002 - what a lesson draws from
    made = lesson.program(ill=ill)
    with watch(made.model, made.optimizer, made.loss_fn, made.validation, made.updates) as doctor:
        made.train()
    return doctor, float(made.score())


def _said(tried: Tried) -> str:
    found, seeds = tried.proof, counted(tried.proof.seeds, "seed", "seeds")
    before, after = fmean(tried.unchanged), fmean(tried.changed)
    if found.low is None or found.low_over_placebo is None:
        return f"Not proven: the score was {before:.3f} and is {after:.3f}, on one seed."
    silent = "the doctor no longer finds what it found" if tried.cleared else "but the doctor still finds it"
    return (
        f"{'Proven' if tried.accepted else 'Not proven'}: on {seeds} the score rises from {before:.3f} to {after:.3f}, "
        f"by {found.gain:.3f} (at least {found.low:.3f}); over a placebo by at least {found.low_over_placebo:.3f}; "
        f"{silent}."
    )


def _scores(scores: dict[str, list[float]]) -> Picture:
    names = {"unchanged": "ill", "placebo": "ill, other seeds", "changed": "healed"}
    rows = [
        Row(names[role], f"{fmean(values):.3f}", min(values), fmean(values), max(values), strong=role == "changed")
        for role, values in scores.items()
    ]
    caption = "The score on new data: a dot is the mean over seeds, its bar goes from the least to the most."
    return Picture(dots(rows, linear_axis(0.0, 1.0)), caption)
