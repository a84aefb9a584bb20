"""Gray noise of unequal size with one brighter rectangle each, as .png files, and a table of their boxes."""

from __future__ import annotations

import csv
import io
from pathlib import Path

import numpy as np
from PIL import Image

from stepwell import files

PICTURES = 400

DIFFICULTY = "the mean box of the training part has a mean IoU of about 0.27"


def write(folder: str | Path, seed: int = 0) -> None:
    """Write `boxes.csv` (file, left, top, right, bottom) and `pictures/<number>.png`."""
    generator = np.random.default_rng(seed)
    (Path(folder) / "pictures").mkdir(parents=True)
    table = io.StringIO(newline="")
    writer = csv.writer(table)
    writer.writerow(["file", "left", "top", "right", "bottom"])
    for number in range(PICTURES):
        height, width = generator.integers(24, 65, 2)
        box_height, box_width = (int(side * generator.uniform(0.3, 0.6)) for side in (height, width))
        top, left = generator.integers(0, height - box_height), generator.integers(0, width - box_width)
        gray = generator.normal(80.0, 25.0, (height, width))
        gray[top : top + box_height, left : left + box_width] += 90.0
        content = io.BytesIO()
        Image.fromarray(np.clip(gray, 0, 255).astype(np.uint8)).save(content, format="PNG")
        name = f"pictures/{number:03d}.png"
        files.write_whole(Path(folder) / name, content.getvalue())
        writer.writerow([name, left, top, left + box_width, top + box_height])
    files.write_whole(Path(folder) / "boxes.csv", table.getvalue())
