"""Updates that go back and forth.

What: from one look to the next the score rises and falls, and on the whole the loss no longer changes.
Why it matters: which weights the training ends with is chance; those it goes around are better.
How it is seen: over 20 % of the updates looked at raise the loss of their own batch, and over the last two thirds
    the score on held-out data (where none is read, the loss of the probe batch over the best constant's) has a
    standard deviation over 0.05, while the mean loss of the last third of the updates is within 1 % of the constant's
    of that of the third before (thresholds by judgement; AutoTrainer looks for swings of 0.03 in 20 % of the epochs).
Remedy: a rate that falls to nothing, larger batches, averaged weights, a lower rate.
Risk: a schedule may be about to end it well.
"""

from __future__ import annotations

import math
from statistics import pstdev

from stepwell.doctor import measures
from stepwell.doctor.changes import Change, Settings, rate_times
from stepwell.doctor.record import Record
from stepwell.schema import Finding

RISES, SWING, LOOKS = 0.2, 0.05, 4  # shares of the updates and of the score; probes and updates looked at, at least

KIND = "outcome"
SEVERITY = 1
EXPLAINS: tuple[str, ...] = ()
REMEDIES: tuple[str, ...] = ("schedule", "larger_batch", "lower_rate")


def diagnose(record: Record) -> Finding | None:
    """From half of the horizon on; a notice."""
    rises, scores = measures.own_rises(record, 0.0), _scores(record)
    looked = sum("own" in row for row in record.steps)
    if rises is None or rises <= RISES or min(looked, len(scores)) < LOOKS or record.progress < 0.5:
        return None
    if pstdev(scores) <= SWING or abs(measures.fall(record) or 0.0) > measures.FLAT:
        return None
    rate, rows = float(record.facts.get("learning_rate", 0.0)), record.facts.get("batch_rows")
    return Finding(
        name="oscillation",
        severity=1,
        message=f"The training goes back and forth: {100 * rises:.0f} % of its updates raised the loss of their own "
        f"batch, and from look to look the score moves by {pstdev(scores):.2f}.",
        why="It circles around weights that are better than those it is at; where it stops is chance.",
        remedy=f"let the learning rate ({rate:g}) fall towards the end, average the weights, or use larger batches"
        + (f" than {rows}" if rows else ""),
        where={"step": record.length},
        evidence={"own_rises": rises, "swing": pstdev(scores), "thresholds": [RISES, SWING]},
        refuted_by="averaged weights that are no better",
    )


def _scores(record: Record) -> list[float]:
    """What was read of the last two thirds: the score on held-out data, or else the loss of the probe batch."""
    late, best = [row for row in record.probes if 3 * row["step"] >= record.length], measures.constant(record)
    held = [row["valid_balanced_accuracy"] for row in late if "valid_balanced_accuracy" in row]
    return held or ([row["loss"] / best for row in late if math.isfinite(row["loss"])] if best is not None else [])


def infect(settings: Settings) -> Change | None:
    """Ten times the rate."""
    return rate_times(settings, 10.0, "each update goes past what it aims for")
