"""Parameters that the loss does not reach.

What: layers are used, but their gradient is cut off: by detach, by a number read out, by no_grad.
Why it matters: they stay as they began.
How it is seen: exactly: the gradient of the loss is asked for every parameter that the answer went through.
Remedy: remove what cuts: .detach(), .item(), .data, torch.no_grad(), rounding, argmax.
Risk: stopping a gradient may be meant.
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
    "vanishing_gradient",
)
REMEDIES: tuple[str, ...] = ()  # advice alone: the fault is in the code or in the data


def diagnose(record: Record) -> Finding | None:
    """Exact, at the first update."""
    cut = record.facts.get("unreached", [])
    if not cut or (measures.constant(record) is None and not record.facts.get("loss_has_gradient")):
        return None
    return Finding(
        name="disconnected_graph",
        severity=3,
        message=f"{len(cut)} parameters are used but get no gradient: "
        f"{', '.join(cut[:3])}{' …' if len(cut) > 3 else ''}.",
        why="Something between them and the loss cuts the graph, so that they stay as they began.",
        remedy="remove the .detach(), .item(), .data or no_grad() after these layers",
        where={"step": 0, "layer": cut[0].rpartition(".")[0]},
        evidence={"parameters": cut[:20]},
        refuted_by="a gradient that is stopped on purpose",
    )


def infect(settings: Settings) -> ProgramFault:  # noqa: ARG001 - the same of any settings
    """A result taken out of the graph halfway."""
    return ProgramFault("disconnected_graph")
