"""Gradients that fade on their way back.

What: the first layers get gradients many times smaller than the last, or all samples look alike after some layers.
Why it matters: the first layers stay as they began, and what they let through does not tell samples apart.
How it is seen: more than 2.3 decades between the relative gradients of matrices in the first three updates, in a
    training that struggles; or a layer whose output differs between samples by under 1e-4 of its size at the
    beginning, in one that struggles too, or learnt nothing for a fifth of its time and lags (measured: 0 of 84
    healthy runs).
Remedy: He or Xavier initialization, a normalization layer, rectifiers, residual connections, fewer layers.
Risk: residual and normalized networks with a healthy signal.
"""

from __future__ import annotations

from typing import Any

from stepwell.doctor import measures
from stepwell.doctor.changes import Change, Settings, change
from stepwell.doctor.record import Record
from stepwell.schema import Finding

DECADES, ALIKE = 2.3, 1e-4  # measured on 84 healthy runs

KIND = "dynamics"
SEVERITY = 2
EXPLAINS: tuple[str, ...] = ("lr_too_low", "underfit_capacity", "not_learning_unknown", "too_few_epochs")
REMEDIES: tuple[str, ...] = ("initialization", "normalization", "activation", "residual", "smaller_network")


def diagnose(record: Record) -> Finding | None:
    """In the first updates; spoken where it harms."""
    struggles = measures.struggling(record)
    slept = measures.slept(record) and measures.lagging(record) and not measures.tells(record)
    if not measures.mature(record) or not (struggles or slept):
        return None
    if measures.through_one_unit(record):
        return None  # what does not pass through one unit has not faded on its way
    if not measures.moves(record):
        return None  # not even the layer that gets most of the gradient learns: what ails all is no fading between them
    spread, alike = measures.gradient_spread(record), measures.between_at_first(record)
    fades = spread is not None and spread > DECADES and struggles
    same = alike is not None and alike[1] < ALIKE
    if not fades and not same:
        return None
    parts = []
    if fades and spread is not None:
        parts.append(
            f"the smallest relative gradient of a layer is 10^{spread:.1f} times under the largest (healthy: 10^1.5)"
        )
    if same and alike is not None:
        parts.append(f"after {alike[0]} samples differ by {alike[1]:.0e} of their size (healthy: 5e-3)")
    return Finding(
        name="vanishing_gradient",
        severity=2,
        message=f"The signal fades between the layers: {' and '.join(parts)}.",
        why="The first layers get next to no gradient and stay as they began; the last ones see the same for "
        "every sample.",
        remedy="initialize by fan-in, add normalization layers, use rectifiers or residual connections, or fewer "
        "layers",
        where={"step": 0, "layer": alike[0] if same and alike else ""},
        evidence={"decades": spread, "threshold": DECADES, "between": None if alike is None else alike[1]},
        refuted_by="the same level with fan-scaled initialization and normalization",
    )


def infect(settings: Settings) -> Change | None:
    """Ten layers of sigmoids."""
    values: dict[str, Any] = {"model.activation": "sigmoid", "model.depth": 10, "model.normalization": "none"}
    if settings.get("model.widths"):
        values["model.widths"] = (settings["model.widths"][0],) * 10
    return change(settings, values, "each sigmoid takes three quarters of the gradient")
