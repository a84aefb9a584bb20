"""Weights that begin too large.

What: matrices are several times larger than what keeps the size of a signal.
Why it matters: answers begin far off and sure of it, squashing units begin flat, and the first steps undo what
    chance did.
How it is seen: root mean square of a matrix times the root of its fan-in over 4 (He: 1.4), or a first loss over 2.5
    times chance, with scaled inputs; and the training struggles, or starts that high.
Remedy: He or Xavier initialization.
Risk: networks that normalize do not mind, as long as their first loss is near chance.
"""

from __future__ import annotations

from stepwell.doctor import measures
from stepwell.doctor.changes import Change, Settings, change
from stepwell.doctor.record import Record
from stepwell.schema import Finding

LARGE, EXCESS = 4.0, 2.5  # the second measured on 84 healthy runs, the first judged: He is 1.4

KIND = "beginning"
SEVERITY = 2
EXPLAINS: tuple[str, ...] = (
    "saturated_units",
    "exploding_gradient",
    "lr_too_low",
    "not_learning_unknown",
    "vanishing_gradient",
    "overfit",
)
REMEDIES: tuple[str, ...] = ("initialization", "normalization", "lower_rate")


def diagnose(record: Record) -> Finding | None:
    """At the beginning; spoken where it harms."""
    gains, excess = record.facts.get("gains", {}), measures.excess(record)
    large = {name: gain for name, gain in gains.items() if gain > LARGE}
    high = excess is not None and excess > EXCESS
    scaled = (record.facts.get("input_rms") or 1.0) <= 20 and record.facts.get("input_spread", 1.0) <= 30
    numbers = record.facts.get("targets") == "numbers"
    if not measures.mature(record) or (record.facts.get("norms") and not (large and high)):
        return None
    saturated = max(measures.layers(measures.first_probe(record), "saturated").values(), default=0.0) >= 0.5
    if large and (high or saturated or measures.struggling(record) or measures.broken_at(record) is not None):
        said = (
            f"{len(large)} matrices begin with {max(large.values()):.1f} times the size that keeps a signal (He: 1.4)"
        )
    elif high and scaled and not numbers and measures.struggling(record):
        said = f"the first loss is {excess:.1f} times that of chance (healthy: up to 1.5)"
    else:
        return None
    layer = max(large, key=lambda name: large[name]).rpartition(".")[0] if large else "output"
    return Finding(
        name="bad_init_large",
        severity=2,
        message=f"Weights begin too large: {said}.",
        why="Answers begin far off and sure of it; what squashes begins flat, and the first updates are spent on "
        "undoing it.",
        remedy="initialize by fan-in: torch.nn.init.kaiming_normal_(layer.weight)",
        where={"step": 0, "layer": layer},
        evidence={"gains": dict(sorted(large.items())[:10]), "excess": excess, "threshold": LARGE},
        refuted_by="the same level with He initialization",
    )


def infect(settings: Settings) -> Change | None:
    """First weights of a standard deviation of 3."""
    return change(
        settings, {"model.initialization": "normal", "model.initial_scale": 3.0}, "the first answers are wild"
    )
