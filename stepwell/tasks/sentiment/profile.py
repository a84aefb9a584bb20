"""What a sample of texts is like: its language, its length, and what of it nobody meant to write."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence

import numpy as np

from stepwell import likeness
from stepwell.errors import ExampleError, counted
from stepwell.schema import Examples, Finding
from stepwell.tasks.sentiment import language

LOOKED_AT = 2000
"""Texts, evenly from all, that a profile is of."""

_MARKUP = re.compile(r"</?[a-zA-Z][a-zA-Z0-9]*(?:\s[^<>]{0,200})?/?>|&(?:amp|lt|gt|quot|nbsp|#\d{2,5});")
_MISREAD = re.compile("Ã[\u0080-\u00bf€ƒ„…†‡ˆ‰Š‹ŒŽ‘’“”•–—˜™š›œžŸ]|â€[\u0080-\u00bf™œ“”¦˜]|\ufffd")
_OFTEN, _LARGE, _PURE = 20, 0.3, 0.99  # texts, and share of its class's, that a telling word is in; of them one class
_FOREIGN = 0.05  # share of the texts in another language from which it is named


def findings(examples: Examples) -> list[Finding]:
    """What is said of the texts of `examples`; nothing of those that cannot be read, which the audit names."""
    places = np.unique(np.linspace(0, len(examples) - 1, min(LOOKED_AT, len(examples))).astype(np.int64)).tolist()
    texts: list[str] = []
    kept: list[int] = []
    for place in places:
        try:
            texts += examples.fetch([place], None)["text"]
            kept.append(place)
        except ExampleError:
            continue
    if not texts:
        return []
    scope = "" if len(places) == len(examples) else f" (of the {len(places):,} looked at, of {len(examples):,})"
    marked = [i for i, text in zip(kept, texts, strict=True) if _MARKUP.search(text)]
    misread = [i for i, text in zip(kept, texts, strict=True) if _MISREAD.search(text)]
    labels = examples.facts.get("label", ())
    found = [_profile(texts, scope), *_telling(texts, [labels[i] for i in kept], scope)]
    if marked:
        found.append(_marked(examples, marked, scope))
    if misread:
        found.append(_misread(examples, misread, scope))
    return found


def _profile(texts: Sequence[str], scope: str) -> Finding:
    shares = language.shares(texts)
    lengths = np.array([len(text.split()) for text in texts])
    named = [f"{name} ({100 * share:.0f} %)" for name, share in shares.items() if share >= _FOREIGN]
    middle, most = int(np.median(lengths)), int(lengths.max())
    return Finding(
        name="kind_of_texts",
        severity=1,
        message=f"The texts{scope} have {middle:,} words at the median and {most:,} at most; by their common words and "
        f"script they are {', '.join(named) or 'of many languages'}.",
        why="Lists of stop words, word endings and word vectors are those of one language.",
        remedy="nothing, if so meant; where languages are mixed, a network for each often does better",
        evidence={"languages": shares, "median_words": middle, "most_words": most, "texts": len(texts)},
        refuted_by="reading some of the texts: short ones without common words count as unknown",
    )


def _telling(texts: Sequence[str], labels: Sequence[str], scope: str) -> list[Finding]:
    """Words that stand in a good part of the texts of one class, and in hardly any of another."""
    classes = Counter(labels)
    counts: dict[str, Counter[str]] = {}
    for text, label in zip(texts, labels, strict=True):
        for word in set(likeness.words(text)):
            counts.setdefault(word, Counter())[label] += 1
    telling = []
    for word, within in counts.items():
        ((label, count),) = within.most_common(1)
        if count >= max(_OFTEN, _LARGE * classes[label]) and count >= _PURE * within.total():
            telling.append((word, label, count / classes[label]))
    telling.sort(key=lambda one: (-one[2], one[0]))
    if not telling:
        return []
    word, label, share = telling[0]
    return [
        Finding(
            name="words_that_tell_the_label",
            severity=2,
            message=f"The word {word!r} stands in {100 * share:.0f} % of the texts of {label!r}, and in hardly any "
            f"other{scope}" + (f"; so do {len(telling) - 1:,} more words." if len(telling) > 1 else "."),
            why="A word that gives the answer away may have been put there with it, and will not be there when a new "
            "text comes.",
            remedy="find out where it comes from; take it out where whoever labeled the texts wrote it",
            evidence={"words": {one: {"class": label, "share": share} for one, label, share in telling[:20]}},
            refuted_by="its being what people of this class write by themselves",
        )
    ]


def _marked(examples: Examples, marked: Sequence[int], scope: str) -> Finding:
    return Finding(
        name="markup_in_texts",
        severity=1,
        message=f"{counted(len(marked), 'text holds', 'texts hold')} HTML tags or entities{scope}.",
        why="To a network <br /> is a word like any other, and a tag that only one source writes tells the source.",
        remedy="say how it is prepared with the settings of prepare, or take it out of the data",
        evidence={"texts": len(marked)},
        examples=tuple(examples.ids[i] for i in marked[:5]),
        refuted_by="these signs being what the writers meant",
    )


def _misread(examples: Examples, misread: Sequence[int], scope: str) -> Finding:
    return Finding(
        name="misread_characters",
        severity=2,
        message=f"{counted(len(misread), 'text holds', 'texts hold')} characters as they come from a wrong encoding "
        f"(é as Ã©){scope}.",
        why="The same word in two spellings is two words, and at prediction the right one is unknown.",
        remedy="mend them where they were made; of a file that is read in a wrong encoding, name it: --reader.encoding",
        evidence={"texts": len(misread)},
        examples=tuple(examples.ids[i] for i in misread[:5]),
        refuted_by="these characters being what the writers meant",
    )
