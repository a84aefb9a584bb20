"""Classes learnt with a loss for numbers.

What: labels of classes meet a squared or absolute error.
Why it matters: its gradient vanishes where the answer is surely wrong, just where it is needed.
How it is seen: exactly: class labels in mse_loss, l1_loss, or the same by hand; and the training struggles.
Remedy: cross_entropy on logits.
Risk: a squared error on a softmax learns well in many cases: then nothing is said.
"""

from __future__ import annotations

from stepwell.doctor import measures
from stepwell.doctor.changes import Change, Settings, change
from stepwell.doctor.record import Record
from stepwell.schema import Finding

BY_HAND = ("abs", "pow", "__pow__", "square")

LOGS = frozenset({"log_softmax", "logsigmoid", "logsumexp"})  # of a likelihood, whatever is then made of it

KIND = "program"
SEVERITY = 2
EXPLAINS: tuple[str, ...] = ("underfit_capacity", "not_learning_unknown", "too_few_epochs")
REMEDIES: tuple[str, ...] = ("loss",)


def diagnose(record: Record) -> Finding | None:
    """From the calls between output and loss; spoken where it harms."""
    facts = record.facts
    calls = facts.get("loss_calls", [])
    numbers = facts.get("loss_wants") == "numbers" or ("mean" in calls and any(n in calls for n in BY_HAND))
    logs = facts.get("loss_logs") or not LOGS.isdisjoint(calls)
    if facts.get("targets") != "classes" or not numbers or logs:
        return None
    if not measures.mature(record) or not measures.struggling(record):
        return None
    return Finding(
        name="wrong_loss",
        severity=2,
        message="Classes are learnt with a loss for numbers (a squared or absolute error), and it does not learn well.",
        why="Such an error is nearly flat where an answer is surely wrong, so that what is worst learns slowest.",
        remedy="use torch.nn.functional.cross_entropy on the logits, with the labels as integers",
        where={"step": 0, "layer": "output"},
        evidence={"loss": calls[:6], "level": measures.level(record)},
        refuted_by="the same level with cross_entropy",
    )


def infect(settings: Settings) -> Change | None:
    """The squared error of class numbers."""
    return change(settings, {"loss.name": "mse"}, "the loss of numbers on classes")
