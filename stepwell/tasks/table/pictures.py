"""A row and what was answered about it, as a small table to look at."""

from __future__ import annotations

import math
import unicodedata
from collections.abc import Mapping
from typing import Any
from xml.sax.saxutils import escape

from stepwell.schema import Picture

MOST = 16
"""Columns that are shown; of more, the first."""

LONGEST = 26  # characters of a name or value
_LINE, _MARGIN, _NAMES, _WIDTH = 17, 10, 180, 360


def draw(raw: Mapping[str, Any], truth: Mapping[str, Any] | None, prediction: Mapping[str, Any] | None) -> Picture:
    """Draw one example: a line for each column, with the names to the left and the values to the right.

    `raw` holds the row's values by column, numbers (NaN: missing) or text (None: missing), `truth` its `label` or
    `value`, `prediction` the `label` and `probability` or the `value`; either may be None.
    """
    columns = {name: value for name, value in raw.items() if not (truth and name in truth)}
    lines = [(name, shown(value)) for name, value in list(columns.items())[:MOST]]
    if len(columns) > MOST:
        lines.append(("…", f"{len(columns) - MOST:,} columns more"))
    height = 2 * _MARGIN + _LINE * max(1, len(lines))
    rows = []
    for number, (name, value) in enumerate(lines):
        y = _MARGIN + _LINE * number + 13
        rows.append(f'<text x="{_MARGIN}" y="{y}" fill="#667">{_text(name)}</text>')
        rows.append(f'<text x="{_NAMES}" y="{y}" fill="#112">{_text(value)}</text>')
    svg = (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{_WIDTH}" height="{height}" viewBox="0 0 {_WIDTH} {height}" '
        f'font-family="ui-monospace, Menlo, Consolas, monospace" font-size="11.5">'
        f'<rect width="{_WIDTH}" height="{height}" fill="#fff"/>{"".join(rows)}</svg>'
    )
    return Picture("image/svg+xml", svg.encode(), _caption(truth, prediction))


def shown(value: Any) -> str:
    """A value as a person writes it: six digits of a number, "missing" for what is not there."""
    if value is None or (isinstance(value, float) and math.isnan(value)):
        return "missing"
    if isinstance(value, str):
        return value
    number = float(value)
    return f"{int(number):,}" if number.is_integer() and abs(number) < 1e9 else f"{number:,.6g}"


def _text(words: str) -> str:
    """One line of text that may stand in an SVG: no control characters, not too long, escaped."""
    line = "".join(" " if unicodedata.category(one)[0] in "CZ" else one for one in words)
    return escape(line if len(line) <= LONGEST else line[: LONGEST - 1] + "…")


def _caption(truth: Mapping[str, Any] | None, prediction: Mapping[str, Any] | None) -> str:
    true = None if truth is None else next((shown(truth[name]) for name in ("label", "value") if name in truth), None)
    if prediction is None:
        return "no answer known" if true is None else true
    answer = shown(prediction["label"] if "label" in prediction else prediction["value"])
    if "probability" in prediction:
        answer = f"{answer} ({100 * float(prediction['probability']):.0f} %)"
    if true is None:
        return f"answered {answer}"
    if "label" in prediction and shown(prediction["label"]) == true:
        return f"{answer}, rightly"
    return f"{true}, answered {answer}"
