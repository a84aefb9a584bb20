"""In capitals: all letters in upper case."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

EXPECTS = "same"
EXAMPLE = ("a really good camera", "A REALLY GOOD CAMERA")
REMEDY = "--prepare.lower true"


def change(example: Mapping[str, Any], draw: np.random.Generator) -> dict[str, Any] | None:
    """The text in capitals; None where it has no letter that would change."""
    text = str(example["text"])
    return {**example, "text": text.upper()} if text.upper() != text else None
