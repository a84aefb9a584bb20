"""A penalty that outweighs the data.

What: weights shrink toward zero whatever the data says.
Why it matters: the least of loss and penalty together is a network that answers a constant.
How it is seen: half of the matrices shrink under 20 % of their first size and none stays over half of it; or decay
    makes half of what an update changes, and half of the matrices shrink under 70 %; or a penalty in the loss is still
    a quarter of the best constant's loss at last; and the training struggles.
Remedy: a penalty smaller by 100.
Risk: pruning shrinks weights on purpose.
"""

from __future__ import annotations

from statistics import fmean, median

from stepwell.doctor import measures
from stepwell.doctor.changes import Change, Settings, change
from stepwell.doctor.record import Record
from stepwell.schema import Finding

SHRUNK, ALL = 0.2, 0.5  # of the first size: half of the matrices, and all
HALF, SMALLER = 0.5, 0.7  # of an update: the penalty leads, not the data; of the first size: and weights follow it

LEADS = 0.25  # of the best constant's loss: what a penalty in the loss adds to it at last

KIND = "dynamics"
SEVERITY = 2
EXPLAINS: tuple[str, ...] = (
    "underfit_capacity",
    "not_learning_unknown",
    "vanishing_gradient",
    "lr_too_low",
    "dead_relu",
    "lr_too_high",
    "transformer_no_warmup",
    "rnn_vanishing_time",
)
REMEDIES: tuple[str, ...] = ("less_decay",)


def diagnose(record: Record) -> Finding | None:
    """From the norms of the weights and the optimizer's decay; spoken where it fails."""
    rows = [row["weights"] for row in record.steps if row.get("weights")]
    if len(rows) < 4 or not measures.mature(record) or not measures.harmed(record):
        return None
    shares = [rows[-1][name] / first for name, first in rows[0].items() if first > 1e-8 and name in rows[-1]]
    middle, largest = median(shares or [1.0]), max(shares, default=1.0)
    decay = record.facts.get("optimizer_settings", {}).get("weight_decay", 0.0)
    by = "a penalty in the loss" if record.facts.get("loss_touches_parameters") else f"weight decay {decay:g}"
    part, loss = _of_updates(record, decay), _of_loss(record)
    if middle <= SHRUNK and largest <= ALL:
        said = f"weights shrink to {100 * middle:.0f} % of their first size (median): {by} outweighs the data"
    elif part is not None and part >= HALF and middle < SMALLER:
        said = f"{by} makes up {100 * min(part, 1.0):.0f} % of what an update changes"
    elif loss is not None and loss >= LEADS:
        said = f"at last {by} is still {100 * loss:.0f} % of the loss of the best constant answer"
    else:
        return None
    return Finding(
        name="over_regularised",
        severity=2,
        message=f"The penalty is too large: {said}.",
        why="The least of loss and penalty together is a network of zeros, which answers a constant.",
        remedy="lower the penalty by 100",
        where={"step": record.length},
        evidence={
            "median_share": middle,
            "largest_share": largest,
            "threshold": SHRUNK,
            "weight_decay": decay,
            "part_of_updates": part,
        },
        refuted_by="the same level without the penalty",
    )


def _of_loss(record: Record) -> float | None:
    """The penalty in the loss over the loss of the best constant: what the probe's loss, which is without it, lacks."""
    best, trained = measures.constant(record), measures.level_in_training(record)
    probed = [row["loss"] for row in measures.last_probes(record)]
    if not record.facts.get("loss_touches_parameters") or best is None or trained is None or not probed:
        return None
    return trained - fmean(probed) / best


def _of_updates(record: Record, decay: float) -> float | None:
    """The part of an update that the optimizer's decay makes, the median over those read; None where it has none."""
    if not decay:
        return None
    if record.facts.get("optimizer") == "AdamW":  # which shrinks weights by rate times decay, beside the gradient
        own = [(row["rate"] * decay, median(row["updates"].values())) for row in record.steps if row.get("updates")]
        return median(min(one / max(whole, 1e-30), 1.0) for one, whole in own) if own else None
    read = [row for row in record.steps if row.get("gradients")]
    both = [(decay * row["weights"][name], one) for row in read for name, one in row["gradients"].items()]
    return median(one / max(one + other, 1e-30) for one, other in both) if both else None


def infect(settings: Settings) -> Change | None:
    """A penalty that outweighs the data."""
    if "training.l1" in settings:
        return change(settings, {"training.l1": 1.0}, "the penalty outweighs the data")
    return change(settings, {"optimizer.weight_decay": 100.0}, "the penalty outweighs the data")
