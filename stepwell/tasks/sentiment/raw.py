"""Texts before they are prepared: cleaned of what no one wrote, and fetched by index.

The readers and `prepare.inputs` make their examples here, so that training and prediction see the same raw columns:
`text` (str, NFC), `path` (a name for messages) and, where it is known, `label` (a class as it is written).
"""

from __future__ import annotations

import unicodedata
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from stepwell.errors import DataError, ExampleError
from stepwell.schema import Array, Columns
from stepwell.tabular import text

MOST = 2**30
"""Bytes of a file that is read as a whole, unpacked."""

_CONTROL = {code: " " for code in (*range(32), *range(127, 160)) if chr(code) not in "\t\n"} | {0xFEFF: None}


@dataclass(frozen=True)
class Texts:
    """Raw columns of texts: `get(i)` gives one as it was found, `names[i]` what it is called in messages."""

    get: Callable[[int], str]
    names: Sequence[str]
    labels: Sequence[str] | None = None

    def __call__(self, indices: Sequence[int], views: Array | None) -> Columns:
        """The columns at `indices`; `ExampleError`, which names it, for a text that is empty or cannot be read."""
        del views  # there are none of a text
        columns: Columns = {"text": [self._text(i) for i in indices], "path": [self.names[i] for i in indices]}
        if self.labels is not None:
            columns["label"] = [self.labels[i] for i in indices]
        return columns

    def _text(self, index: int) -> str:
        found = clean(self.get(index))
        if not found:
            raise ExampleError("The text is empty.", where=self.names[index], do="write what is meant, or take it out")
        return found


def clean(text: str) -> str:
    """A text in NFC without spaces around it: lines end in LF, other control characters are spaces.

    Half a character (a lone surrogate) becomes U+FFFD, a mark of byte order nothing. Markup stays: whether it says
    anything is for the preparation to settle.
    """
    if not text.isascii():
        text = unicodedata.normalize("NFC", text.encode("utf-16", "surrogatepass").decode("utf-16", "replace"))
    return text.replace("\r\n", "\n").replace("\r", "\n").translate(_CONTROL).strip()


def read_whole(path: Path) -> str:
    """The text that a file holds, unpacked where its name ends in .gz; `DataError` where it is too large or damaged."""
    try:
        with text.opened(path) as file:
            content = file.read(MOST + 1)
    except text.DAMAGED as error:
        raise text.cannot_be_read(path, error) from error
    if len(content) > MOST:
        raise DataError(
            f"The file holds more than {MOST / 2**30:g} GB of text, and is read as a whole.",
            where=str(path),
            do="split it into several data sets, or write it as a table (.csv, .parquet)",
        )
    return decoded(content)[0]


def decoded(content: bytes) -> tuple[str, str]:
    """The text that some bytes are, and its encoding: by its mark, UTF-8 where that fits, else cp1252.

    Bytes that cp1252 lacks become U+FFFD.
    """
    if content[:2] in (b"\xff\xfe", b"\xfe\xff"):
        return content.decode("utf-16", "replace"), "utf-16"
    try:
        return content.decode("utf-8-sig"), "utf-8"
    except UnicodeDecodeError:
        return content.decode("cp1252", "replace"), "cp1252"
