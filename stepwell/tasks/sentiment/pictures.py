"""A text and what was answered about it, as a page to read."""

from __future__ import annotations

import textwrap
import unicodedata
from collections.abc import Mapping
from typing import Any
from xml.sax.saxutils import escape

from stepwell.schema import Picture

LINE, MOST = 56, 12
"""Characters of a line, and lines that are shown; of more, the first and the last."""

_HEIGHT, _MARGIN, _WIDTH = 17, 10, 420


def draw(raw: Mapping[str, Any], truth: Mapping[str, Any] | None, prediction: Mapping[str, Any] | None) -> Picture:
    """Draw one example: the words of `raw["text"]` in lines, as an SVG.

    `truth` holds its `label`, `prediction` its `label` and `probability`; either may be None.
    """
    lines = textwrap.wrap(_printable(str(raw["text"])), LINE) or ["(an empty text)"]
    if len(lines) > MOST:
        half = MOST // 2
        lines = [*lines[:half], f"… {len(lines) - 2 * half + 1:,} lines …", *lines[-half + 1 :]]
    height = 2 * _MARGIN + _HEIGHT * len(lines)
    rows = [
        f'<text x="{_MARGIN}" y="{_MARGIN + _HEIGHT * place + 13}" fill="#112">{escape(line)}</text>'
        for place, line in enumerate(lines)
    ]
    svg = (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{_WIDTH}" height="{height}" viewBox="0 0 {_WIDTH} {height}" '
        f'font-family="ui-monospace, Menlo, Consolas, monospace" font-size="11.5">'
        f'<rect width="{_WIDTH}" height="{height}" fill="#fff"/>{"".join(rows)}</svg>'
    )
    return Picture("image/svg+xml", svg.encode(), _caption(truth, prediction))


def _printable(words: str) -> str:
    """The text without control characters, which an SVG may not hold."""
    return "".join(" " if unicodedata.category(one)[0] in "CZ" else one for one in words)


def _caption(truth: Mapping[str, Any] | None, prediction: Mapping[str, Any] | None) -> str:
    if prediction is None:
        return f"{truth['label']}" if truth else "no label"
    answer = f"{prediction['label']} ({100 * float(prediction['probability']):.0f} %)"
    if truth is None:
        return f"answered {answer}"
    if truth["label"] == prediction["label"]:
        return f"{answer}, rightly"
    return f"{truth['label']}, answered {answer}"
