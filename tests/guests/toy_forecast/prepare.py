"""From a window to the network's inputs, and from its scaled answer to degrees and meters a second."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from stepwell.preparation import Preparation
from stepwell.schema import Columns, Examples, Field, Schema, Trace
from toy_forecast.readers.station_csv import HORIZON, PAST, windows
from toy_forecast.transforms import scale_columns

WANTED = ("temperature", "wind")


@dataclass(frozen=True)
class Options:
    """Nothing to set."""


def fit(options: Options, examples: Examples, train: Sequence[int]) -> Preparation:
    """Settle the scales on the windows of the training part; the target's are those of its columns in the past."""
    raw = examples.fetch(train, None)
    names = ("past", "future", "station")
    scales = [scale_columns.fit(scale_columns.Options(), name, np.asarray(raw[name])) for name in names]
    target = scale_columns.Fitted("target", scales[0].mean[1:], scales[0].std[1:])
    inputs = (
        Field("past", "sequence", "float32", (PAST, 3)),
        Field("future", "sequence", "float32", (HORIZON, 1)),
        Field("station", "number", "float32", (1,)),
    )
    shape = (HORIZON, len(WANTED))
    wanted = Field("target", "sequence", "float32", shape, mean=target.mean, std=target.std)
    forecast = Field("forecast", "sequence", "float32", shape, mean=target.mean, std=target.std)
    chain = tuple(("scale_columns", scale) for scale in (*scales, target))
    return Preparation(Schema(inputs, (wanted,), (forecast,)), chain)


def decode(outputs: Columns, traces: Sequence[Trace], schema: Schema) -> Columns:
    """The scaled forecast to the target's own units: `target` `(n, hours, 2)` float64."""
    forecast = schema.field("forecast")
    return {"target": np.asarray(outputs["forecast"], dtype=np.float64) * forecast.std + forecast.mean}


def row(prediction: Mapping[str, Any], schema: Schema) -> dict[str, Any]:
    """One answer as it is printed: a list of hours under each name."""
    return {name: prediction["target"][:, column] for column, name in enumerate(WANTED)}


def inputs(source: Any) -> Examples:
    """Every window of a CSV in the readers' form, in which temperature and wind ahead may be empty."""
    return windows(source, labeled=False)
