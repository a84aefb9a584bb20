"""A comparison of runs as one page: which is really better, and what that rests on."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from markupsafe import Markup

from stepwell.judge import paired
from stepwell.judge.paired import Comparison, Difference, Pair
from stepwell.judge.scores import About
from stepwell.report import wording
from stepwell.report.charts import Axis, linear_axis
from stepwell.report.markup import render_file, text_file

_TESTS = {"mcnemar": "McNemar, exact", "permutation": "permutation", "bootstrap": "bootstrap"}


@dataclass(frozen=True)
class Row:
    """A line of the picture: places are percent of the width; `clear` says that chance does not explain it."""

    name: str
    text: str
    note: str
    clear: bool
    low: float
    value: float
    high: float


def build(comparison: Comparison) -> str:
    """The comparison as one self-contained HTML page."""
    about = comparison.metrics[comparison.headline]
    headlines = [
        (pair, pair.differences[comparison.headline])
        for pair in comparison.pairs
        if comparison.headline in pair.differences
    ]
    axis = _axis([one for _, one in headlines], about)
    unit = "groups" if comparison.interval.by == "group" else "examples"
    page = render_file(
        "comparison.html",
        heading="Is one really better?",
        style=Markup(text_file("page.css")),  # noqa: S704 - our own file
        sides=comparison.sides,
        n=wording.count(comparison.n),
        verdict=comparison.verdict,
        notes=comparison.notes,
        about=about,
        dots=[_row(pair, one, about, axis) for pair, one in headlines],
        ticks=[(100 * place, words) for place, words in axis.ticks],
        zero=100 * axis.place(0.0),
        level=wording.percent(comparison.interval.level),
        replicates=wording.count(comparison.interval.replicates),
        drawn=f"{wording.count(comparison.interval.units)} {unit}",
        scores=_scores(comparison),
        pairs=[{"name": _named(pair), "rows": _differences(pair, comparison)} for pair in comparison.pairs],
    )
    return str(page)


def _named(pair: Pair) -> str:
    return f"{pair.first} − {pair.second}"


def _axis(found: list[Difference], about: About) -> Axis:
    """An axis that holds every interval and 0; shares in points of a percent."""
    factor = 100.0 if about.measure == "share" else 1.0
    ends = [0.0, *(factor * end for one in found for end in (one.score.low, one.score.high))]
    margin = 0.08 * (max(ends) - min(ends))
    shown = linear_axis(min(ends) - margin, max(ends) + margin)
    return Axis(shown.low / factor, shown.high / factor, logarithmic=False, ticks=shown.ticks)


def _row(pair: Pair, one: Difference, about: About, axis: Axis) -> Row:
    value, interval = wording.difference(one.score, about)
    return Row(
        name=_named(pair),
        text=f"{value} ({interval})",
        note=f"probability {_chance(one.adjusted)}, {_TESTS[one.test]}",
        clear=one.adjusted < paired.CLEAR,
        low=100 * axis.place(one.score.low),
        value=100 * axis.place(one.score.value),
        high=100 * axis.place(one.score.high),
    )


def _scores(comparison: Comparison) -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = []
    for name, about in comparison.metrics.items():
        found = [comparison.scores[side].get(name) for side in comparison.sides]
        if any(found):
            cells = [
                (wording.value(one.value, about, one.n), wording.interval(one, about)) if one else None for one in found
            ]
            rows.append({"title": about.title, "cells": cells})
    return rows


def _differences(pair: Pair, comparison: Comparison) -> list[dict[str, str]]:
    rows = []
    for name, one in pair.differences.items():
        about = comparison.metrics[name]
        value, interval = wording.difference(one.score, about)
        chance = _chance(one.adjusted)
        rows.append(
            {"title": about.title, "value": value, "interval": interval, "chance": chance, "test": _TESTS[one.test]}
        )
    return rows


def _chance(probability: float) -> str:
    return "< 0.001" if probability < 0.001 else f"{probability:.3f}"
