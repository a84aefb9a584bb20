"""A small folder of pictures in three classes that differ in where they are bright, and a training of a second."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

QUICK: dict[str, Any] = {
    "recipes": ["quick"],
    "steps": 6,
    "settings": {"model": "mlp", "model.depth": 1, "model.width": 8, "training.batch_size": 16, "training.threads": 1},
    "progress": "quiet",
}


def draw(folder: Path, counts: dict[str, int]) -> Path:
    """Pictures of 6 by 6 pixels, a folder a class, each class bright in rows of its own."""
    generator = np.random.default_rng(0)
    for row, (name, count) in enumerate(counts.items()):
        (folder / name).mkdir(parents=True)
        for number in range(count):
            pixels = generator.integers(0, 120, (6, 6))
            pixels[2 * row : 2 * row + 2] += 80
            Image.fromarray(pixels.astype(np.uint8)).save(folder / name / f"{number}.png")
    return folder
