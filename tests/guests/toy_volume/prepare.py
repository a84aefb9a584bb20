"""From a scan to patches and tiles, and from scores to a mask of the scan's own size."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

import msgspec
import numpy as np

from stepwell import archives, randomness
from stepwell.errors import DataError
from stepwell.preparation import Inference, Preparation
from stepwell.schema import Array, Columns, Examples, Field, Schema, Trace
from toy_volume.readers.scan_folder import from_files
from toy_volume.transforms import add_channel, fill_patch

CLASSES = ("background", "body")
SPACE = ("depth", "height", "width")


@dataclass(frozen=True)
class Options:
    """How scans are cut."""

    patch: Annotated[int, msgspec.Meta(ge=4, description="voxels a side of a training patch and of a tile")] = 12
    patches: Annotated[int, msgspec.Meta(ge=1, description="patches of each training scan in an epoch")] = 4


def fit(options: Options, examples: Examples, train: Sequence[int]) -> Preparation:
    """Settle the scaling on the scans of the training part."""
    voxels = np.concatenate([volume.ravel() for volume in examples.fetch(train, None)["image"]])
    mean, std = float(voxels.mean()), float(voxels.std())
    image = Field("image", "volume", "float32", (1, *SPACE), mean=(mean,), std=(std,))
    mask = Field("mask", "mask", "int64", SPACE, classes=CLASSES)
    scores = Field("scores", "logits", "float32", (len(CLASSES), *SPACE), classes=CLASSES)
    size = (options.patch, options.patch, options.patch)
    return Preparation(
        schema=Schema((image,), (mask,), (scores,)),
        transforms=(("add_channel", add_channel.Fitted()), ("fill_patch", fill_patch.Fitted(size, mean))),
        inference=Inference("tiled", {"size": size}),
        views=options.patches,
        train_only=("fill_patch",),
    )


def views(
    options: Options,
    seed: int,
    epoch: int,
    keys: randomness.Keys,
    indices: Sequence[int],
    facts: Mapping[str, Sequence[Any]],
) -> Array:
    """Where a patch of each scan begins and how large it is: `(n, 6)` int64, anywhere within the scan."""
    sizes = np.array([facts["size"][index] for index in indices])
    cut = np.minimum(sizes, options.patch)
    begins = np.floor(randomness.draw(seed, "patch", epoch, keys, (3,)) * (sizes - cut + 1)).astype(np.int64)
    return np.concatenate([begins, cut], axis=1)


def decode(outputs: Columns, traces: Sequence[Trace], schema: Schema) -> Columns:
    """Scores `(2, depth, height, width)` each to `mask` `(depth, height, width)` uint8, 1 where the body is."""
    return {"mask": [np.asarray(scores).argmax(axis=0).astype(np.uint8) for scores in outputs["scores"]]}


def row(prediction: Mapping[str, Any], schema: Schema) -> dict[str, Any]:
    """One answer as it is printed: how many voxels the body has, and the mask."""
    return {"voxels": int(prediction["mask"].sum()), "mask": prediction["mask"]}


def inputs(source: Any) -> Examples:
    """Unlabeled scans: an .npz file, a folder with some (below it too), or a list of these."""
    given = source if isinstance(source, Sequence) and not isinstance(source, str) else [source]
    paths: list[Path] = []
    for one in given:
        place = Path(one)
        paths += sorted(place.rglob("*.npz"), key=lambda path: archives.natural_key(str(path))) or [place]
    if not all(path.is_file() for path in paths):
        raise DataError("There is no scan here.", where=str(source), do="give .npz files, or a folder with some")
    return from_files(paths, [str(path) for path in paths], str(source), labeled=False)
