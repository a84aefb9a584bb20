"""Points on a ring, as an .npy file."""

from __future__ import annotations

import io
from pathlib import Path

import numpy as np

from stepwell import files

POINTS = 1000

DIFFICULTY = "a normal distribution with the right mean and covariance has an energy distance of about 0.04"


def write(folder: str | Path, seed: int = 0) -> None:
    """Write `points.npy`, float64 `(1000, 2)`: a ring of radius 1 around (2, -1), as thick as a tenth."""
    generator = np.random.default_rng(seed)
    angle = generator.uniform(0.0, 2.0 * np.pi, POINTS)
    radius = 1.0 + 0.1 * generator.standard_normal(POINTS)
    points = np.stack([2.0 + radius * np.cos(angle), -1.0 + radius * np.sin(angle)], axis=1)
    content = io.BytesIO()
    np.save(content, points)
    Path(folder).mkdir(parents=True, exist_ok=True)
    files.write_whole(Path(folder) / "points.npy", content.getvalue())
