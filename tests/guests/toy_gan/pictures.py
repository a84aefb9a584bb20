"""A real point in black and a made one in red; they have nothing to do with each other but the plane."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from stepwell.schema import Picture


def draw(raw: Mapping[str, Any], truth: Mapping[str, Any] | None, prediction: Mapping[str, Any] | None) -> Picture:
    """Draw one example."""
    dots = "".join(
        f'<circle cx="{float(one["point"][0]):.3f}" cy="{-float(one["point"][1]):.3f}" r="0.08" fill="{color}"/>'
        for one, color in ((truth, "black"), (prediction, "red"))
        if one is not None
    )
    frame = '<rect x="0" y="-1" width="4" height="4" fill="none" stroke="gray" stroke-width="0.02"/>'
    picture = f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 -1 4 4">{frame}{dots}</svg>'
    return Picture("image/svg+xml", picture.encode(), str(raw.get("name", "a point")))
