"""Attention that begins at full rate.

What: a network with attention takes long steps from the first update on, and collapses.
Why it matters: attention and its normalization amplify early noise; afterwards all samples look alike.
How it is seen: attention, early updates over 3 %, no rise of the rate over the first updates, and a layer that
    stops telling samples apart; and it fails, with weights of their size (where they are ten times as large, it is the
    rate itself). Or early updates over 4 %, and it struggles while the loss no longer falls.
Remedy: a warm-up over 5 % of the run, normalization before each block, a tenth of the rate, beta2 of 0.98.
Risk: it fails with a warm-up too.
"""

from __future__ import annotations

from stepwell.doctor import measures
from stepwell.doctor.changes import Change, Settings, change
from stepwell.doctor.record import Record
from stepwell.schema import Finding

GROWN, ALIKE = 10.0, 1e-3  # times the first size; of what a layer answers differs between samples
LONG = 0.04  # of the weights, in an early update: attention hardly gets over it

KIND = "dynamics"
SEVERITY = 2
EXPLAINS: tuple[str, ...] = ("dead_relu", "vanishing_gradient", "not_learning_unknown")
REMEDIES: tuple[str, ...] = ("warmup", "lower_rate")


def diagnose(record: Record) -> Finding | None:
    """After the first updates; spoken where it fails."""
    early, now = measures.early_update(record), measures.between_now(record)
    rates = [row["rate"] for row in record.steps[:20]]
    if not record.facts.get("attention") or early is None or not measures.mature(record) or not rates:
        return None
    warmed, thrown = rates[-1] > 1.5 * rates[0], (measures.growth(record) or 0.0) > GROWN
    alike = early >= 0.03 and measures.failing(record) and now is not None and now[1] <= ALIKE
    stuck = early >= LONG and measures.struggling(record) and not measures.falls_still(record)
    if warmed or thrown or not (alike or stuck):
        return None
    said = f"after {now[0]} all samples look alike" if alike and now is not None else "the loss stands where it is high"
    return Finding(
        name="transformer_no_warmup",
        severity=2,
        message="Attention was trained at full rate from the first update (early updates move weights by "
        f"{100 * early:.0f} %), and {said}.",
        why="Attention amplifies what long first steps do, and hardly gets over it.",
        remedy="let the rate grow over the first 5 % of the updates, and lower it by 10",
        where={"step": record.length, "layer": now[0] if alike and now is not None else ""},
        evidence={"early_update": early, "between": None if now is None else now[1], "level": measures.level(record)},
        refuted_by="the same with a warm-up",
    )


def infect(settings: Settings) -> Change | None:
    """The full rate from the first step, ten times as high."""
    if settings.get("training.warmup", 0.0) == 0.0:
        return None
    return change(settings, {"training.warmup": 0.0}, "attention takes the full rate at once")
