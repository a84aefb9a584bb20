"""A text to the numbers of pieces of words, common ones whole and rare ones in parts: byte-pair encoding.

Sennrich, Haddow and Birch, ACL 2016, learned from the training part by the package tokenizers; or a tokenizer of others
in that package's format, as encoders that were trained before bring one.
"""

from __future__ import annotations

import json
import unicodedata
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Annotated, Any

import msgspec
import numpy as np

from stepwell.errors import DataError, MissingExtraError
from stepwell.schema import Columns, Trace
from stepwell.tasks.sentiment.transforms.look_up import UNKNOWN, shortened

PADDING_NAME, UNKNOWN_NAME = "<padding>", "<unknown>"


@dataclass(frozen=True)
class Options:
    """What is learned, and how much of a text is kept."""

    lower: Annotated[bool, msgspec.Meta(description="everything in lower case")] = True
    most: Annotated[int, msgspec.Meta(ge=1, description="pieces that get a number, at most")] = 8_000
    longest: Annotated[int, msgspec.Meta(ge=1, description="pieces of a text that are kept")] = 512


@dataclass(frozen=True)
class Fitted:
    """Writes `tokens`, int64 `(time,)` an example, from `text`; `tokenizer` is the file of the package, as text.

    `extra` names the optional install that brings the package. A text of more than `longest` pieces keeps its beginning
    and its end; one without any is a single unknown one.
    """

    tokenizer: str
    lower: bool
    longest: int
    extra: str = "text"

    @property
    def reads(self) -> tuple[str, ...]:
        """The column of texts."""
        return ("text",)

    @property
    def writes(self) -> tuple[str, ...]:
        """The column of numbers."""
        return ("tokens",)

    @cached_property
    def _tokenizer(self) -> Any:
        return _package().Tokenizer.from_str(self.tokenizer)

    @property
    def vocabulary(self) -> tuple[str, ...]:
        """What each number stands for."""
        numbers = self._tokenizer.get_vocab()
        return tuple(sorted(numbers, key=lambda piece: numbers[piece]))

    def apply(self, columns: Columns, traces: Sequence[Trace]) -> Columns:
        """Cut and look up every text."""
        found = self._tokenizer.encode_batch([plain(text, lower=self.lower) for text in columns["text"]])
        tokens = []
        for one, trace in zip(found, traces, strict=True):
            numbers = np.asarray(one.ids or [UNKNOWN], dtype=np.int64)
            trace["subwords"] = {"pieces": len(one.ids), "unknown": int((numbers == UNKNOWN).sum()) if one.ids else 0}
            tokens.append(shortened(numbers, self.longest))
        return {"tokens": tokens}


def fit(options: Options, texts: Iterable[str]) -> Fitted:
    """Learn the pieces of the training texts; `MissingExtraError` without the package."""
    package = _package()
    learned = package.Tokenizer(package.models.BPE(unk_token=UNKNOWN_NAME))
    learned.pre_tokenizer = package.pre_tokenizers.Sequence(
        [package.pre_tokenizers.Metaspace(), package.pre_tokenizers.Punctuation()]
    )
    trainer = package.trainers.BpeTrainer(
        vocab_size=options.most, special_tokens=[PADDING_NAME, UNKNOWN_NAME], show_progress=False
    )
    learned.train_from_iterator((plain(text, lower=options.lower) for text in texts), trainer)
    return Fitted(learned.to_str(), options.lower, options.longest)


def of_encoder(folder: str, longest: int) -> Fitted:
    """The tokenizer of an encoder in a folder, without its own cutting and filling.

    `DataError` where there is none that can be read, `MissingExtraError` without the package.
    """
    package, place = _package(), Path(folder) / "tokenizer.json"
    try:
        text = place.read_text(encoding="utf-8")
        whole = "model" in json.loads(text)
    except (OSError, ValueError, TypeError) as error:
        raise DataError(
            f"The tokenizer of the encoder cannot be read: {getattr(error, 'strerror', None) or error}.",
            where=str(place),
            do="name a folder that holds one; transformers writes it with tokenizer.save_pretrained(FOLDER)",
        ) from error
    if not whole:
        raise DataError("This is no tokenizer: it names no model.", where=str(place), do="check the file")
    given = package.Tokenizer.from_str(text)
    given.no_truncation()
    given.no_padding()
    return Fitted(given.to_str(), lower=False, longest=longest)


def plain(text: str, *, lower: bool) -> str:
    """A text in one form (NFC), with single blanks."""
    text = " ".join(unicodedata.normalize("NFC", text).split())
    return text.lower() if lower else text


def _package() -> Any:
    try:
        import tokenizers
    except ModuleNotFoundError as error:
        raise MissingExtraError("tokenizers", "text", "Cutting texts into subwords") from error
    return tokenizers
