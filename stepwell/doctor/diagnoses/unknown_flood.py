"""One token in place of many: what the network is to read is mostly unknown to it.

What: a large part of all tokens is one and the same, as all words are that a vocabulary lacks.
Why it matters: what they said is gone before the first layer; no training brings it back.
How it is seen: exactly: the share of the commonest token among those that do not fill up a sequence (of texts the
    commonest word is 4 to 8 %, the commonest letter or blank below 20 %).
Remedy: a larger vocabulary, or one of subwords or characters; the same lower case and cutting as where it was made.
Risk: sequences in which one state prevails, as silence does in sound.
"""

from __future__ import annotations

from stepwell.doctor.changes import Change, DataFault, Settings, change
from stepwell.doctor.record import Record
from stepwell.schema import Finding

MOST = 0.4  # of all tokens
EVERYWHERE = 0.15  # of the tokens at any place of a sequence; columns of categories are no sequences
ENOUGH = 500  # tokens seen
ALPHABET = 20  # tokens with a vector: fewer are no vocabulary

KIND = "data"
SEVERITY = 2
EXPLAINS: tuple[str, ...] = ("underfit_capacity", "not_learning_unknown")
REMEDIES: tuple[str, ...] = ()  # advice alone: what is unknown is settled before training


def diagnose(record: Record) -> Finding | None:
    """From the first batches."""
    share, rows = record.facts.get("token_share", 0.0), record.facts.get("token_rows", 0)
    everywhere = record.facts.get("token_least_share", 0.0) >= EVERYWHERE
    if share < MOST or not everywhere or rows < ALPHABET or record.facts.get("tokens", 0) < ENOUGH:
        return None
    commonest = record.facts.get("token_commonest")
    return Finding(
        name="unknown_flood",
        severity=2,
        message=f"{100 * share:.0f} % of all tokens are token {commonest} (in texts no word is more than 8 %).",
        why="All that a vocabulary lacks becomes one token: what these said cannot be learnt from.",
        remedy="a larger vocabulary (its size, how often a word must be seen), or subwords; look whether texts are cut "
        "and lowered as they were when it was made",
        where={"part": "train"},
        evidence={"token_share": share, "token": commonest, "threshold": MOST},
        refuted_by="this token being one that the sequences really hold so often",
    )


def infect(settings: Settings) -> Change | DataFault:
    """A vocabulary of next to nothing."""
    few = change(settings, {"prepare.vocabulary": ALPHABET}, "most words are unknown")
    return few or DataFault("unknown_flood", 0.6)
