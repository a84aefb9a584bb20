"""Other names: first names of people become others."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

import numpy as np

EXPECTS = "same"
EXAMPLE = ("Emily sold it to me", "Jamal sold it to me")
REMEDY = "--augmentation misspell"

NAMES = (
    *("Emily", "Sarah", "Jessica", "Laura", "Anna", "Maria", "Susan", "Karen", "Linda", "Lisa", "Amy", "Rachel"),
    *("Michael", "David", "John", "James", "Robert", "Peter", "Paul", "Tom", "Steve", "Kevin", "Brian", "Daniel"),
    *("Jamal", "Darnell", "Lakisha", "Tyrone", "Aisha", "Mohammed", "Ahmed", "Fatima", "Wei", "Mei", "Hiroshi", "Yuki"),
    *("Jose", "Carlos", "Juan", "Guadalupe", "Ivan", "Olga", "Priya", "Raj", "Kwame", "Amara", "Giovanni", "Ingrid"),
)
"""First names that are hardly ever something else, of many origins."""

_NAME = re.compile(rf"\b(?:{'|'.join(NAMES)})\b")


def change(example: Mapping[str, Any], draw: np.random.Generator) -> dict[str, Any] | None:
    """The text with each of the names as another one, the same throughout; None where it holds none."""
    text = str(example["text"])
    found = sorted(set(_NAME.findall(text)))
    if not found:
        return None
    others = [name for name in NAMES if name not in found]
    to = dict(zip(found, (others[place] for place in draw.permutation(len(others)).tolist()), strict=False))
    return {**example, "text": _NAME.sub(lambda one: to.get(one[0], one[0]), text)}
