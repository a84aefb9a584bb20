"""A text to its words and signs, or to its characters: lower case, stop words and endings as asked."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Annotated, Any, Literal

import msgspec

from stepwell.errors import MissingExtraError
from stepwell.schema import Columns, Trace

Unit = Literal["words", "characters"]

WORD = re.compile(r"\w+(?:['’\-]\w+)*|[^\w\s]")
"""A word with its apostrophes and hyphens (don't, far-fetched), or one sign."""

NEGATED = re.compile(r"(?i)\b(\w+?)(n['’]t)\b|\b(can)(not)\b")
"""A negation written as part of a verb: it becomes a word of its own, so that a stop list cannot take it."""


@dataclass(frozen=True)
class Options:
    """What becomes of a text."""

    unit: Annotated[Unit, msgspec.Meta(description="what a text is cut into")] = "words"
    lower: Annotated[bool, msgspec.Meta(description="everything in lower case")] = True
    punctuation: Annotated[bool, msgspec.Meta(description="signs stay, each as a word of its own")] = True
    stop_words: Annotated[tuple[str, ...], msgspec.Meta(description="words that are left out")] = ()
    stemming: Annotated[str, msgspec.Meta(description="the language whose endings are cut off; empty: none")] = ""


@dataclass(frozen=True)
class Fitted:
    """Writes `pieces`, a list of texts an example, from the column `text`.

    Text is made one form first (NFC), so that an accent is the same however it was typed. `stemming` names a language
    of snowballstemmer, which is imported when it is used.
    """

    unit: Unit = "words"
    lower: bool = True
    punctuation: bool = True
    stop_words: tuple[str, ...] = ()
    stemming: str = ""

    @property
    def extra(self) -> str:
        """The optional install that is needed, or nothing."""
        return "text" if self.stemming else ""

    @property
    def reads(self) -> tuple[str, ...]:
        """The column of texts."""
        return ("text",)

    @property
    def writes(self) -> tuple[str, ...]:
        """The column of their pieces."""
        return ("pieces",)

    @cached_property
    def _stopped(self) -> frozenset[str]:
        return frozenset(self.stop_words)

    @cached_property
    def _stemmer(self) -> Any:
        try:
            import snowballstemmer
        except ModuleNotFoundError as error:
            raise MissingExtraError("snowballstemmer", "text", "Cutting off the endings of words") from error
        return snowballstemmer.stemmer(self.stemming)

    def apply(self, columns: Columns, traces: Sequence[Trace]) -> Columns:  # noqa: ARG002 - nothing to note
        """Cut every text; one without anything that stays gives no piece."""
        return {"pieces": [self.cut(text) for text in columns["text"]]}

    def cut(self, text: str) -> list[str]:
        """The pieces of one text, in their order."""
        text = unicodedata.normalize("NFC", text)
        if self.lower:
            text = text.lower()
        if self.unit == "characters":
            return [one for one in " ".join(text.split()) if self.punctuation or one == " " or one.isalnum()]
        words: list[str] = WORD.findall(NEGATED.sub(r"\1\3 \2\4", text))
        if not self.punctuation:
            words = [word for word in words if word[0].isalnum() or word[0] == "_"]
        if self._stopped:
            words = [word for word in words if word.lower() not in self._stopped]
        return self._stemmer.stemWords(words) if self.stemming else words


def fit(options: Options) -> Fitted:
    """As the options say: nothing is learned from data."""
    return Fitted(options.unit, options.lower, options.punctuation, options.stop_words, options.stemming)
