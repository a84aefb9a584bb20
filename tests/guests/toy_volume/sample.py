"""Noisy volumes of unequal size with one ellipsoid each, as .npz files of `image` and `mask`."""

from __future__ import annotations

import io
from pathlib import Path

import numpy as np

from stepwell import files

VOLUMES = 30

DIFFICULTY = "calling everything the body has a mean Dice of about 0.25, the best threshold on single voxels about 0.5"


def write(folder: str | Path, seed: int = 0) -> None:
    """Write `<number>.npz`: `image` float32 and `mask` uint8, `(depth, height, width)` of 10 to 22 voxels a side."""
    generator = np.random.default_rng(seed)
    Path(folder).mkdir(parents=True, exist_ok=True)
    for number in range(VOLUMES):
        shape = generator.integers(10, 23, 3)
        grid = np.stack(np.meshgrid(*(np.arange(size) for size in shape), indexing="ij"), axis=-1)
        radii = generator.uniform(0.25, 0.4, 3) * shape
        center = generator.uniform(radii, shape - radii)
        mask = (((grid - center) / radii) ** 2).sum(axis=-1) <= 1.0
        image = 100.0 + 20.0 * mask + 15.0 * generator.standard_normal(tuple(shape))
        content = io.BytesIO()
        np.savez(content, image=image.astype(np.float32), mask=mask.astype(np.uint8))
        files.write_whole(Path(folder) / f"scan-{number:02d}.npz", content.getvalue())
