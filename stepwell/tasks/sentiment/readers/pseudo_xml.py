"""Reviews between tags that are no XML (`positive.review`, `negative.review`, also .gz), as of Blitzer et al., 2007.

    books/positive.review.gz       <review>
    books/negative.review.gz       <asin> … </asin> <reviewer> … </reviewer>
    dvd/positive.review.gz         <review_text> … </review_text>
    …                              </review>

The class is the name of the file. Ampersands stand bare and there is no root, so that no XML reader takes them. Texts
about one product stay together in a split, unless `--reader.group` says otherwise; equal texts always do. The rating
is the label and the title nearly says it: neither is learned from.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Annotated, Any, Literal

from msgspec import Meta

from stepwell import archives
from stepwell.errors import DataError
from stepwell.schema import Examples
from stepwell.tasks.sentiment import listing
from stepwell.tasks.sentiment.raw import read_whole

SUFFIXES = (".review", ".review.gz")
CLASSES = ("negative", "positive")

_REVIEW = re.compile(r"<review>(.*?)</review>", re.DOTALL)
_FIELD = re.compile(r"<(asin|reviewer|unique_id|review_text|product_name)>\n?(.*?)\n?</\1>", re.DOTALL)


@dataclass(frozen=True)
class Options:
    """What a split keeps together."""

    group: Annotated[
        Literal["product", "author", "none"],
        Meta(description="texts of one product, or of one author, stay in one part; equal texts always do"),
    ] = "product"


def recognizes(source: Any) -> str | None:
    """A sentence where the source is such a file, or a folder of such; else None."""
    if not isinstance(source, (str, Path)):
        return None
    path = Path(source)
    names = [path.name] if path.is_file() else archives.peek(path)
    found = [name for name in names if name.lower().endswith(SUFFIXES)]
    return f"reviews between tags, such as {found[0]}" if found else None


def read(source: str | Path, options: Options) -> Examples:
    """The labeled texts of all files whose name says a class; ids are the file and the number of the review in it.

    `DataError` where a file holds no review, or reviews without a text. Facts besides `label`: `group` (as asked),
    `product` and `author`, by which `--split.keys` can tie as well.
    """
    root = Path(source)
    names = [root.name] if root.is_file() else list(archives.open_listing(root).names)
    labeled = [(name, label) for name in names for label in CLASSES if _says(name) == label]
    if not labeled:
        raise DataError(
            "No file is called negative.review or positive.review.",
            where=str(source),
            do="name the files after the class of their reviews",
        )
    texts: list[str] = []
    ids: list[str] = []
    labels: list[str | None] = []
    products: list[str | None] = []
    authors: list[str | None] = []
    for name, label in labeled:
        for number, found in enumerate(_reviews(root if root.is_file() else root / name), start=1):
            texts.append(found["review_text"])
            ids.append(f"{name.removesuffix('.gz').removesuffix('.review')} {number}")
            labels.append(label)
            products.append(found.get("asin", "").strip() or found.get("product_name", "").strip() or None)
            authors.append(found.get("reviewer", "").strip() or None)
    groups = {"product": products, "author": authors, "none": ()}[options.group]
    return listing.examples(
        listing.Found(
            get=texts.__getitem__,
            names=ids,
            labels=labels,
            groups=groups,
            facts={"product": products, "author": authors},
        ),
        str(source),
        "pseudo_xml",
    )


def _says(name: str) -> str:
    """The class that a file is named after, "" where it is none."""
    plain = PurePosixPath(name).name.lower()
    return plain.partition(".")[0] if plain.endswith(SUFFIXES) else ""


def _reviews(path: Path) -> list[dict[str, str]]:
    found = [dict(_FIELD.findall(one)) for one in _REVIEW.findall(read_whole(path))]
    if not found:
        raise DataError(
            "The file holds no review between <review> and </review>.", where=str(path), do="check the file"
        )
    lacking = next((place for place, one in enumerate(found, start=1) if "review_text" not in one), None)
    if lacking is not None:
        raise DataError(
            f"Review {lacking:,} has no text between <review_text> and </review_text>.",
            where=str(path),
            do="mend the review, or take it out",
        )
    return found
