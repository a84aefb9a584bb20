"""Labels that have nothing to do with their inputs.

What: inputs and labels are paired wrongly, or the labels are noise.
Why it matters: a network can only learn them by heart; nothing of that holds for other data.
How it is seen: neighbors agree in their label no more often than chance (z under 2.5 and less than 0.03 above), or
    numbers do not go with those of their neighbors (a correlation under 0.1), and the validation loss was never under
    0.93 of the best constant's (measured: 0 of 84 healthy runs).
Remedy: look where inputs and labels are shuffled, sorted or joined apart from each other.
Risk: labels that depend on the inputs in a way that neighbors do not show (parity).
"""

from __future__ import annotations

from stepwell.doctor import measures
from stepwell.doctor.changes import DataFault, Settings
from stepwell.doctor.record import Record
from stepwell.schema import Finding

ROWS, APART = 100, 0.1  # rows from which neighbors are a measure; a correlation that is none

KIND = "data"
SEVERITY = 2
EXPLAINS: tuple[str, ...] = (
    "underfit_capacity",
    "not_learning_unknown",
    "overfit",
    "rnn_vanishing_time",
    "lr_too_high",
    "dead_relu",
)
REMEDIES: tuple[str, ...] = ()  # advice alone: the fault is in the code or in the data


def diagnose(record: Record) -> Finding | None:
    """From the rows seen and the validation loss."""
    facts = record.facts
    z, best = facts.get("neighbors_z"), measures.constant(record)
    held = [row["valid_loss"] for row in record.probes if "valid_loss" in row]
    if z is None or best is None or not held or not measures.mature(record) or facts.get("rows_seen", 0) < ROWS:
        return None
    agree, usual = float(facts.get("neighbors_agree", 0.0)), float(facts.get("neighbors_chance", 0.0))
    together = facts.get("neighbors_correlation")
    if z >= 2.5 or agree - usual >= 0.03 or min(held) / best < 0.93 or (facts.get("rarest_share") or 1.0) < 0.02:
        return None
    if together is not None and together >= APART:
        return None
    said = (
        f"neighbors share a label in {100 * agree:.0f} % of cases, chance is {100 * usual:.0f} %"
        if together is None
        else f"targets hardly go with those of their neighbors (correlation {together:.2f})"
    )
    return Finding(
        name="shuffled_labels",
        severity=2,
        message=f"Labels do not follow from the inputs: {said}, and the validation loss never fell under "
        f"{min(held) / best:.2f} of the best constant's.",
        why="What a network learns of such labels it learns by heart; nothing of it holds for other data.",
        remedy="check a few rows by hand: are inputs and labels shuffled, filtered or joined by different orders?",
        where={"part": "train"},
        evidence={
            "neighbors_agree": agree,
            "chance": usual,
            "correlation": together,
            "z": z,
            "valid_over_constant": min(held) / best,
        },
        refuted_by="a boosted or nearest-neighbor model that beats chance on held-out rows",
    )


def infect(settings: Settings) -> DataFault:  # noqa: ARG001 - the same of any settings
    """Labels dealt out anew."""
    return DataFault("shuffled_labels")
