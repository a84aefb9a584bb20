"""A setting of the optimizer far from what it is made for.

What: epsilon so large that it outweighs the gradients, or averaging that forgets nothing or all.
Why it matters: steps are then far smaller or wilder than the learning rate says.
How it is seen: exactly: epsilon over 0.01 for Adam and its kin, beta1 over 0.99 or beta2 under 0.5, momentum of 1;
    and the training struggles.
Remedy: epsilon 1e-8, betas (0.9, 0.999), momentum 0.9.
Risk: a large epsilon is used for some recurrent networks.
"""

from __future__ import annotations

from stepwell.doctor import measures
from stepwell.doctor.changes import Change, Settings, change
from stepwell.doctor.record import Record
from stepwell.schema import Finding

KIND = "program"
SEVERITY = 2
EXPLAINS: tuple[str, ...] = (
    "lr_too_high",
    "not_learning_unknown",
    "underfit_capacity",
    "rnn_vanishing_time",
    "dead_relu",
)
REMEDIES: tuple[str, ...] = ("optimizer",)


def diagnose(record: Record) -> Finding | None:
    """From the optimizer's groups; spoken where it harms."""
    settings = record.facts.get("optimizer_settings", {})
    betas, odd = settings.get("betas") or [0.9, 0.999], []
    if settings.get("eps", 0.0) > 0.01:
        odd.append(f"epsilon {settings['eps']:g} (1e-8 is usual)")
    if betas[0] > 0.99 or betas[1] < 0.5:
        odd.append(f"betas {betas[0]:g} and {betas[1]:g} (0.9 and 0.999 are usual)")
    if settings.get("momentum", 0.0) >= 0.995:
        odd.append(f"momentum {settings['momentum']:g} (0.9 is usual)")
    if not odd or not measures.mature(record) or not measures.harmed(record):
        return None
    return Finding(
        name="bad_optimizer_setting",
        severity=2,
        message=f"{record.facts.get('optimizer')} runs with {' and '.join(odd)}.",
        why="With such a setting steps are far smaller, or wilder, than the learning rate says.",
        remedy="use the optimizer's own defaults: epsilon 1e-8, betas (0.9, 0.999), momentum 0.9",
        where={"step": 0},
        evidence=dict(settings),
        refuted_by="the same level with the defaults",
    )


def infect(settings: Settings) -> Change | None:
    """An epsilon that outweighs every gradient, or a momentum that never ends."""
    if "optimizer.epsilon" in settings:
        return change(settings, {"optimizer.epsilon": 10.0}, "every step is divided by ten and more")
    return change(settings, {"optimizer.momentum": 0.999}, "a step remembers a thousand before it")
