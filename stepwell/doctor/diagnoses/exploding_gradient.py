"""Gradients that grow out of bounds.

What: the norm of the gradient, or of what passes between layers, grows until it is no number.
Why it matters: one such step throws away what was learnt, or all.
How it is seen: a loss that is not finite though the data is; or a gradient more than 100 times the median of those
    before it, with the loss above the constant's.
Remedy: a lower rate, clipping at the usual norm, a fan-scaled initialization, a normalization layer.
Risk: a gradient scaler's first steps overflow on purpose, and are skipped.
"""

from __future__ import annotations

from stepwell.doctor import measures
from stepwell.doctor.changes import Change, Settings, change
from stepwell.doctor.record import Record
from stepwell.schema import Finding

GROWTH = 100.0

KIND = "dynamics"
SEVERITY = 3
EXPLAINS: tuple[str, ...] = ("not_learning_unknown",)
REMEDIES: tuple[str, ...] = ("clipping", "lower_rate", "initialization", "normalization", "warmup")
RUINS = True  # what is trained afterwards is lost


def diagnose(record: Record) -> Finding | None:
    """From the first update on."""
    step, growth = measures.broken_at(record), measures.gradient_growth(record)
    first = measures.first_probe(record)
    broken_layers = [name for name, row in first.get("layers", {}).items() if row.get("not_finite")]
    late = measures.late_loss(record)
    facts = record.facts
    data = facts.get("inputs_finite", True) and facts.get("last_inputs_finite", True)
    gone = step is not None and (data or facts.get("inputs_made", False))
    wild = growth is not None and growth > GROWTH and late is not None and late > 1.1
    if not gone and not wild:
        return None
    said = (
        f"the loss is not finite from update {step:,} on" if gone else f"a gradient was {growth:,.0f} times the usual"
    )
    return Finding(
        name="exploding_gradient",
        severity=3 if gone else 2,
        message=f"Gradients explode: {said}"
        + (f"; {broken_layers[0]} is the first layer that is not finite." if broken_layers else "."),
        why="A step along such a gradient throws away what was learnt; numbers that are not finite stay so.",
        remedy="lower the learning rate by 10 and clip: torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)",
        where={"step": step if step is not None else record.length, "layer": broken_layers[0] if broken_layers else ""},
        evidence={"growth": growth, "threshold": GROWTH, "late_loss": late},
        refuted_by="the same at a tenth of the rate",
    )


def infect(settings: Settings) -> Change | None:
    """Weights that multiply what passes through them, layer by layer."""
    values = {"model.initialization": "normal", "model.initial_scale": 2.0, "training.clip_norm": None}
    return change(settings, values, "each layer multiplies what passes through it")
