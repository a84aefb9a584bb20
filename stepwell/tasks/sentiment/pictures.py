"""A text and what was answered about it, as a page to read."""

from __future__ import annotations

import textwrap
import unicodedata
from collections.abc import Mapping
from typing import Any
from xml.sax.saxutils import escape

from stepwell.schema import Picture
from stepwell.tasks.sentiment import reasons

LINE, MOST = 56, 12
"""Characters of a line, and lines that are shown; of more, the first and the last."""

_HEIGHT, _MARGIN, _WIDTH = 17, 10, 420
_LETTER, _FAINT = 7.1, 0.08  # pixels that a letter takes; share of the greatest weight below which none is drawn


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
    return Picture("image/svg+xml", _page(rows, height).encode(), _caption(truth, prediction))


def explained(
    raw: Mapping[str, Any], truth: Mapping[str, Any] | None, prediction: Mapping[str, Any] | None, weights: Any
) -> Picture:
    """Draw one example with what each of its parts (`reasons.parts`) weighs for the answer `(parts,)`.

    Orange speaks for the answer, blue against it; the caption names the foremost. Without weights it is `draw`.
    """
    parts = [_printable(one) for one in reasons.parts(raw)]
    if len(parts) != len(weights) or not len(parts):
        return draw(raw, truth, prediction)
    most = max(float(abs(weights).max()), 1e-9)
    rows, x, y = [], 0, 0
    for part, weight in zip(parts, weights.tolist(), strict=True):
        for word in part.split():
            if x and x + len(word) > LINE:
                x, y = 0, y + 1
            if y < 2 * MOST:
                rows.append(_word(word[:LINE], x, y, weight / most))
            x += len(word) + 1
    height = 2 * _MARGIN + _HEIGHT * min(y + 1, 2 * MOST)
    foremost = [parts[place].strip() for place in (-weights).argsort()[:3].tolist() if weights[place] > 0]
    said = f"; for it spoke most: {', '.join(map(repr, foremost))}" if foremost else ""
    return Picture("image/svg+xml", _page(rows, height).encode(), _caption(truth, prediction) + said)


def _word(word: str, x: int, y: int, share: float) -> str:
    """A word at a column and a line, on a ground of the color that its weight (-1 to 1) has."""
    left, top = _MARGIN + x * _LETTER, _MARGIN + _HEIGHT * y
    color, strength = ("#f4a340" if share > 0 else "#5b8fd9"), min(1.0, abs(share))
    ground = (
        f'<rect x="{left - 1:.1f}" y="{top}" width="{len(word) * _LETTER + 2:.1f}" height="{_HEIGHT - 1}" '
        f'fill="{color}" fill-opacity="{0.85 * strength:.2f}"/>'
        if strength > _FAINT
        else ""
    )
    return f'{ground}<text x="{left:.1f}" y="{top + 13}" fill="#112">{escape(word)}</text>'


def _page(rows: list[str], height: int) -> str:
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{_WIDTH}" height="{height}" viewBox="0 0 {_WIDTH} {height}" '
        f'font-family="ui-monospace, Menlo, Consolas, monospace" font-size="11.5">'
        f'<rect width="{_WIDTH}" height="{height}" fill="#fff"/>{"".join(rows)}</svg>'
    )


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
