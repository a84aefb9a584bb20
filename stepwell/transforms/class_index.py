"""The text of a label to the index of its class: classes in natural order, 2 before 10.

The order is that of people and not of the alphabet, so that it differs from torchvision's where names
hold numbers; it is written in the schema and travels in the artifact.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Annotated, Any

import msgspec
import numpy as np

from stepwell import archives
from stepwell.errors import DataError, ExampleError, RecipeError, did_you_mean
from stepwell.schema import Array, Columns, Trace

Positive = Annotated[
    str | None,
    msgspec.Meta(
        description="of two classes, the one that is looked for: what AUROC, thresholds and curves are of; "
        "none: the later by name"
    ),
]


@dataclass(frozen=True)
class Options:
    """Of two classes, which is the positive one."""

    positive: Positive = None


@dataclass(frozen=True)
class Fitted:
    """Writes the column `label` (text) as int64 `(n,)`: the place of each label in `classes`.

    A column `path`, where there is one, names the example in errors.
    """

    classes: tuple[str, ...]

    @property
    def reads(self) -> tuple[str, ...]:
        """The column of labels as text."""
        return ("label",)

    @property
    def writes(self) -> tuple[str, ...]:
        """The same column, as indices."""
        return ("label",)

    def apply(self, columns: Columns, traces: Sequence[Trace]) -> Columns:  # noqa: ARG002 - nothing to note
        """Look every label up; `ExampleError` for one that is no class."""
        places = {name: place for place, name in enumerate(self.classes)}
        labels = columns["label"]
        found = [places.get(label, -1) for label in labels]
        if -1 in found:
            bad = found.index(-1)
            raise ExampleError(
                f"The label {labels[bad]!r} is not one of the {len(self.classes)} classes of the training part.",
                where=str(columns["path"][bad]) if "path" in columns else "",
                do=did_you_mean(str(labels[bad]), self.classes[:50]),
            )
        return {"label": np.asarray(found, dtype=np.int64)}


def fit(options: Options, labels: Iterable[str]) -> Fitted:
    """The classes of the labels of the training part, of two the positive one last.

    `RecipeError` where the positive class is none of them, or they are not two.
    """
    classes = _in_order(labels)
    if options.positive is None:
        return Fitted(classes)
    if len(classes) != 2:
        raise RecipeError(
            f"A positive class is one of two; there are {len(classes)}.", where="prepare.positive", do="leave it out"
        )
    if options.positive not in classes:
        raise RecipeError(
            f"There is no class {options.positive!r}; there are {classes[0]!r} and {classes[1]!r}.",
            where="prepare.positive",
            do=did_you_mean(options.positive, classes),
        )
    return Fitted(tuple(sorted(classes, key=lambda name: name == options.positive)))


def answers(logits: Array | list[Any], classes: Sequence[str]) -> Columns:
    """Logits `(n, classes)` to `label` (text), `probability` `(n,)` and `probabilities` `(n, classes)`, float64.

    The softmax is taken in float64 after subtracting the largest logit, so that no finite logit overflows.
    """
    wide = np.asarray(logits, dtype=np.float64)
    with np.errstate(invalid="ignore"):  # of a network that diverged: whoever asks refuses what is not finite
        powers = np.exp(wide - wide.max(axis=1, keepdims=True, initial=-np.inf))
        probabilities = powers / powers.sum(axis=1, keepdims=True)
    best = probabilities.argmax(axis=1)
    return {
        "label": [classes[i] for i in best.tolist()],
        "probability": probabilities[np.arange(len(best)), best],
        "probabilities": probabilities,
    }


def classes_of(labels: Iterable[str]) -> tuple[str, ...]:
    """The classes among some labels, in natural order.

    `DataError` where two of them differ only in case or in how an accent is encoded: on another disk
    or in another file they would be one.
    """
    classes = _in_order(labels)
    if found := alike(classes):
        first, second = found[0]
        raise DataError(
            f"Two classes differ only in upper and lower case or in how a letter is encoded: {first!r} and {second!r}.",
            do="give them one name, or names that differ clearly",
        )
    return classes


def alike(classes: Iterable[str]) -> list[tuple[str, str]]:
    """The pairs of classes that differ only in case or in how an accent is encoded."""
    seen: dict[str, str] = {}
    pairs = []
    for name in classes:
        plain = unicodedata.normalize("NFC", name).lower()
        if plain in seen:
            pairs.append((seen[plain], name))
        seen[plain] = name
    return pairs


def _in_order(labels: Iterable[str]) -> tuple[str, ...]:
    return tuple(sorted(set(labels), key=archives.natural_key))
