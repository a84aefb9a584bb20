"""Parameters that the optimizer does not know.

What: they get gradients, and nothing moves them.
Why it matters: a layer made after the optimizer, or left out of its list, never learns.
How it is seen: exactly: the optimizer's groups against the model's parameters, of which those count that stand still
    until the next look; a notice where it learns well.
Remedy: make the optimizer after the whole model, from model.parameters().
Risk: features may stay on purpose; then requires_grad_(False) spares their gradients.
"""

from __future__ import annotations

from stepwell.doctor import measures
from stepwell.doctor.changes import ProgramFault, Settings
from stepwell.doctor.record import Record
from stepwell.schema import Finding

KIND = "program"
SEVERITY = 3
EXPLAINS: tuple[str, ...] = (
    "frozen_params",
    "underfit_capacity",
    "not_learning_unknown",
    "lr_too_low",
    "too_few_epochs",
    "rnn_vanishing_time",
)
REMEDIES: tuple[str, ...] = ()  # advice alone: the fault is in the code or in the data


def diagnose(record: Record) -> Finding | None:
    """Exact, at the first look after which a second optimizer would have stepped."""
    facts = record.facts
    elsewhere = {*facts.get("unused", []), *facts.get("moved_by_another", [])}
    left = [name for name in facts.get("not_in_optimizer", []) if name not in elsewhere]
    if not left or not (record.ended or any(row["step"] > 1 for row in record.probes)):
        return None
    harmed = measures.mature(record) and (measures.harmed(record) or measures.lagging(record))
    return Finding(
        name="params_not_in_optimizer",
        severity=3 if harmed else 1,
        message=f"{len(left)} parameters that the loss reaches are in no group of the optimizer: "
        f"{', '.join(left[:3])}.",
        why="They get gradients, but nothing moves them.",
        remedy="make the optimizer from model.parameters(), after the last layer is made",
        where={"step": 0, "layer": left[0].rpartition(".")[0]},
        evidence={"parameters": left[:20]},
        refuted_by="another optimizer that moves them",
    )


def infect(settings: Settings) -> ProgramFault:  # noqa: ARG001 - the same of any settings
    """The optimizer is given the first half of the parameters."""
    return ProgramFault("params_not_in_optimizer")
