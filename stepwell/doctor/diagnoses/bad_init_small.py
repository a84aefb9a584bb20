"""Weights that begin too small.

What: matrices are several times smaller than what keeps the size of a signal.
Why it matters: what enters fades from layer to layer, and so do the gradients on their way back.
How it is seen: root mean square under a quarter of what Glorot gives for the shape (torch's own: about 0.6) in
    at least half of the matrices, with two hidden layers or more or a flat start; and the training struggles.
    A tenth of that, and more than a quarter of the loss is left.
Remedy: He or Xavier initialization.
Risk: a network that normalizes minds a tenth of that.
"""

from __future__ import annotations

from stepwell.doctor import measures
from stepwell.doctor.changes import Change, Settings, change
from stepwell.doctor.record import Record
from stepwell.schema import Finding

SMALL = 0.25  # judged: torch's own initialization gives 0.58
NORMALIZED = 0.025  # judged: what normalizes bears a tenth of that, and no healthy network begins there

KIND = "beginning"
SEVERITY = 2
EXPLAINS: tuple[str, ...] = ("dead_relu", "underfit_capacity", "not_learning_unknown", "lr_too_high", "too_few_epochs")
REMEDIES: tuple[str, ...] = ("initialization", "normalization")


def diagnose(record: Record) -> Finding | None:
    """At the beginning; spoken where it harms."""
    gains = record.facts.get("glorot_shares", {})
    struggles = measures.struggling(record)
    least = NORMALIZED if record.facts.get("norms") or not struggles else SMALL
    small = {name: gain for name, gain in gains.items() if 0 < gain < least}
    if len(small) < max(1, len(gains) // 2) or not measures.mature(record):
        return None
    if not measures.lagging(record) or measures.broken_at(record) is not None or record.facts.get("frozen"):
        return None  # small weights alone leave the loss a number
    return Finding(
        name="bad_init_small",
        severity=2,
        message=f"Weights begin too small: {len(small)} of {len(gains)} matrices have {max(small.values()):.2g} times "
        "what Glorot gives, or less (torch: about 0.6, He: 1.4).",
        why="What enters fades from layer to layer, and gradients fade on their way back.",
        remedy="initialize by fan-in: torch.nn.init.kaiming_normal_(layer.weight)",
        where={"step": 0, "layer": min(small, key=lambda name: small[name]).rpartition(".")[0]},
        evidence={"gains": dict(sorted(small.items())[:10]), "threshold": least},
        refuted_by="the same level with He initialization",
    )


def infect(settings: Settings) -> Change | None:
    """First weights of a standard deviation of a ten-thousandth."""
    return change(
        settings, {"model.initialization": "normal", "model.initial_scale": 1e-4}, "nothing passes between the layers"
    )
