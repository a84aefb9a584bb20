"""Reviews of household things, put together from phrases: negative, neutral and positive, in a CSV.

Nobody's words: drawn from counters, the same on every machine. Each opinion is about a part of a product and may be
negated ("not bad"), strengthened, or set against a weaker one of the other kind ("although"); neutral reviews state
facts, or balance one opinion with another. One label in twenty-five is wrong, as labels are.
"""

from __future__ import annotations

import csv
import io
from pathlib import Path

from stepwell import files, randomness
from stepwell.errors import DataError

REVIEWS = 1500
WRONG = 0.04
FILE = "reviews.csv"
CLASSES = ("negative", "neutral", "positive")

DIFFICULTY = (
    "logistic regression on TF-IDF reaches 0.904 to 0.911 macro F1 with words, 0.910 to 0.934 with words and pairs "
    "(stratified fifth held out)"
)
"""Measured with scikit-learn's defaults, seeds 0 to 2 of the sample and of the split, 300 test reviews each."""

_THINGS = ("kettle", "lamp", "radio", "toaster", "fan", "vacuum", "blender", "clock", "heater", "scale")
_PARTS = ("handle", "lid", "switch", "manual", "cable", "display", "battery", "sound", "color", "price", "size", "base")
_GOOD = ("great", "solid", "lovely", "reliable", "clever", "sturdy", "perfect", "pleasant", "handy", "superb")
_BAD = ("awful", "flimsy", "useless", "ugly", "noisy", "broken", "poor", "annoying", "cheap", "terrible")
_PLAIN = ("gray", "metal", "round", "standard", "black", "short", "new", "usual", "square", "plastic")
_STRONG = ("", "", "", "very ", "really ", "so ", "rather ")
_OPENINGS = (
    "Bought this {thing} for my kitchen.",
    "I have had the {thing} for a month.",
    "My sister uses this {thing} every day.",
    "The {thing} came on Tuesday.",
    "This is our second {thing}.",
    "",
)
_CLOSINGS = {
    "negative": ("I sent it back.", "Never again.", "Save your money.", "Still waiting for an answer.", ""),
    "neutral": ("It came in a box.", "There are two versions.", "I use it on weekends.", "Still testing it.", ""),
    "positive": ("I would buy it again.", "My family loves it.", "Worth the money.", "Still going strong.", ""),
}


def write(folder: str | Path, seed: int = 0) -> None:
    """Write ``folder/reviews.csv``, 1,500 rows below the header ``text,label``.

    `DataError` where the folder holds something already or cannot be written.
    """
    root = Path(folder)
    if root.exists() and (not root.is_dir() or any(root.iterdir())):
        raise DataError("There is something here already.", where=str(root), do="name a new or empty folder")
    text = io.StringIO(newline="")
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(("text", "label"))
    for number in range(REVIEWS):
        writer.writerow(_review(_Dice(seed, number)))
    try:
        root.mkdir(parents=True, exist_ok=True)
        files.write_whole(root / FILE, text.getvalue())
    except OSError as error:
        reason = error.strerror or str(error)
        raise DataError(
            f"The sample cannot be written: {reason}.", where=str(root), do="name another folder"
        ) from error


class _Dice:
    """The numbers by which one review is put together, in their order."""

    def __init__(self, seed: int, number: int) -> None:
        key = randomness.keys([f"review {number}"])
        self._rolls = iter(randomness.draw(seed, "reviews", 0, key, (64,))[0].tolist())

    def chance(self, share: float) -> bool:
        return bool(next(self._rolls) < share)

    def one(self, words: tuple[str, ...]) -> str:
        return words[int(next(self._rolls) * len(words))]


def _review(dice: _Dice) -> tuple[str, str]:
    """The text and the label of one review."""
    meant = dice.one(CLASSES)
    sentences = [dice.one(_OPENINGS).format(thing=dice.one(_THINGS)), _sentence(dice, meant)]
    if dice.chance(0.5):
        sentences.append(_sentence(dice, meant))
    sentences.append(dice.one(_CLOSINGS[meant]))
    label = dice.one(CLASSES) if dice.chance(WRONG * 1.5) else meant  # a third of these are right by chance
    return " ".join(one for one in sentences if one), label


def _sentence(dice: _Dice, meant: str) -> str:
    """One sentence of an opinion, or of none."""
    if meant == "neutral":
        if dice.chance(0.3):
            first = f"The {dice.one(_PARTS)} is {_opinion(dice, good=True)}"
            return f"{first}, but the {dice.one(_PARTS)} is {_opinion(dice, good=False)}."
        return f"The {dice.one(_PARTS)} is {dice.one(_PLAIN)}."
    good = meant == "positive"
    if dice.chance(0.25):
        other = dice.one(_BAD if good else _GOOD)
        return f"Although the {dice.one(_PARTS)} is {other}, I find it {_opinion(dice, good=good)}."
    return f"The {dice.one(_PARTS)} is {_opinion(dice, good=good)}{'!' if dice.chance(0.2) else '.'}"


def _opinion(dice: _Dice, *, good: bool) -> str:
    """An adjective of that kind, or a negated one of the other."""
    if dice.chance(0.3):
        return f"not {dice.one(_STRONG)}{dice.one(_BAD if good else _GOOD)}".replace("  ", " ")
    return f"{dice.one(_STRONG)}{dice.one(_GOOD if good else _BAD)}"
