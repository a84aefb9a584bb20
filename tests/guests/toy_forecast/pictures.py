"""The past, what came and what was forecast, temperature only, as lines."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from stepwell.schema import Array, Picture

WIDTH, HEIGHT = 240, 80


def draw(raw: Mapping[str, Any], truth: Mapping[str, Any] | None, prediction: Mapping[str, Any] | None) -> Picture:
    """Draw one window: gray the past, black what came, red the forecast."""
    lines = [(np.asarray(raw["past"])[:, 1], 0, "gray")]
    after = len(lines[0][0])
    lines += [
        (np.asarray(one["target"])[:, 0], after, color)
        for one, color in ((truth, "black"), (prediction, "red"))
        if one is not None
    ]
    low, high = min(line.min() for line, _, _ in lines), max(line.max() for line, _, _ in lines)
    length = max(start + len(line) for line, start, _ in lines)
    drawn = "".join(_line(line, start, color, length, low, max(high - low, 1e-9)) for line, start, color in lines)
    picture = f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}">{drawn}</svg>'
    return Picture("image/svg+xml", picture.encode(), f"temperature from {low:.1f} to {high:.1f} °C")


def _line(values: Array, start: int, color: str, length: int, low: float, span: float) -> str:
    points = " ".join(
        f"{WIDTH * (start + hour) / length:.1f},{HEIGHT - 4 - (HEIGHT - 8) * (value - low) / span:.1f}"
        for hour, value in enumerate(values.tolist())
    )
    return f'<polyline points="{points}" fill="none" stroke="{color}"/>'
