"""Steps so short that the run ends before it has begun.

What: weights hardly move over the whole run.
Why it matters: the network is still what chance made of it.
How it is seen: the fastest matrix moves by under 12 % of its size in all, or the first updates by under 0.2 % while
    Adam fits a batch that the own optimizer does not; and the training struggles (measured: 0 of 84 healthy runs).
    Not where some dozen updates were all there was, and no more than a note where classes are told apart already.
Remedy: a rate larger by (0.01 / early update), at most 100 times at once; or Adam instead of SGD; or more epochs.
Risk: a warm-up begins low on purpose.
"""

from __future__ import annotations

from stepwell.doctor import measures
from stepwell.doctor.changes import Change, Settings, rate_times
from stepwell.doctor.record import Record
from stepwell.schema import Finding

REACH = 0.12  # measured on 84 healthy runs
STEADY = 0.002  # of the weights: where an early update moves that much, it is updates that are too few

KIND = "dynamics"
SEVERITY = 2
EXPLAINS: tuple[str, ...] = ("underfit_capacity", "not_learning_unknown", "too_few_epochs")
REMEDIES: tuple[str, ...] = ("raise_rate", "optimizer", "train_longer")


def diagnose(record: Record) -> Finding | None:
    """By the horizon; spoken where it harms."""
    if not measures.mature(record) or not measures.struggling(record) or measures.broken_at(record) is not None:
        return None
    far, early = measures.reach(record), measures.early_update(record)
    own, adam = record.facts.get("own_fit"), record.facts.get("adam_fit")
    if far is None or early is None:
        return None
    expected = far / max(record.progress, 0.05)
    brief = early > STEADY and measures.few(record) and measures.sinks(record)
    short = expected < REACH and early < 0.03 and not brief
    pair = own is not None and adam is not None and own > 0.8 and adam < 0.1 and early < 0.002
    if not short and not pair:
        return None
    factor = min(100.0, max(2.0, 0.01 / max(early, 1e-9)))
    rate = float(record.facts.get("learning_rate", 0.0))
    return Finding(
        name="lr_too_low",
        severity=1 if measures.tells(record) else 2,
        message=f"Steps are too short: the weights of the fastest layer move by {100 * expected:.1f} % in the "
        "whole run "
        f"(healthy: over 21 %), {100 * early:.3f} % in an early update.",
        why="The network ends as what chance made of it; nothing is wrong with it that longer steps would not mend.",
        remedy=f"raise the learning rate from {rate:g} to about {rate * factor:.2g}, or use Adam",
        where={"step": record.length},
        evidence={"reach": expected, "threshold": REACH, "early_update": early, "own_fit": own, "adam_fit": adam},
        refuted_by="the same level at ten times the rate",
    )


def infect(settings: Settings) -> Change | None:
    """A ten-thousandth of the rate."""
    return rate_times(settings, 1e-4, "no step gets anywhere")
