"""The settings by which tables are read."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Literal

from msgspec import Meta

from stepwell.tabular.cells import MISSING
from stepwell.tabular.form import Quote, refuse_delimiter


@dataclass(frozen=True)
class Options:
    """What is `auto` is found by looking at the table, and said; a column set to `none` is not used."""

    target: Annotated[str, Meta(min_length=1, description="the column to be answered: its name, or its number")] = (
        "auto"
    )
    problem: Annotated[
        Literal["auto", "classification", "regression"],
        Meta(description="whether the target is a class or measured"),
    ] = "auto"
    header: Annotated[
        Literal["auto", "yes", "no"], Meta(description="whether the first line of a file names its columns")
    ] = "auto"
    delimiter: Annotated[
        str, Meta(min_length=1, description="what is between cells: comma, semicolon, tab, pipe, space, or a character")
    ] = "auto"
    quote: Annotated[
        Quote, Meta(description="the quotes around cells: \", or ' as in ARFF; none: quotes are part of the text")
    ] = "auto"
    encoding: Annotated[str, Meta(min_length=1, description="the encoding of a text file, for instance cp1252")] = (
        "auto"
    )
    decimal: Annotated[Literal["auto", ".", ","], Meta(description="the sign before the decimals of a number")] = "auto"
    missing: Annotated[
        tuple[str, ...],
        Meta(description="what a cell without a value holds, instead of the usual signs; an empty cell is always one"),
    ] = ()
    units: Annotated[
        Literal["auto", "none"] | tuple[str, ...],
        Meta(
            description="columns of numbers with a unit as COLUMN=UNIT (of times hh:mm or hh:mm:ss); auto: by their "
            "cells; none: they are text"
        ),
    ] = "auto"
    group: Annotated[
        str, Meta(min_length=1, description="the column of what a split may not cut: a patient, a household")
    ] = "auto"
    time: Annotated[str, Meta(min_length=1, description="the column of time, for a split by time")] = "none"
    part: Annotated[str, Meta(min_length=1, description="the column that says train, valid or test")] = "auto"
    id: Annotated[str, Meta(min_length=1, description="the column that names the rows")] = "auto"
    drop: Annotated[tuple[str, ...], Meta(description="columns that are not learned from")] = ()

    def __post_init__(self) -> None:
        refuse_delimiter(self.delimiter)

    def tokens(self) -> tuple[str, ...]:
        """What stands for nothing in a cell, spaces around it left off."""
        return ("", *(one.strip() for one in self.missing)) if self.missing else MISSING
