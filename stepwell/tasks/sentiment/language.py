"""In which language texts are, roughly: by their script, and by the commonest words of seven languages.

A profile of a sample and no judge of a single short text: what has no common word of a known language counts as
"unknown". Enough to tell that a set is German, or half French; not enough to tell Danish from Norwegian.
"""

from __future__ import annotations

import re
import unicodedata
from collections import Counter
from collections.abc import Iterable

COMMON = {
    "English": "the and of to is in that it was for with this but not you are have be on as they his had my were",
    "German": "der die und das ist nicht ich zu den mit ein eine auch auf sich es dem aber wie nur noch wird sehr war",
    "French": "le les et des est une du pas que je qui pour dans il vous nous avec sur au mais ce très c'est elle",
    "Spanish": "el los que y las una por con para es del se lo como pero más muy mi al este su está ha fue",
    "Italian": "il che di è per una non sono con del della gli anche ma questo molto mi più si ho nel ed lo alla",
    "Portuguese": "o os que não e uma para com é do da em um mas muito mais se por na foi como ele ao eu",
    "Dutch": "het een van en dat niet ik je met zijn op voor er maar ook heel deze was naar bij heb dit nog wel",
}
"""Words that make up a large part of any text in a language, and are rare in the others."""

UNKNOWN = "unknown"

_WORDS = {name: frozenset(words.split()) for name, words in COMMON.items()}
_WORD = re.compile(r"[^\W\d_]+(?:'[^\W\d_]+)?")
_SCRIPTS = {
    "CYRILLIC": "Cyrillic script",
    "GREEK": "Greek",
    "ARABIC": "Arabic script",
    "HEBREW": "Hebrew",
    "HIRAGANA": "Japanese",
    "KATAKANA": "Japanese",
    "CJK": "Chinese characters",
    "HANGUL": "Korean",
    "DEVANAGARI": "Devanagari script",
    "THAI": "Thai",
}
_LOOKED_AT = 2000  # characters of a text


def of(text: str) -> str:
    """The language or script of a text, `UNKNOWN` where nothing tells it."""
    text = text[:_LOOKED_AT]
    if not text.isascii():
        letters = [one for one in text if one.isalpha()]
        counts = Counter(unicodedata.name(one, "").partition(" ")[0] for one in letters)
        script, count = max(
            ((name, counts[name]) for name in _SCRIPTS if counts[name]), key=lambda one: one[1], default=("", 0)
        )
        if 3 * count > len(letters):
            return _SCRIPTS["HIRAGANA" if counts["HIRAGANA"] else script]
    words = _WORD.findall(text.lower())
    hits = {name: sum(word in known for word in words) for name, known in _WORDS.items()}
    best = max(hits, key=lambda name: hits[name])
    rest = max(count for name, count in hits.items() if name != best)
    return best if hits[best] > rest and 12 * hits[best] >= len(words) else UNKNOWN


def shares(texts: Iterable[str]) -> dict[str, float]:
    """The share of the texts in each language, the largest first."""
    counts = Counter(map(of, texts))
    return {name: count / counts.total() for name, count in counts.most_common()}
