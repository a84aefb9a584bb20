"""Negated: a "not" goes before the only word of praise or blame of a short text, or out from there."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

import numpy as np

EXPECTS = "other"
EXAMPLE = ("this camera is really good", "this camera is not really good")
REMEDY = "--model gru"

LONGEST = 30
"""Words of a text that one "not" may turn."""

PRAISE = (
    *("good", "great", "excellent", "amazing", "awesome", "fantastic", "wonderful", "perfect", "superb", "brilliant"),
    *("nice", "solid", "reliable", "beautiful", "lovely", "easy", "useful", "helpful", "comfortable", "impressive"),
    *("fun", "funny", "happy", "pleased", "satisfied", "impressed", "clear", "durable", "sturdy", "worth"),
)
BLAME = (
    *("bad", "terrible", "awful", "horrible", "poor", "useless", "worthless", "disappointing", "disappointed", "cheap"),
    *("annoying", "boring", "broken", "defective", "flimsy", "ugly", "noisy", "slow", "hard", "difficult", "wrong"),
    *("unreliable", "uncomfortable", "worse", "worst", "dull", "weak", "unhappy", "frustrating", "faulty", "painful"),
)
"""English words that praise or blame wherever they stand, nearly."""

_POLAR = "|".join((*PRAISE, *BLAME))
_WORD = re.compile(rf"(?i)\b(?:{_POLAR})\b")
_BEFORE = r"\b(is|was|are|were|be|been|seems|looks|feels|works)"
_STRONG = r"((?: (?:a|an|the|very|really|so|quite|rather|pretty|too))*)"
_PLAIN = re.compile(rf"(?i){_BEFORE}{_STRONG} ({_POLAR})\b")
_NEGATED = re.compile(rf"(?i){_BEFORE}(?:n['’]t| not){_STRONG} ({_POLAR})\b")
_NEGATION = re.compile(r"(?i)n['’]t\b|\b(?:not|no|never|nothing|nobody|hardly|cannot|without)\b")


def change(example: Mapping[str, Any], draw: np.random.Generator) -> dict[str, Any] | None:
    """The text turned; None where not exactly one word praises or blames, or no verb stands before it."""
    text = str(example["text"])
    if len(text.split()) > LONGEST or len(_WORD.findall(text)) != 1:
        return None
    negations = len(_NEGATION.findall(text))
    if negations == 1 and _NEGATED.search(text):
        return {**example, "text": _NEGATED.sub(r"\1\2 \3", text)}
    if negations == 0 and _PLAIN.search(text):
        return {**example, "text": _PLAIN.sub(r"\1 not\2 \3", text)}
    return None
