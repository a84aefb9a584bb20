"""Texts with mean ratings (`…_GroundTruth.txt`) beside the single ratings (`…_anonDataRatings.txt`), with tabs.

The first file holds id, mean rating and text, the second id, mean, spread and ratings, as in the sets of Hutto and
Gilbert, "VADER", 2014. The label is the mean rating, cut in three; the spread and the single ratings are the label
itself and are never learned from. Sentences of one review (the id before `_`) stay together in a split. Quotes are part
of the text.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from stepwell import archives
from stepwell.errors import DataError
from stepwell.schema import Examples
from stepwell.tasks.sentiment import listing, ratings
from stepwell.tasks.sentiment.raw import decoded

TEXTS, RATINGS = "_groundtruth.txt", "_anondataratings.txt"
"""How the names of the two files end, in lower case."""

SCALE = 4.0
"""Ratings lie between -4 and 4."""


@dataclass(frozen=True)
class Options:
    """Where the mean rating is cut; every value as a class of its own makes no sense here."""

    negative_below: ratings.Below = -0.5
    positive_above: ratings.Above = 0.5


def recognizes(source: Any) -> str | None:
    """A sentence where the source is such a file of texts, or a folder that holds one; else None."""
    if not isinstance(source, (str, Path)):
        return None
    path = Path(source)
    found = _files(path) if path.is_dir() else [path] if path.is_file() and _is_texts(path) else []
    return f"sentences with mean ratings in {found[0].name}" if len(found) == 1 else None


def read(source: str | Path, options: Options) -> Examples:
    """The sentences with their classes; ids are those of the file.

    `DataError`, which names the line, where one has not three cells, its rating is no number from -4 to 4, or the
    other file, where it is there, knows another mean.
    """
    path = Path(source)
    files = _files(path) if path.is_dir() else [path]
    if len(files) != 1:
        raise DataError(f"The folder holds {len(files)} files …{TEXTS}.", where=str(source), do="name one of them")
    rows = _rows(files[0], 3)
    names, means, texts = ([row[place] for row in rows] for place in (0, 1, 2))
    if len(set(names)) < len(names):
        raise DataError("Two sentences have one id.", where=str(files[0]), do="mend the file")
    _refuse_other_means(files[0], dict(zip(names, map(float, means), strict=True)))
    found = ratings.labeled(
        means, "three", options.negative_below, options.positive_above, names.__getitem__, str(files[0])
    )
    return listing.examples(
        listing.Found(
            get=texts.__getitem__,
            names=names,
            labels=found.labels,
            groups=[f"review {name.partition('_')[0]}" if "_" in name else None for name in names],
            findings=found.findings,
        ),
        str(source),
        "rated_sentences",
    )


def _is_texts(path: Path) -> bool:
    return path.name.lower().endswith(TEXTS)


def _files(folder: Path) -> list[Path]:
    return sorted(one for one in folder.iterdir() if one.is_file() and _is_texts(one))


def _rows(path: Path, width: int) -> list[list[str]]:
    """The cells of each line that is not blank, the second a number on the scale."""
    found = []
    for number, line in enumerate(decoded(archives.read_file(path))[0].splitlines(), start=1):
        if not line.strip():
            continue
        cells = line.split("\t", width - 1)
        value = _number(cells[1]) if len(cells) == width else math.nan
        if not -SCALE <= value <= SCALE:
            raise DataError(
                f"The line has not {width} cells between tabs, a rating from -{SCALE:g} to {SCALE:g} in the second.",
                where=f"{path}, line {number:,}",
                do="mend the line",
            )
        found.append(cells)
    return found


def _number(cell: str) -> float:
    try:
        return float(cell)
    except ValueError:
        return math.nan


def _refuse_other_means(path: Path, means: dict[str, float]) -> None:
    """`DataError` where the file of single ratings is there and has another mean for a sentence."""
    beside = path.with_name(path.name[: -len(TEXTS)] + "_anonDataRatings.txt")
    if not beside.is_file():
        return
    for name, mean, *_ in _rows(beside, 4):
        if name in means and not math.isclose(means[name], float(mean), abs_tol=1e-6):
            raise DataError(
                f"The mean rating of {name} is {means[name]:g} in {path.name} and {float(mean):g} in {beside.name}.",
                where=str(path.parent),
                do="find out which is right",
            )
