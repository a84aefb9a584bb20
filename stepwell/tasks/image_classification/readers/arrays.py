"""Pictures that are in Python already: ``(X, y)``, a dictionary of parts, or a dataset that gives ``(x, y)`` by index.

``X`` is an array ``(n, height, width)``, ``(n, height, width, channels)`` or ``(n, channels, height, width)``, or a
list of pictures of any size (arrays, Pillow images, bytes of files); ``y`` holds a label each: text, a whole number or
a bool. A dictionary has the keys train, valid and test (or the like) and such values. A dataset has a length
and gives ``(x, y)`` for 0 … n-1, as torch's do; its labels are taken from `targets` or `labels` where it has
them, else by going through it once, and named by its `classes`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from stepwell.errors import DataError
from stepwell.schema import PART_NAMES, Examples, Part
from stepwell.tasks.image_classification import raw
from stepwell.transforms import class_index

_LAYOUT = """give the pictures and a label each, for instance
    (X, y)                           X of shape (n, height, width), y of length n
    {"train": (X, y), "test": (X, y)}
    a dataset that gives (x, y) by index"""


@dataclass(frozen=True)
class Options:
    """Nothing to set."""


@dataclass(frozen=True)
class _Set:
    """One set of labeled pictures: an array of all, or a function that gets one."""

    pictures: np.ndarray[Any, Any] | Callable[[int], Any]
    labels: list[str]


def recognizes(source: Any) -> str | None:
    """A sentence where the source is arrays of pictures, a dictionary of parts or a dataset of pairs; else None."""
    sets = list(source.values()) if isinstance(source, Mapping) else [source]
    if isinstance(source, Mapping) and not (sets and all(str(key).lower() in PART_NAMES for key in source)):
        return None
    if not all(_holds_pictures(one) for one in sets):
        return None
    return f"{' and '.join(f'{len(one[0] if _is_pair(one) else one):,}' for one in sets)} labeled pictures in memory"


def read(source: Any, options: Options) -> Examples:
    """List labeled pictures; ids are numbers from 0 on, after the name of the part where there are parts.

    `DataError` where pictures and labels do not fit each other or are of kinds that cannot be read.
    """
    if isinstance(source, Mapping):
        unknown = [str(key) for key in source if str(key).lower() not in PART_NAMES]
        if unknown or not source:
            raise DataError(f"The dictionary holds {unknown or 'nothing'}, not parts.", where="data", do=_LAYOUT)
        sets = [(f"{PART_NAMES[key.lower()]}/", _one_set(one, key)) for key, one in source.items()]
    else:
        sets = [("", _one_set(source, "data"))]
    paths = [f"{prefix}{i}" for prefix, one in sets for i in range(len(one.labels))]
    if len(set(paths)) < len(paths):
        raise DataError("Two keys of the dictionary name the same part.", where=", ".join(source), do="join them")
    parts: list[Part | None] = [PART_NAMES.get(prefix[:-1]) for prefix, one in sets for _ in one.labels]
    labels = [label for _, one in sets for label in one.labels]
    raw.require_classes(labels, "data", _LAYOUT)
    class_index.classes_of(labels)
    return raw.examples(_together([one for _, one in sets], paths, labels), "arrays in memory", "arrays", parts=parts)


def _together(sets: Sequence[_Set], paths: list[str], labels: list[str]) -> raw.Arrays | raw.Items:
    """One array where all sets are arrays of one shape and type, else pictures got one by one."""
    arrays = [one.pictures for one in sets if isinstance(one.pictures, np.ndarray)]
    if len(arrays) == len(sets) and len({(one.shape[1:], one.dtype) for one in arrays}) == 1:
        return raw.Arrays(arrays[0] if len(arrays) == 1 else np.concatenate(arrays), paths, labels)
    ends = np.cumsum([len(one.labels) for one in sets])
    return raw.Items(partial(_from_sets, sets, ends), paths, labels)


def _from_sets(sets: Sequence[_Set], ends: np.ndarray[Any, Any], index: int) -> Any:
    which = int(np.searchsorted(ends, index, side="right"))
    place = index - (int(ends[which - 1]) if which else 0)
    pictures = sets[which].pictures
    return plain(pictures[place] if isinstance(pictures, np.ndarray) else pictures(place))


def plain(picture: Any) -> Any:
    """A tensor or another array-like as a numpy array; everything else as it is."""
    return np.asarray(picture) if hasattr(picture, "__array__") and hasattr(picture, "shape") else picture


def _is_pair(one: Any) -> bool:
    return (
        isinstance(one, (tuple, list))
        and len(one) == 2
        and all(hasattr(half, "__len__") and not isinstance(half, (str, bytes, Mapping)) for half in one)
        and getattr(one[0], "shape", (1,)) != ()
        and len(one[0]) == len(one[1])
    )


def _holds_pictures(one: Any) -> bool:
    """Whether a set looks like labeled pictures, by its first item: rows of a table and texts do not."""
    if _is_pair(one):
        return len(one[0]) > 0 and _looks_like_picture(one[0][0])
    if not _is_dataset(one) or not len(one):
        return False
    try:
        item = one[0]
    except (LookupError, TypeError, ValueError, OSError, RuntimeError):
        return False
    return isinstance(item, (tuple, list)) and len(item) >= 2 and _looks_like_picture(item[0])


def _looks_like_picture(item: Any) -> bool:
    if isinstance(item, (str, Path)):
        return raw.is_picture(str(item))
    return isinstance(item, (bytes, Image.Image)) or getattr(item, "ndim", 0) in (2, 3)


def _is_dataset(one: Any) -> bool:
    plain_kinds = (str, bytes, tuple, list, Mapping, np.ndarray)
    return hasattr(one, "__len__") and hasattr(one, "__getitem__") and not isinstance(one, plain_kinds)


def _one_set(one: Any, where: str) -> _Set:
    if _is_dataset(one):
        return _from_dataset(one, where)
    if not (isinstance(one, (tuple, list)) and len(one) == 2):
        raise DataError(f"A {type(one).__name__} is no pair of pictures and labels.", where=where, do=_LAYOUT)
    pictures, answers = plain(one[0]), plain(one[1])
    if not (hasattr(pictures, "__len__") and hasattr(answers, "__len__")) or len(pictures) != len(answers):
        raise DataError("There are not as many labels as pictures.", where=where, do=_LAYOUT)
    if isinstance(pictures, np.ndarray):
        if pictures.ndim not in (3, 4):
            raise DataError(
                f"The pictures have the shape {pictures.shape}.",
                where=where,
                do="reshape them to (n, height, width) or (n, height, width, channels)",
            )
        return _Set(pictures, _texts(answers, (), where))
    return _Set(pictures.__getitem__, _texts(answers, (), where))


def _from_dataset(dataset: Any, where: str) -> _Set:
    count = len(dataset)
    answers = next((kept for name in ("targets", "labels") if _fits(kept := getattr(dataset, name, None), count)), None)
    if answers is None:
        answers = [_pair(dataset[i], i, where)[1] for i in range(count)]
    names = tuple(str(name) for name in getattr(dataset, "classes", ()) or ())
    return _Set(lambda i: _pair(dataset[i], i, where)[0], _texts(answers, names, where))


def _fits(kept: Any, count: int) -> bool:
    return hasattr(kept, "__len__") and getattr(kept, "shape", (1,)) != () and len(kept) == count


def _pair(item: Any, index: int, where: str) -> tuple[Any, Any]:
    if not isinstance(item, (tuple, list)) or len(item) < 2:
        raise DataError(f"Item {index} of the dataset is no (picture, label).", where=where, do=_LAYOUT)
    return item[0], item[1]


def _texts(answers: Any, names: Sequence[str], where: str) -> list[str]:
    """Labels as text; whole numbers by `names` where there are some."""
    values = plain(answers)
    if isinstance(values, np.ndarray):
        if values.ndim != 1:
            raise DataError(
                f"The labels have the shape {values.shape}, not one axis.",
                where=where,
                do="give one label a picture; of one-hot rows, y.argmax(axis=1)",
            )
        values = values.tolist()
    return [_text(value, names, where, i) for i, value in enumerate(values)]


def _text(value: Any, names: Sequence[str], where: str, index: int) -> str:
    if hasattr(value, "item"):
        value = value.item()
    if isinstance(value, str) and value:
        return value
    if isinstance(value, bool):
        return str(value)
    if isinstance(value, (int, float)) and float(value).is_integer():
        number = int(value)
        return names[number] if 0 <= number < len(names) else str(number)
    raise DataError(
        f"Label {index} is {value!r}.",
        where=where,
        do="give text, whole numbers or bools; numbers to predict are no classes",
    )
