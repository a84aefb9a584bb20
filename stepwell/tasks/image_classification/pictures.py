"""A picture and what was answered about it, as a PNG to look at."""

from __future__ import annotations

import io
from collections.abc import Mapping
from typing import Any

from PIL import Image

from stepwell.schema import Picture
from stepwell.transforms import decode_image

SMALL, LARGE = 96, 256  # pixels of the longer side: below the first pixels are repeated, above the second reduced


def draw(raw: Mapping[str, Any], truth: Mapping[str, Any] | None, prediction: Mapping[str, Any] | None) -> Picture:
    """Draw one example; `ExampleError` where it cannot be decoded.

    `raw` holds the example's raw values (`image`, optionally `path`), `truth` its `label`, `prediction` its
    `label` and `probability`; either may be None. Small pictures come with their pixels repeated, so that what the
    network saw is what one sees; large ones reduced.
    """
    decoding = decode_image.fit(decode_image.Options(channels=3), [raw["image"]])  # its own range, so that it shows
    pixels = decoding.decode(raw["image"], str(raw.get("path", "")))
    image = Image.fromarray(pixels.transpose(1, 2, 0).copy())
    longer = max(image.size)
    if longer < SMALL:
        times = -(-SMALL // longer)
        image = image.resize((image.width * times, image.height * times), Image.Resampling.NEAREST)
    elif longer > LARGE:
        shape = (max(1, round(image.width * LARGE / longer)), max(1, round(image.height * LARGE / longer)))
        image = image.resize(shape, Image.Resampling.LANCZOS)
    file = io.BytesIO()
    image.save(file, format="PNG", optimize=True)
    return Picture("image/png", file.getvalue(), _caption(truth, prediction))


def _caption(truth: Mapping[str, Any] | None, prediction: Mapping[str, Any] | None) -> str:
    if prediction is None:
        return f"{truth['label']}" if truth else "no label"
    answer = f"{prediction['label']} ({100 * float(prediction['probability']):.0f} %)"
    if truth is None:
        return f"answered {answer}"
    if truth["label"] == prediction["label"]:
        return f"{answer}, rightly"
    return f"{truth['label']}, answered {answer}"
