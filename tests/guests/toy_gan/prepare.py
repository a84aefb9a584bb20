"""Noise for the generator, real points for the critic; what the generator answers is a point already."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

import msgspec
import numpy as np

from stepwell.preparation import Preparation
from stepwell.schema import Columns, Examples, Field, Schema, Trace
from toy_gan.readers.point_file import Options as ReaderOptions
from toy_gan.readers.point_file import numbered, read
from toy_gan.transforms import draw_noise


@dataclass(frozen=True)
class Options:
    """The generator's input."""

    noise: Annotated[int, msgspec.Meta(ge=1, description="how many numbers a point is made from")] = 4


def fit(options: Options, examples: Examples, train: Sequence[int]) -> Preparation:
    """Settle the scale of the points on the training part; networks apply it themselves."""
    points = np.asarray(examples.fetch(train, None)["point"])
    mean, std = tuple(points.mean(axis=0).tolist()), tuple(points.std(axis=0).tolist())
    noise = Field("noise", "noise", "float32", (options.noise,))
    point = Field("point", "number", "float32", (2,), mean=mean, std=std)
    made = Field("made", "number", "float32", (2,), mean=mean, std=std)
    return Preparation(Schema((noise, point), (), (made,)), (("draw_noise", draw_noise.Fitted(options.noise)),))


def decode(outputs: Columns, traces: Sequence[Trace], schema: Schema) -> Columns:
    """`point` `(n, 2)` float64."""
    return {"point": np.asarray(outputs["made"], dtype=np.float64)}


def look(example: Mapping[str, Any]) -> dict[str, Any]:
    """Two points are the same example only where they are the same point."""
    return {"digest": np.asarray(example["point"]).tobytes().hex()}


def inputs(source: Any) -> Examples:
    """As many examples as a number says, or as there are points in a file; of a list, all of them together."""
    given = source if isinstance(source, list | tuple) else [source]
    return numbered(sum(_count(one) for one in given), " and ".join(str(one) for one in given))


def _count(source: Any) -> int:
    if isinstance(source, int) or (isinstance(source, str) and source.isdigit()):
        return int(source)
    return len(read(Path(source), ReaderOptions()))
