"""What the audit notes of one text."""

from __future__ import annotations

import hashlib
import unicodedata
from collections.abc import Mapping
from typing import Any

from stepwell import likeness


def look(example: Mapping[str, Any]) -> dict[str, Any]:
    """`digest`, equal where the words are the same up to case, signs and spaces; `words`; `likeness` for near copies.

    A text without a word is taken as it is.
    """
    text = unicodedata.normalize("NFKC", str(example["text"])).casefold()
    words = likeness.words(text)
    plain = " ".join(words) or " ".join(text.split())
    return {
        "digest": hashlib.sha256(plain.encode("utf-8", "backslashreplace")).hexdigest(),
        "words": len(str(example["text"]).split()),
        "likeness": likeness.shingled(words),
    }
