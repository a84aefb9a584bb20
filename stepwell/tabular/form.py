"""How a table is written: what reading one needs to be told, or finds out where it is `auto`."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, Protocol

from stepwell.tabular.cells import MISSING

SEPARATORS = {"tab": "\t", "semicolon": ";", "pipe": "|", "comma": ",", "space": " "}
"""What may stand between cells, by name; any other single character is its own."""

QUOTES = {"double": '"', "single": "'", "none": ""}
"""The signs around cells, by name; with none of them a quote is a letter like any other."""

Quote = Literal["auto", "double", "single", "none"]
"""Which quotes stand around cells."""


class Form(Protocol):
    """What a reader's options say of a table: `auto` is found by looking, and said."""

    @property
    def header(self) -> str:
        """Whether the first line names the columns: auto, yes or no."""

    @property
    def delimiter(self) -> str:
        """What is between cells: auto, a name of `SEPARATORS`, or one character."""

    @property
    def quote(self) -> str:
        """What is around cells: auto, or a name of `QUOTES`."""

    @property
    def encoding(self) -> str:
        """The encoding of a file of text, or auto."""

    @property
    def decimal(self) -> str:
        """The sign before decimals: auto, a point or a comma."""

    def tokens(self) -> tuple[str, ...]:
        """What stands for nothing in a cell, spaces around it left off."""


@dataclass(frozen=True)
class Plain:
    """A form of which nothing is known but what stands for nothing."""

    header: str = "auto"
    delimiter: str = "auto"
    quote: str = "auto"
    encoding: str = "auto"
    decimal: str = "auto"
    missing: tuple[str, ...] = MISSING

    def tokens(self) -> tuple[str, ...]:
        """What stands for nothing in a cell."""
        return self.missing


def refuse_delimiter(delimiter: str) -> None:
    """`ValueError` where this is neither auto, a name of `SEPARATORS`, nor one character."""
    if delimiter not in ("auto", *SEPARATORS) and len(delimiter) != 1:
        raise ValueError(f"the delimiter must be one of {', '.join(('auto', *SEPARATORS))}, or one character")
