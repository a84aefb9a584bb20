"""From a picture to a letterboxed square, and from shares of that square to a box in the picture's own pixels."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

import msgspec
import numpy as np

from stepwell import archives
from stepwell.errors import DataError
from stepwell.preparation import Preparation
from stepwell.schema import Columns, Examples, Field, Schema, Trace
from stepwell.transforms import decode_image, resize
from toy_boxes.readers.box_table import EDGES, from_files
from toy_boxes.transforms import place_box


@dataclass(frozen=True)
class Options:
    """How pictures become input."""

    side: Annotated[int, msgspec.Meta(ge=8, description="pixels of the square that pictures are laid into")] = 32


def fit(options: Options, examples: Examples, train: Sequence[int]) -> Preparation:
    """The chain for gray pictures of any size; of the training part only the first pictures are looked at."""
    decoding = decode_image.fit(decode_image.Options(channels=1), examples.fetch(train[:16], None)["image"])
    resizing = resize.fit(resize.Options(options.side, options.side, "letterbox"))
    image = Field("image", "image", "uint8", (1, options.side, options.side), mean=(100.0,), std=(50.0,))
    box = Field("box", "number", "float32", (4,), classes=EDGES, measure="share of the square")
    answer = Field("answer", "number", "float32", (4,), classes=EDGES, measure="share of the square")
    chain = (("decode_image", decoding), ("resize", resizing), ("place_box", place_box.Fitted(options.side)))
    return Preparation(Schema((image,), (box,), (answer,)), chain)


def decode(outputs: Columns, traces: Sequence[Trace], schema: Schema) -> Columns:
    """`box` `(n, 4)` in pixels of each original picture, left to right and top to bottom."""
    side = schema.field("image").shape[1]
    assert isinstance(side, int)
    first, second = np.split(np.asarray(outputs["answer"]), 2, axis=1)
    ordered = np.concatenate([np.minimum(first, second), np.maximum(first, second)], axis=1)
    return {"box": place_box.back(ordered, side, traces)}


def row(prediction: Mapping[str, Any], schema: Schema) -> dict[str, Any]:
    """One answer as it is printed: pixels under the name of each edge."""
    return {edge: round(float(at), 1) for edge, at in zip(EDGES, prediction["box"], strict=True)}


def inputs(source: Any) -> Examples:
    """Unlabeled pictures: a .png file, a folder with some (below it too), or a list of these."""
    given = source if isinstance(source, Sequence) and not isinstance(source, str) else [source]
    paths: list[Path] = []
    for one in given:
        place = Path(one)
        paths += sorted(place.rglob("*.png"), key=lambda path: archives.natural_key(str(path))) or [place]
    if not all(path.is_file() for path in paths):
        raise DataError("There is no picture here.", where=str(source), do="give .png files, or a folder with some")
    return from_files(paths, [str(path) for path in paths], str(source))
