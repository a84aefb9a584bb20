"""Probabilities of very many classes, kept in short: `predictions/` would grow with examples times classes.

Of more than `WHOLE` classes an answer keeps its `KEPT` greatest probabilities and that of the true class:

    {"classes": 10000, "places": [17, 4, 9031], "values": [0.6, 0.2, 0.001]}

`places` are numbers of classes in the order of the schema. What these leave of 1 is shared evenly by all other classes
when an answer is read back. So accuracy, log loss and the first five stay as they were, the Brier score nearly so, and
areas under curves rest on what was kept.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from stepwell.errors import RunError
from stepwell.schema import Array, Columns, Schema

WHOLE, KEPT = 1_000, 100
_SLACK = 1e-3  # by which probabilities may miss the sum of 1


def shorten(values: Array, true: Array) -> list[dict[str, Any]] | None:
    """Each row of `values` `(n, classes)` in short, greatest first; `true` `(n,)` are the numbers of the true classes.

    None where they are to be kept whole: of few classes, or no probabilities.
    """
    n, classes = values.shape
    if classes <= WHOLE or (values < 0).any() or (np.abs(values.sum(axis=1) - 1.0) > _SLACK).any():
        return None
    order = np.argpartition(-values, KEPT, axis=1)[:, :KEPT]
    order = np.take_along_axis(order, np.argsort(-np.take_along_axis(values, order, axis=1), axis=1), axis=1)
    rows = []
    for row in range(n):
        places = order[row] if true[row] in order[row] else np.append(order[row], true[row])
        rows.append({"classes": classes, "places": places.tolist(), "values": values[row, places].tolist()})
    return rows


def columns(predictions: Columns, truth: Columns, schema: Schema) -> Columns:
    """`predictions` with the probabilities of the classes that `schema` asks for in short, where these are many."""
    target = schema.targets[0] if schema.targets else None
    if target is None or len(target.classes) <= WHOLE:
        return predictions
    numbers = {name: number for number, name in enumerate(target.classes)}
    true = np.array([numbers[label] for label in truth[target.name]])
    found = {}
    for name, column in predictions.items():
        short = None
        if isinstance(column, np.ndarray) and column.shape == (len(true), len(numbers)):
            short = shorten(column, true)
        found[name] = column if short is None else short
    return found


def is_short(value: Any) -> bool:
    """Whether a value of a line is a row that was kept in short."""
    return isinstance(value, Mapping) and value.keys() == {"classes", "places", "values"}


def lengthen(rows: Sequence[Any]) -> Array:
    """The rows of one column, in short or whole, as `(n, classes)` float64; `RunError` where they are damaged."""
    sizes = {int(row["classes"]) if is_short(row) else len(row) for row in rows}
    values = np.empty((len(rows), max(sizes)))
    try:
        if len(sizes) > 1:
            raise ValueError(f"they are of {min(sizes):,} and of {max(sizes):,} classes")
        for row, kept in zip(values, rows, strict=True):
            if is_short(kept):
                row[:] = max(0.0, 1.0 - sum(kept["values"])) / max(1, len(row) - len(kept["places"]))
                row[kept["places"]] = np.reshape(kept["values"], len(kept["places"]))
            else:
                row[:] = kept
    except (IndexError, TypeError, ValueError) as error:
        raise RunError(f"Probabilities are damaged: {error}.", do="restore the run from a copy") from error
    return values
