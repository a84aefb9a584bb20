"""A generator that makes the same few things.

What: what is made is far less spread than what is real, and most of the real has nothing made near it.
Why it matters: the losses of both networks look as they do in health; only samples tell.
How it is seen: the discriminator is given both kinds of rows; in the principal dimensions of the real ones, fewer than
    half have a made row as near as their real neighbors, and the covariance of what is made is smaller by e^-2 a
    dimension, at the last three looks, without widening, after 300 updates.
Remedy: a rate of the generator not above the discriminator's, noise on the discriminator's inputs, beta1 of 0.5,
    spectral normalization.
Risk: a generator that is shown one class at a time makes one thing at a time.
"""

from __future__ import annotations

from stepwell.doctor import measures
from stepwell.doctor.changes import ProgramFault, Settings
from stepwell.doctor.record import Record
from stepwell.schema import Finding

KIND = "dynamics"
SEVERITY = 2
EXPLAINS: tuple[str, ...] = ("not_learning_unknown",)
REMEDIES: tuple[str, ...] = ()  # advice alone: the two rates are in the code
COVERED, SPREAD, WIDENS, LOOKS = 0.5, -2.0, 0.5, 3
YOUNG = 300  # updates under which a generator may make little because it has learnt little


def diagnose(record: Record) -> Finding | None:
    """By the horizon, from the last looks at what the discriminator was shown."""
    looks = [row["generated"] for row in record.probes if row.get("generated")][-LOOKS:]
    if len(looks) < LOOKS or not measures.mature(record) or record.length < YOUNG:
        return None
    covered, spread = max(one["covered"] for one in looks), max(one["spread"] for one in looks)
    if covered >= COVERED or spread >= SPREAD or looks[-1]["spread"] > looks[0]["spread"] + WIDENS:
        return None
    return Finding(
        name="gan_mode_collapse",
        severity=2,
        message=f"The generator makes the same few things: {100 * looks[-1]['covered']:.0f} % of what is real has "
        "something made near it (healthy: nearly all).",
        why="It fools the discriminator with little, and the losses of both look healthy all the while.",
        remedy="lower the generator's learning rate to the discriminator's or below it, and set Adam's beta1 to 0.5",
        where={"step": record.length},
        evidence={"covered": looks[-1]["covered"], "spread": looks[-1]["spread"], "threshold": SPREAD},
        refuted_by="samples that differ as much as what is real does",
    )


def infect(settings: Settings) -> ProgramFault:  # noqa: ARG001 - the same of any settings
    """A generator whose steps are ten times as long as the discriminator's."""
    return ProgramFault("gan_mode_collapse")
