"""What the doctor saw, as one page: the loss against a constant answer, and for each finding what it rests on."""

from __future__ import annotations

import math
from collections.abc import Sequence
from importlib.resources import files
from typing import Any

import numpy as np
from markupsafe import Markup

from stepwell.doctor import measures
from stepwell.doctor.record import Record
from stepwell.errors import counted
from stepwell.report import charts
from stepwell.report.markup import anchor, render
from stepwell.schema import Finding

SHOWN = 3
# Which of the numbers of a probe tells of a finding: what is drawn, its words, and the limit of healthy runs.
LAYERED = {
    "dead_relu": ("dead", "share of silent units of {layer}", "at most", 0.75),
    "bad_init_bias": ("dead", "share of silent units of {layer}", "at most", 0.75),
    "saturated_units": ("saturated", "share of saturated units of {layer}", "under", 0.5),
    "vanishing_gradient": ("between", "share of {layer} that differs between samples", "over", 0.005),
    "transformer_no_warmup": ("between", "share of {layer} that differs between samples", "over", 0.005),
}


def build(record: Record, findings: Sequence[Finding], cost: float) -> str:
    """The page as self-contained HTML; three findings are shown whole, all are kept."""
    harmful = [one for one in findings if one.severity > 1]
    rest = [one for one in findings if one.severity == 1]
    ordered = [*harmful, *rest]
    updates = counted(record.length, "update", "updates")
    lead = (
        f"{counted(len(harmful), 'thing that harms', 'things that harm')}, causes first, in {updates}."
        if harmful
        else f"Nothing was found that harms, in {updates}."
    )
    page = render(
        files("stepwell.doctor").joinpath("page.html").read_text(encoding="utf-8"),
        lead=lead,
        curve=_losses(record),
        caption=_said_of_losses(record),
        shown=[_told(one, record) for one in ordered[:SHOWN]],
        more=[_told(one, record) for one in ordered[SHOWN:]],
        reading=f"Losses of {updates}, {len(record.probes)} looks at a probe batch; looking took {100 * cost:.1f} % of "
        "the time since the first look.",
        unread=record.unread,
    )
    return str(page)


def _told(finding: Finding, record: Record) -> dict[str, Any]:
    title = finding.name.replace("_", " ")
    picture, caption = _picture(finding, record)
    evidence = {key: value for key, value in finding.evidence.items() if isinstance(value, int | float | str)}
    return {
        "finding": finding,
        "title": title[:1].upper() + title[1:],
        "anchor": anchor(finding.name),
        "picture": picture,
        "caption": caption,
        "evidence": ", ".join(f"{key.replace('_', ' ')} {_number(value)}" for key, value in evidence.items()),
        "consequences": ", ".join(one.replace("_", " ") for one in finding.evidence.get("consequences", [])),
    }


def _number(value: Any) -> str:
    return f"{value:.4g}" if isinstance(value, float) else str(value)


def _losses(record: Record) -> Markup | None:
    rows = [(row["step"], row["loss"]) for row in record.steps if math.isfinite(row["loss"])]
    if len(rows) < 2:
        return None
    x, y = (np.asarray(column, dtype=np.float64) for column in zip(*rows, strict=True))
    drawn = [charts.Line("training", x, charts.smooth(y, max(1, len(y) // 50)))]
    held = [(row["step"], row["valid_loss"]) for row in record.probes if math.isfinite(row.get("valid_loss", math.nan))]
    if len(held) > 1:
        steps, values = (np.asarray(column, dtype=np.float64) for column in zip(*held, strict=True))
        drawn.append(charts.Line("validation", steps, values))
    best = measures.constant(record)
    if best is not None:
        drawn.append(charts.Line("best constant answer", x[[0, -1]], np.asarray([best, best])))
    values = np.concatenate([line.y for line in drawn])
    steep = bool((values > 0).all())
    return charts.lines(drawn, charts.axis_of(x), charts.axis_of(values, steep=steep), None, _said_of_losses(record))


def _said_of_losses(record: Record) -> str:
    now, step = measures.level(record), measures.broken_at(record)
    if step is not None:
        return f"The loss was no finite number from update {step:,} on."
    if now is None:
        return "The loss over the updates; that of the best constant answer is not known."
    return f"The loss ends at {now:.2f} of that of the best constant answer, which is what learning must beat."


def _picture(finding: Finding, record: Record) -> tuple[Markup | None, str]:
    """The signal that the finding rests on over the updates, where it is one of a layer."""
    if finding.name not in LAYERED:
        return None, ""
    signal, words, side, limit = LAYERED[finding.name]
    layer = str(finding.where.get("layer", ""))
    rows = [(row["step"], measures.layers(row, signal)) for row in record.probes]
    names = [name for name in (rows[0][1] if rows else {}) if name.startswith(layer)]
    if not names:
        return None, ""
    read = [(step, values[names[0]]) for step, values in rows if names[0] in values]
    if len(read) < 2:
        return None, ""
    x, y = (np.asarray(column, dtype=np.float64) for column in zip(*read, strict=True))
    axis = charts.linear_axis(0.0, max(1.0, float(y.max())))
    caption = f"The {words.format(layer=names[0])} over the updates; in healthy runs it was {side} {limit}."
    drawn = [charts.Line(names[0], x, y), charts.Line("limit of healthy runs", x[[0, -1]], np.full(2, limit))]
    return charts.lines(drawn, charts.axis_of(x), axis, None, caption), caption
