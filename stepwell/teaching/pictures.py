"""What a lesson draws of both networks: the loss always, then what its `PICTURES` ask for by name."""

from __future__ import annotations

import math
import statistics
from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np
from markupsafe import Markup

from stepwell.doctor import measures
from stepwell.doctor.record import Record
from stepwell.report import charts

ILL, WELL = "ill", "well"


@dataclass(frozen=True)
class Picture:
    """A drawing with the sentence below it."""

    drawing: Markup
    caption: str


def losses(records: Mapping[str, Record]) -> Picture:
    """The loss of both over the updates, beside that of the best constant answer."""
    drawn, both = [], []
    for side, record in records.items():
        rows = [(row["step"], row["loss"]) for row in record.steps if math.isfinite(row["loss"])]
        x, y = (np.asarray(column, dtype=np.float64) for column in zip(*rows, strict=True))
        smooth = charts.smooth(y, max(1, len(y) // 30))
        drawn.append(charts.Line(side, x, smooth))
        both.append(smooth)
    longest = max((line.x for line in drawn), key=len)
    best = measures.constant(records[WELL]) or measures.constant(records[ILL])
    if best is not None:
        drawn.append(charts.Line("best constant answer", longest[[0, -1]], np.asarray([best, best])))
    levels = {side: measures.level(record) for side, record in records.items()}
    said = " and ".join(f"{level:.2f} ({side})" for side, level in levels.items() if level is not None)
    caption = (
        f"The loss over the updates. It ends at {said} of that of the best constant answer, which learning must beat."
    )
    values = np.concatenate(both)
    axis = charts.axis_of(values, steep=bool((values > 0).all()))
    return Picture(charts.lines(drawn, charts.axis_of(longest), axis, None, caption), caption)


def _gradients(records: Mapping[str, Record]) -> Picture:
    """The gradient of each matrix over its weights at the first update, from the first layer to the last."""
    drawn = []
    for side, record in records.items():
        row = next(row for row in record.steps if row.get("gradients"))
        sizes = [g / row["weights"][name] for name, g in row["gradients"].items() if row["weights"][name] > 0]
        x = np.arange(1, len(sizes) + 1, dtype=np.float64)
        drawn.append(charts.Line(side, x, np.maximum(np.asarray(sizes, dtype=np.float64), 1e-30)))
    ratios = {line.name: float(line.y.max() / line.y.min()) for line in drawn}
    caption = (
        "How large the gradient is at the first update, over the weights, from the first matrix to the last. The "
        f"largest is {ratios[ILL]:,.0f} times the least in the ill network, {ratios[WELL]:,.0f} times in the well one."
    )
    values = np.concatenate([line.y for line in drawn])
    axis = charts.logarithmic_axis(float(values.min()), float(values.max()))
    return Picture(charts.lines(drawn, charts.axis_of(drawn[0].x), axis, None, caption), caption)


def _dead(records: Mapping[str, Record]) -> Picture:
    """The largest share of silent units of a layer over the updates."""
    drawn = []
    for side, record in records.items():
        rows = [(row["step"], max(measures.layers(row, "dead").values(), default=math.nan)) for row in record.probes]
        x, y = (np.asarray(column, dtype=np.float64) for column in zip(*rows, strict=True))
        drawn.append(charts.Line(side, x, y))
    caption = (
        "The share of units that no sample wakes, in the layer that has most of them. In healthy networks it was at "
        "most three quarters."
    )
    x = max((line.x for line in drawn), key=len)
    return Picture(charts.lines(drawn, charts.axis_of(x), charts.linear_axis(0.0, 1.0), None, caption), caption)


def _updates(records: Mapping[str, Record]) -> Picture:
    """How far an update moves the weights: the median over matrices of ||change|| / ||weights||."""
    drawn = []
    for side, record in records.items():
        sizes = [
            (row["step"], statistics.median(row["updates"].values())) for row in record.steps if row.get("updates")
        ]
        rows = [(step, size) for step, size in sizes if math.isfinite(size) and size > 0]
        x, y = (np.asarray(column, dtype=np.float64) for column in zip(*rows, strict=True))
        drawn.append(charts.Line(side, x, y))
    caption = (
        "How far one update moves the weights, over their size (the median over the matrices); about 0.01 is healthy."
    )
    values = np.concatenate([line.y for line in drawn])
    x = max((line.x for line in drawn), key=len)
    axis = charts.logarithmic_axis(float(values.min()), float(values.max()))
    return Picture(charts.lines(drawn, charts.axis_of(x), axis, None, caption), caption)


def _held_out(records: Mapping[str, Record]) -> Picture:
    """The loss of data that were not learnt from, over that of the best constant answer."""
    drawn = []
    for side, record in records.items():
        best = measures.constant(record) or 1.0
        rows = [(row["step"], row["valid_loss"] / best) for row in record.probes if "valid_loss" in row]
        x, y = (np.asarray(column, dtype=np.float64) for column in zip(*rows, strict=True))
        drawn.append(charts.Line(side, x, np.minimum(y, 10.0)))
    least, last = min(drawn[0].y), drawn[0].y[-1]
    caption = (
        f"The loss on new data, over that of the best constant answer. In the ill network it falls to {least:.2f} and "
        f"ends at {last:.2f}."
    )
    x = max((line.x for line in drawn), key=len)
    axis = charts.axis_of(np.concatenate([line.y for line in drawn]))
    return Picture(charts.lines(drawn, charts.axis_of(x), axis, None, caption), caption)


def _covered(records: Mapping[str, Record]) -> Picture:
    """The share of real rows that have a made one near, of what the discriminator was shown."""
    drawn = []
    for side, record in records.items():
        rows = [(row["step"], row["generated"]["covered"]) for row in record.probes if "generated" in row]
        x, y = (np.asarray(column, dtype=np.float64) for column in zip(*rows, strict=True))
        drawn.append(charts.Line(side, x, y))
    caption = "The share of the real points that have a made one near them: how much of what is real is covered."
    x = max((line.x for line in drawn), key=len)
    return Picture(charts.lines(drawn, charts.axis_of(x), charts.linear_axis(0.0, 1.0), None, caption), caption)


DRAWN: Mapping[str, Callable[[Mapping[str, Record]], Picture]] = {
    "gradients": _gradients,
    "dead": _dead,
    "updates": _updates,
    "held_out": _held_out,
    "covered": _covered,
}
"""What a lesson may draw of both networks, by name."""
