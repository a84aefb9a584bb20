"""Steps so long that they overshoot.

What: weights change by a large share of their size in each update, and the loss does not fall.
Why it matters: what one step learns the next throws away; units die or saturate on the way.
How it is seen: early updates over 6 % of the weights, or late ones over 20 % of one matrix, with a loss that fails and
    no longer falls; or not finite after such; or a late loss above the best constant's after updates over 3 %, or in
    evaluation mode over three times that; or units that were alive and died (measured, gated: 0 of 84 healthy runs);
    or weights ten times their first size, whose updates raised the loss of their own batch.
Remedy: a tenth of the rate, then bisect; a warm-up; clipping.
Risk: the same rate after a warm-up may work.
"""

from __future__ import annotations

from stepwell.doctor import measures
from stepwell.doctor.changes import Change, Settings, rate_times
from stepwell.doctor.record import Record
from stepwell.schema import Finding

SHORT = 0.001  # of the weights: steps under that overshoot nothing
LONG = 0.06  # of the weights; healthy first updates measured up to 0.15, so never alone
THROWN = 0.2  # of the matrix that moves fastest, late; healthy at most 0.1
WILD = 3.0  # losses of the best constant
GROWN = 10.0  # times the first size; such weights move by less of it, and the network learns late what it can
RISES = 0.1  # of the updates looked at raise the loss of their own batch; of weights too small at first, none does

KIND = "dynamics"
SEVERITY = 2
EXPLAINS: tuple[str, ...] = (
    "exploding_gradient",
    "dead_relu",
    "saturated_units",
    "not_learning_unknown",
    "vanishing_gradient",
    "underfit_capacity",
    "oscillation",
    "rnn_vanishing_time",
)
REMEDIES: tuple[str, ...] = ("lower_rate", "warmup", "clipping", "optimizer")
RUINS = True  # what is trained afterwards is lost


def diagnose(record: Record) -> Finding | None:
    """From the first updates; spoken where it fails."""
    early, step = measures.early_update(record), measures.broken_at(record)
    if early is None and step is None:
        return None
    early = early or 0.0
    reasons = _reasons(record, early)
    if not reasons:
        return None
    rate, late = float(record.facts.get("learning_rate", 0.0)), measures.late_update(record)
    moved = f"early updates move the weights by {measures.share(early)} (healthy: about 2 %)"
    if early <= LONG and late is not None and late > THROWN:
        moved = f"late updates move a matrix by {measures.share(late)} (healthy: under 10 %)"
    return Finding(
        name="lr_too_high",
        severity=2,
        message=f"Steps are too long: {moved}, and {reasons[0]}.",
        why="Each update overshoots, and throws away what the one before has learnt.",
        remedy=f"lower the learning rate from {rate:g} to {rate / 10:.2g}, and look again",
        where={"step": step if step is not None else record.length},
        evidence={
            "early_update": early,
            "late_update": late,
            "late_loss": measures.late_loss(record),
            "reasons": reasons,
        },
        refuted_by="the same at a tenth of the rate",
    )


def _reasons(record: Record, early: float) -> list[str]:
    """What tells that steps of that size are too long, in sentences; none where nothing does."""
    step, late, excess = measures.broken_at(record), measures.late_loss(record), measures.excess(record) or 0.0
    reasons = []
    if step is not None and step > 0 and early > LONG:
        reasons.append(f"the loss is not finite from update {step:,} on")
    if not measures.mature(record):
        return reasons
    adam = record.facts.get("adam_fit")
    long = early > LONG or (measures.late_update(record) or 0.0) > THROWN
    if measures.failing(record) and not measures.falls_still(record) and long and (adam is None or adam < 0.4):
        reasons.append("the loss does not fall under the best constant's")
    wild = _wild(record)
    if wild is not None and wild > WILD and early > LONG and excess < 1.2:
        reasons.append(f"the loss in evaluation mode rose to {wild:,.0f} times the best constant's")
    rises, grown = measures.own_rises(record) or 0.0, measures.growth(record) or 0.0
    if early > LONG and grown > GROWN and rises > RISES and measures.lagging(record):
        reasons.append(f"the weights have grown to {grown:.0f} times their first size")
    if not measures.struggling(record):
        return reasons
    died, collapsed = _died(record)
    if (died or collapsed) and early > 0.03:
        reasons.append("units that were alive have died" if died else "all samples came to look alike")
    if late is not None and late > 1.1 and early > 0.03 and excess < 1.2:
        reasons.append(f"the loss rose to {late:.1f} times the best constant's")
    if rises > RISES and late is not None and late > 1.2 and early > SHORT:
        reasons.append(f"{100 * rises:.0f} % of the updates looked at raised the loss of their own batch")
    return reasons


def _wild(record: Record) -> float | None:
    """How far the loss of the probe batch rose after the beginning, over the constant's, where it is high at last too.

    It is taken in evaluation mode, in which a network that normalizes answers by what it has gathered.
    """
    best = measures.constant(record)
    losses = [row["loss"] for row in record.probes if row["step"] > 0]
    if best is None or not losses or losses[-1] <= measures.STRUGGLING * best:
        return None
    return float(max(losses)) / best


def _died(record: Record) -> tuple[bool, bool]:
    """Whether units that were alive have died since, and whether samples that differed look alike."""
    begun = measures.layers(measures.first_probe(record), "dead")
    probes = measures.last_probes(record, 2)
    died = any(
        all(measures.layers(row, "dead").get(name, 0.0) >= 0.9 for row in probes) and share < 0.8
        for name, share in begun.items()
    )
    now, alike = measures.between_now(record), measures.between_at_first(record)
    return died, now is not None and alike is not None and now[1] < 1e-4 and alike[1] > 1e-3


def infect(settings: Settings) -> Change | None:
    """Three hundred times the rate."""
    return rate_times(settings, 300.0, "each step overshoots")
