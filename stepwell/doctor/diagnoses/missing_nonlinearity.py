"""Several layers that are one linear map.

What: nothing bends between the layers.
Why it matters: linear layers in a row are worth one: no border but a straight one can be learnt.
How it is seen: exactly: the output of one linear layer enters the next with nothing in between that bends; or the
    answer halfway between two inputs is the mean of the answers, to 3e-5, with two matrices or more (measured: 0 of 84
    healthy runs).
Remedy: an activation after each hidden layer.
Risk: a factorized linear model is meant at times; a notice where it learns well.
"""

from __future__ import annotations

from stepwell.doctor import measures
from stepwell.doctor.changes import Change, Settings, change
from stepwell.doctor.record import Record
from stepwell.schema import Finding

LINEAR = 3e-5  # measured on 84 healthy runs
BENDING = frozenset({"relu", "leaky_relu", "elu", "selu", "gelu", "silu", "sigmoid", "tanh", "softplus", "exp"})

KIND = "beginning"
SEVERITY = 2
EXPLAINS: tuple[str, ...] = ("underfit_capacity", "not_learning_unknown")
REMEDIES: tuple[str, ...] = ("activation",)


def diagnose(record: Record) -> Finding | None:
    """At the beginning; harmful where it struggles, or the whole is linear and over a quarter of the loss is left."""
    deviation, matrices = record.facts.get("linear_deviation"), record.facts.get("matrices", 0)
    row = record.facts.get("linear_in_a_row", [])
    layers = measures.first_probe(record).get("layers", {})
    bends = any(row.get("function") in BENDING for row in layers.values())  # which may begin all on one side
    whole = deviation is not None and deviation <= LINEAR and matrices > 1 and not bends
    if not whole and not row:
        return None
    harmed = measures.mature(record) and (measures.harmed(record) or (whole and measures.lagging(record)))
    return Finding(
        name="missing_nonlinearity",
        severity=2 if harmed else 1,
        message=f"{matrices} layers with weights are together one linear map (deviation {deviation:.0e})."
        if whole
        else f"Nothing bends between {row[0][0]} and {row[0][1]}: together they are one linear layer.",
        why="Without an activation in between, layers in a row can do no more than a single one.",
        remedy="put an activation after each hidden layer: nn.ReLU()",
        where={"step": 0, "layer": row[0][0] if row else ""},
        evidence={"deviation": deviation, "threshold": LINEAR, "matrices": matrices, "pairs": row[:5]},
        refuted_by="a linear model that is meant",
    )


def infect(settings: Settings) -> Change | None:
    """No function between the layers."""
    return change(settings, {"model.activation": "linear"}, "layers without a function between them are one layer")
