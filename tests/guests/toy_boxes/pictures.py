"""The picture with the true box in white and the answered one in black."""

from __future__ import annotations

import io
from collections.abc import Mapping
from typing import Any

from PIL import Image, ImageDraw

from stepwell.schema import Picture
from stepwell.transforms import decode_image

TIMES = 3


def draw(raw: Mapping[str, Any], truth: Mapping[str, Any] | None, prediction: Mapping[str, Any] | None) -> Picture:
    """Draw one example, three times as large; `ExampleError` where its file is damaged."""
    gray = decode_image.Fitted(channels=1).decode(raw["image"], str(raw.get("path", "")))[0]
    picture = Image.fromarray(gray).resize((TIMES * gray.shape[1], TIMES * gray.shape[0]), Image.Resampling.NEAREST)
    pen = ImageDraw.Draw(picture)
    for one, color in ((truth, 255), (prediction, 0)):
        if one is not None:
            pen.rectangle([TIMES * float(at) for at in one["box"]], outline=color)
    file = io.BytesIO()
    picture.save(file, format="PNG")
    return Picture("image/png", file.getvalue(), "white: the true box, black: the answer")
