"""Frozen layers that would have to learn.

What: most weights do not require a gradient, and the training fails.
Why it matters: what is left cannot learn it alone.
How it is seen: exactly: requires_grad of every parameter; spoken where the loss stays above six tenths of the best
    constant's, and where no recipe of Stepwell's froze them.
Remedy: unfreeze them: parameter.requires_grad_(True).
Risk: fine-tuning freezes on purpose, and is well as long as it learns.
"""

from __future__ import annotations

from stepwell.doctor import measures
from stepwell.doctor.changes import ProgramFault, Settings
from stepwell.doctor.record import Record
from stepwell.schema import Finding

KIND = "program"
SEVERITY = 2
EXPLAINS: tuple[str, ...] = (
    "underfit_capacity",
    "not_learning_unknown",
    "lr_too_low",
    "vanishing_gradient",
    "bad_init_small",
    "dead_relu",
    "too_few_epochs",
    "rnn_vanishing_time",
)
REMEDIES: tuple[str, ...] = ()  # advice alone: the fault is in the code or in the data


def diagnose(record: Record) -> Finding | None:
    """From requires_grad; spoken where it fails."""
    frozen = record.facts.get("frozen", [])
    if not frozen or "frozen_by" in record.facts or not measures.mature(record) or not measures.struggling(record):
        return None
    share = 1 - float(record.facts.get("learning_share", 1.0))
    return Finding(
        name="frozen_params",
        severity=2,
        message=f"{100 * share:.0f} % of the weights are frozen ({', '.join(frozen[:3])}), and it does not learn.",
        why="The layers that are free cannot make up for what the frozen ones do not tell apart.",
        remedy="free them: for p in model.parameters(): p.requires_grad_(True)",
        where={"step": 0, "layer": frozen[0].rpartition(".")[0]},
        evidence={"frozen": frozen[:20], "level": measures.level(record)},
        refuted_by="the same level with the layers free",
    )


def infect(settings: Settings) -> ProgramFault:  # noqa: ARG001 - the same of any settings
    """The first half of the parameters takes no gradient."""
    return ProgramFault("frozen_params")
