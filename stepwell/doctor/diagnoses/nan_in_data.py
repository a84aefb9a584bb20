"""Numbers that are not finite among the inputs or targets.

What: rows that hold NaN or infinity reach the network.
Why it matters: one such number makes the loss, then every gradient, then every weight not finite.
How it is seen: exactly: the numbers of the batches themselves; of targets in mid-training by what else there is,
    where the loss stops being a finite number though inputs and answers are.
Remedy: drop or fill these rows (mean, median or a flag of what was missing), before scaling.
Risk: none.
"""

from __future__ import annotations

from stepwell.doctor import measures
from stepwell.doctor.changes import DataFault, Settings
from stepwell.doctor.record import Record
from stepwell.schema import Finding

KIND = "data"
SEVERITY = 3
EXPLAINS: tuple[str, ...] = (
    "nan_loss",
    "exploding_gradient",
    "lr_too_high",
    "unscaled_inputs",
    "bad_init_large",
    "not_learning_unknown",
)
REMEDIES: tuple[str, ...] = ()  # advice alone: the fault is in the code or in the data

OF_NUMBERS = {"mse_loss", "l1_loss", "smooth_l1_loss", "huber_loss", "binary_cross_entropy_with_logits"}
PLAIN = {"sub", "rsub", "pow", "square", "abs", "mul", "mean", "sum", "squeeze", "unsqueeze", "view", "reshape"}
PLAIN |= {"flatten", "float", "to", "detach", "item"}
"""Losses, and what they are made of by hand, that are finite wherever answers and targets are."""


def diagnose(record: Record) -> Finding | None:
    """Exact, at any time."""
    made = record.facts.get("inputs_made", False)
    rows = 0 if made else int(record.facts.get("inputs_not_finite_rows", 0))
    left = not made and _left_to_targets(record)
    bad_targets = record.facts.get("targets_finite") is False or left
    last = not made and record.facts.get("last_inputs_finite") is False
    if not rows and not bad_targets and not last:
        return None
    where = "targets" if bad_targets else "inputs"
    return Finding(
        name="nan_in_data",
        severity=3,
        message=f"The {where} hold numbers that are not finite"
        + (
            f", in {rows:,} of the first rows."
            if rows
            else ": inputs and answers of that batch do not."
            if left
            else "."
        ),
        why="One of them makes the loss and then every weight not finite; no setting of the training can help.",
        remedy="drop or fill the rows, for instance x = torch.nan_to_num(x), and look where they come from",
        where={"part": "train", "step": measures.broken_at(record) or 0},
        evidence={"rows": rows, "targets": bad_targets},
        refuted_by="a batch without such numbers whose loss is not finite either",
    )


def _left_to_targets(record: Record) -> bool:
    """Whether all but the targets was finite when the loss was not, and the loss is one that makes nothing infinite."""
    facts = record.facts
    calls = {str(name).strip("_") for name in facts.get("loss_calls", [])}
    sound = facts.get("last_inputs_finite", False) and facts.get("last_answers_finite", False)
    return sound and bool(calls) and calls <= OF_NUMBERS | PLAIN and facts.get("targets") == "numbers"


def infect(settings: Settings) -> DataFault:  # noqa: ARG001 - the same of any settings
    """One value in a thousand is no number."""
    return DataFault("nan_in_data", 0.001)
