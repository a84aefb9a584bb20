"""Steps so long that they overshoot.

What: weights change by a large share of their size in each update, and the loss does not fall.
Why it matters: what one step learns the next throws away; units die or saturate on the way.
How it is seen: early updates over 6 % of the weights with a loss that fails; or not finite after such; or a late
    loss above the best constant's after updates over 3 %; or units that were alive and died (measured, gated: 0 of
    84 healthy runs).
Remedy: a tenth of the rate, then bisect; a warm-up; clipping.
Risk: the same rate after a warm-up may work.
"""

from __future__ import annotations

from stepwell.doctor import measures
from stepwell.doctor.changes import Change, Settings, rate_times
from stepwell.doctor.record import Record
from stepwell.schema import Finding

KIND = "dynamics"
SEVERITY = 2
EXPLAINS: tuple[str, ...] = (
    "exploding_gradient",
    "dead_relu",
    "saturated_units",
    "not_learning_unknown",
    "vanishing_gradient",
    "underfit_capacity",
    "batch_too_small",
)
REMEDIES: tuple[str, ...] = ("lower_rate", "warmup", "clipping", "optimizer")


def diagnose(record: Record) -> Finding | None:
    """From the first updates; spoken where it fails."""
    early, late = measures.early_update(record), measures.late_loss(record)
    if early is None and measures.broken_at(record) is None:
        return None
    step, early = measures.broken_at(record), early or 0.0
    mature, excess = measures.mature(record), measures.excess(record) or 0.0
    adam = record.facts.get("adam_fit")
    begun = measures.layers(measures.first_probe(record), "dead")
    probes = measures.last_probes(record, 2)
    died = any(
        all(measures.layers(row, "dead").get(name, 0.0) >= 0.9 for row in probes) and share < 0.8
        for name, share in begun.items()
    )
    now, alike = measures.between_now(record), measures.between_at_first(record)
    collapsed = now is not None and alike is not None and now[1] < 1e-4 and alike[1] > 1e-3
    reasons = []
    if step is not None and step > 0 and early > 0.06:
        reasons.append(f"the loss is not finite from update {step:,} on")
    if mature and measures.failing(record) and early > 0.06 and (adam is None or adam < 0.4):
        reasons.append("the loss does not fall under the best constant's")
    if mature and measures.struggling(record) and (died or collapsed) and early > 0.03:
        reasons.append("units that were alive have died" if died else "all samples came to look alike")
    if mature and late is not None and late > 1.1 and early > 0.03 and excess < 1.2 and measures.struggling(record):
        reasons.append(f"the loss rose to {late:.1f} times the best constant's")
    rises = measures.own_rises(record)
    if mature and rises is not None and rises > 0.1 and late is not None and late > 1.2 and measures.struggling(record):
        reasons.append(f"{100 * rises:.0f} % of the updates looked at raised the loss of their own batch")
    if not reasons:
        return None
    rate = float(record.facts.get("learning_rate", 0.0))
    return Finding(
        name="lr_too_high",
        severity=2,
        message=f"Steps are too long: early updates move the weights by {measures.share(early)} (healthy: about 2 %), "
        f"and {reasons[0]}.",
        why="Each update overshoots, and throws away what the one before has learnt.",
        remedy=f"lower the learning rate from {rate:g} to {rate / 10:.2g}, and look again",
        where={"step": step if step is not None else record.length},
        evidence={"early_update": early, "late_loss": late, "own_rises": rises, "reasons": reasons},
        refuted_by="the same at a tenth of the rate",
    )


def infect(settings: Settings) -> Change | None:
    """Three hundred times the rate."""
    return rate_times(settings, 300.0, "each step overshoots")
