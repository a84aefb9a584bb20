"""A comparison of runs as one page: which is really better, and what that rests on."""

from __future__ import annotations

from typing import Any

from stepwell.judge import paired
from stepwell.judge.paired import Comparison, Pair
from stepwell.report import wording
from stepwell.report.dots import axis_for, difference_row, dots
from stepwell.report.markup import render_file

_TESTS = {"mcnemar": "McNemar, exact", "permutation": "permutation", "delong": "DeLong", "bootstrap": "bootstrap"}


def build(comparison: Comparison) -> str:
    """The comparison as one self-contained HTML page."""
    about = comparison.metrics[comparison.headline]
    headlines = [
        (pair, pair.differences[comparison.headline])
        for pair in comparison.pairs
        if comparison.headline in pair.differences
    ]
    rows = [
        difference_row(
            _named(pair),
            one.score,
            about,
            note=f"probability {_chance(one.adjusted)}, {_TESTS[one.test]}",
            strong=one.adjusted < paired.CLEAR,
        )
        for pair, one in headlines
    ]
    low, high = min([0.0, *(one.low for one in rows)]), max([0.0, *(one.high for one in rows)])
    page = render_file(
        "comparison.html",
        heading="Is one really better?",
        sides=comparison.sides,
        n=wording.count(comparison.n),
        verdict=comparison.verdict,
        notes=comparison.notes,
        about=about,
        picture=dots(rows, axis_for(low, high, about, difference=True), zero=True) if rows else None,
        level=wording.percent(comparison.interval.level),
        drawn=wording.drawn(comparison.interval, about),
        scores=_scores(comparison),
        pairs=[{"name": _named(pair), "rows": _differences(pair, comparison)} for pair in comparison.pairs],
    )
    return str(page)


def _named(pair: Pair) -> str:
    return f"{pair.first} − {pair.second}"


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
