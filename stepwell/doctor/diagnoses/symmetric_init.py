"""Units that begin equal.

What: all rows of a weight matrix are the same.
Why it matters: equal units get equal gradients and stay equal: a layer of many is worth one.
How it is seen: exactly: the rows of each matrix before the first update.
Remedy: random initialization: He for rectifiers, Xavier for tanh and sigmoid.
Risk: the last layer of a residual branch is set to zero on purpose: not counted.
"""

from __future__ import annotations

from stepwell.doctor.changes import Change, Settings, change
from stepwell.doctor.record import Record
from stepwell.schema import Finding

KIND = "beginning"
SEVERITY = 3
EXPLAINS: tuple[str, ...] = (
    "underfit_capacity",
    "lr_too_low",
    "not_learning_unknown",
    "bad_init_small",
    "vanishing_gradient",
    "too_few_epochs",
    "dead_relu",
    "lr_too_high",
    "bad_init_large",
    "saturated_units",
)
REMEDIES: tuple[str, ...] = ("initialization",)


def diagnose(record: Record) -> Finding | None:
    """Exact, at the first update."""
    equal = list(record.facts.get("equal_rows", []))
    zero = record.facts.get("zero_matrices", [])
    if zero and not record.facts.get("norms") and len(zero) >= max(1, record.facts.get("matrices", 1) - 1):
        equal += zero
    if not equal:
        return None
    return Finding(
        name="symmetric_init",
        severity=3,
        message=f"All units of {', '.join(equal[:3])} begin equal.",
        why="Equal units get equal gradients and stay equal, so that the layer is worth one unit.",
        remedy="initialize at random, for instance torch.nn.init.kaiming_normal_(layer.weight)",
        where={"step": 0, "layer": equal[0].rpartition(".")[0]},
        evidence={"matrices": equal},
        refuted_by="rows that differ after a few updates",
    )


def infect(settings: Settings) -> Change | None:
    """Every weight the same."""
    return change(settings, {"model.initialization": "constant"}, "units that begin alike stay alike")
