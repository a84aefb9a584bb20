"""How training went: losses, validation scores, learning rates and gradient norms over the cycles."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
from markupsafe import Markup

from stepwell.judge.scores import About
from stepwell.report import charts, wording
from stepwell.report.charts import Axis, Line, Mark
from stepwell.report.facts import Facts
from stepwell.report.markup import render

ORDER = 30
TITLE = "How it learned"

_NORM_CAPTION = "How steep the loss was, before clipping: thin as measured on each batch, bold smoothed."
_SMOOTH = 25  # the smoothed line is the mean over one such part of the training


def section(facts: Facts) -> str | None:
    """One picture a quantity; None where there is no history."""
    steps = [line for line in facts.history if line.get("kind") == "step"]
    evaluations = [line for line in facts.history if line.get("kind") == "evaluation"]
    if not steps:
        return None
    cycles, epochs = int(steps[-1]["cycle"]), int(steps[-1].get("epoch", 0)) + 1
    x_axis = charts.linear_axis(0, max(1, cycles), words=wording.count)
    best = next((line for line in reversed(evaluations) if line.get("best")), None)
    panels = [
        _panel("training loss", _step_lines(steps, "loss", faint=True), x_axis, _loss_caption(steps), steep=True),
        *_validation_panels(facts, evaluations, best, x_axis),
        _panel("learning rate", _step_lines(steps, "learning_rate"), x_axis, "What the schedule gave."),
        _panel("gradient norm", _step_lines(steps, "gradient_norm", faint=True), x_axis, _NORM_CAPTION, steep=True),
    ]
    return render(
        _TEMPLATE,
        panels=[one for one in panels if one is not None],
        cycles=wording.count(cycles),
        epochs=wording.count(epochs),
        evaluations=wording.count(len(evaluations)),
        best=wording.count(best["cycle"]) if best else None,
        last=best is not None and int(best["cycle"]) >= cycles,
    )


def _validation_panels(
    facts: Facts, evaluations: Sequence[Mapping[str, Any]], best: Mapping[str, Any] | None, x_axis: Axis
) -> list[Markup | None]:
    """One picture a quantity that validations measured, the best point marked."""
    panels = []
    for name in dict.fromkeys(name for line in evaluations for name in line["values"]):
        about = facts.scores.metrics.get(name) if facts.scores else None
        title, words = (about.title if about else name.replace("_", " ")), _words(about)
        pairs = [(line["cycle"], line["values"].get(name)) for line in evaluations]
        at = best["values"].get(name) if best else None
        mark = Mark(best["cycle"], at, f"kept: {words(at)}") if best and at is not None else None
        caption = f"On the validation part, at {wording.count(len(pairs))} validations."
        panels.append(_panel(f"validation {title}", _line(name, pairs), x_axis, caption, mark, words))
    return panels


def _words(about: About | None) -> Callable[[float], str]:
    if about is not None and about.measure == "share":
        return lambda value: f"{100 * value:.4g} %"
    return wording.plain


def _step_lines(steps: Sequence[Mapping[str, Any]], quantity: str, *, faint: bool = False) -> list[Line]:
    """A line an objective; with `faint` as measured behind, and smoothed before."""
    found = []
    for name in dict.fromkeys(name for line in steps for name in line.get(quantity) or {}):
        pairs = [(line["cycle"], (line.get(quantity) or {}).get(name)) for line in steps]
        for line in _line(name, pairs):
            x, y = charts.thin(line.x, line.y)
            if faint and len(y) >= _SMOOTH:
                found.append(Line(name, x, y, faint=True))
                y = charts.smooth(y, max(3, len(y) // _SMOOTH))
            found.append(Line(name, x, y))
    return found


def _line(name: str, pairs: Sequence[tuple[float, float | None]]) -> list[Line]:
    """The finite ones of these points as one line, or nothing where there is none."""
    known = [(x, y) for x, y in pairs if y is not None and math.isfinite(y)]
    if not known:
        return []
    x, y = np.array(known, dtype=np.float64).T
    return [Line(name, x, y)]


def _loss_caption(steps: Sequence[Mapping[str, Any]]) -> str:
    lost = sum(1 for line in steps if any(value is None for value in line["loss"].values()))
    said = "Thin as measured on each batch, bold smoothed; with augmentation or dropout it is harder than validation."
    return (
        f"{said} The loss of {wording.count(lost)} of {wording.count(len(steps))} steps is no number." if lost else said
    )


def _panel(
    title: str,
    drawn: Sequence[Line],
    x_axis: Axis,
    caption: str,
    mark: Mark | None = None,
    words: Callable[[float], str] = wording.plain,
    *,
    steep: bool = False,
) -> Markup | None:
    if not drawn:
        return None
    values = np.concatenate([line.y for line in drawn])
    y_axis = charts.axis_of(values, words=words, steep=steep)
    last = drawn[-1].y[-1]
    alt = f"{title} over {wording.count(x_axis.high)} cycles, from {words(drawn[-1].y[0])} to {words(last)}"
    scale = " (logarithmic scale)" if y_axis.logarithmic else ""
    picture = charts.lines(drawn, x_axis, y_axis, mark, alt)
    return render(_PANEL, title=title, scale=scale, caption=caption, picture=picture)


_PANEL = """
<figure class="panel"><h3>{{ title[:1]|upper }}{{ title[1:] }}<small>{{ scale }}</small></h3>
{{ picture }}
<figcaption>{{ caption }}</figcaption></figure>
"""

_TEMPLATE = """
<p>{{ cycles }} cycles in {{ epochs }} epoch{{ '' if epochs == '1' else 's' }}, validated {{ evaluations }} times;
all pictures share the axis of cycles. {% if best %}The dashed line marks cycle {{ best }}, whose weights were kept
{%- if last %}: the last one, so that a longer training may reach more.{% else %}; what came after was discarded.
{%- endif %}{% endif %}</p>
<div class="panels">
{% for panel in panels %}{{ panel }}{% endfor %}
</div>
"""
