"""A penalty that outweighs the data.

What: weights shrink toward zero whatever the data says.
Why it matters: the least of loss and penalty together is a network that answers a constant.
How it is seen: all matrices shrink under 20 % of their first size while the training fails.
Remedy: a penalty smaller by 100.
Risk: pruning shrinks weights on purpose.
"""

from __future__ import annotations

from stepwell.doctor import measures
from stepwell.doctor.changes import Change, Settings, change
from stepwell.doctor.record import Record
from stepwell.schema import Finding

KIND = "dynamics"
SEVERITY = 2
EXPLAINS: tuple[str, ...] = (
    "underfit_capacity",
    "not_learning_unknown",
    "vanishing_gradient",
    "lr_too_low",
    "dead_relu",
)
REMEDIES: tuple[str, ...] = ("less_decay",)


def diagnose(record: Record) -> Finding | None:
    """From the norms of the weights; spoken where it fails."""
    rows = [row["weights"] for row in record.steps if row.get("weights")]
    if len(rows) < 4 or not measures.mature(record) or not measures.struggling(record):
        return None
    shares = [rows[-1][name] / first for name, first in rows[0].items() if first > 1e-8 and name in rows[-1]]
    if not shares or max(shares) > 0.2:
        return None
    decay = record.facts.get("optimizer_settings", {}).get("weight_decay", 0.0)
    by = "a penalty in the loss" if record.facts.get("loss_touches_parameters") else f"weight decay {decay:g}"
    return Finding(
        name="over_regularised",
        severity=2,
        message=f"All weights shrink to {100 * max(shares):.0f} % of their first size or less: {by} outweighs the "
        "data.",
        why="The least of loss and penalty together is a network of zeros, which answers a constant.",
        remedy="lower the penalty by 100",
        where={"step": record.length},
        evidence={"largest_share": max(shares), "threshold": 0.2, "weight_decay": decay},
        refuted_by="the same level without the penalty",
    )


def infect(settings: Settings) -> Change | None:
    """A penalty that outweighs the data."""
    if "training.l1" in settings:
        return change(settings, {"training.l1": 1.0}, "the penalty outweighs the data")
    return change(settings, {"optimizer.weight_decay": 100.0}, "the penalty outweighs the data")
