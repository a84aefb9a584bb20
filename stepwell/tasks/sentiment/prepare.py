"""From a text to the network's input, and from its logits to a label.

The chain is split_words, look_up, class_index; or, of subwords, subwords in place of the first two. The input `tokens`
is int64 `(batch, time)` with the lengths `(batch,)`: 0 fills a batch, 1 is what the training part does not know, and
`classes` of the field names what each number stands for.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Annotated, Any, Literal

import msgspec

from stepwell.errors import DataError, RecipeError
from stepwell.preparation import Preparation
from stepwell.schema import Columns, Examples, Field, Schema, Trace
from stepwell.tasks.sentiment import ratings, stop_words
from stepwell.tasks.sentiment.looking import look
from stepwell.tasks.sentiment.transforms import look_up, split_words, subwords
from stepwell.tasks.sentiment.unlabeled import inputs
from stepwell.transforms import class_index

__all__ = ["Options", "decode", "fit", "inputs", "look", "row"]

NAMED = (subwords.PADDING_NAME, subwords.UNKNOWN_NAME)
"""What the first numbers of `tokens` stand for."""

CHUNK = 1000  # texts fetched at a time while the vocabulary is counted


@dataclass(frozen=True)
class Options:
    """How texts become input; vocabularies are those of the training part."""

    tokens: Annotated[
        Literal["words", "characters", "subwords", "encoder"],
        msgspec.Meta(
            description="what a text is cut into; subwords are learned from the training part, encoder: by its own rule"
        ),
    ] = "words"
    lower: Annotated[bool, msgspec.Meta(description="everything in lower case")] = True
    punctuation: Annotated[bool, msgspec.Meta(description="signs stay, each as a word of its own")] = True
    stop_words: Annotated[bool, msgspec.Meta(description="leave out English words that say little; negations stay")] = (
        False
    )
    stemming: Annotated[bool, msgspec.Meta(description="cut off the endings of English words")] = False
    vocabulary: Annotated[int, msgspec.Meta(ge=1, description="tokens that get a number, at most")] = 30_000
    least: Annotated[int, msgspec.Meta(ge=1, description="times that a token must be seen to get a number")] = 1
    longest: Annotated[
        int, msgspec.Meta(ge=1, le=100_000, description="tokens of a text that are kept, from its two ends")
    ] = 512
    encoder: Annotated[
        str | None, msgspec.Meta(description="a folder with an encoder trained before, whose tokenizer cuts the texts")
    ] = None
    positive: class_index.Positive = None

    def __post_init__(self) -> None:
        """ValueError where words or signs are to be treated and there are none."""
        if self.tokens != "words" and (self.stop_words or self.stemming):
            raise ValueError(f"Expected stop_words and stemming with tokens words alone, got {self.tokens}")
        if self.tokens in ("subwords", "encoder") and not self.punctuation:
            raise ValueError(f"Expected punctuation true with tokens {self.tokens}, got false")
        if self.encoder is not None and self.tokens != "encoder":
            raise ValueError(f"Expected tokens encoder where an encoder is named, got {self.tokens}")


def fit(options: Options, examples: Examples, train: Sequence[int]) -> Preparation:
    """Settle vocabulary and classes on the training part, `train` being its indices.

    `DataError` where the part has one class, or no text with a token; `MissingExtraError` where a package is needed.
    """
    classes = class_index.fit(class_index.Options(options.positive), [examples.facts["label"][i] for i in train])
    if len(classes.classes) < 2:
        raise DataError(
            f"The training part has {len(classes.classes)} class, and a classifier needs two.",
            where=examples.source,
            do="add texts of another class to the training part",
        )
    chain, vocabulary = _tokens(options, examples, train)
    if len(vocabulary) <= len(NAMED):
        raise DataError(
            "No token of the training texts is left to learn from.",
            where=examples.source,
            do="look at the texts with check, or set --prepare.least 1, --prepare.stop_words false",
        )
    tokens = Field(
        "tokens", "sequence", "int64", ("time",), classes=vocabulary, measure=options.tokens, levels=(len(vocabulary),)
    )
    label = Field("label", "category", "int64", classes=classes.classes, ordered=ratings.are_ordered(classes.classes))
    logits = Field("logits", "logits", "float32", (len(classes.classes),), classes=classes.classes)
    return Preparation(Schema((tokens,), (label,), (logits,)), (*chain, ("class_index", classes)))


def decode(outputs: Columns, traces: Sequence[Trace], schema: Schema) -> Columns:
    """Logits `(n, classes)` to `label` (text), `probability` `(n,)` and `probabilities` `(n, classes)`, float64."""
    return class_index.answers(outputs["logits"], schema.targets[0].classes)


def row(prediction: Mapping[str, Any], schema: Schema) -> dict[str, Any]:
    """One answer as it is printed: the `probabilities` with the name of the class before each."""
    named = zip(schema.targets[0].classes, prediction["probabilities"], strict=True)
    return {**prediction, "probabilities": {name: float(value) for name, value in named}}


def _tokens(
    options: Options, examples: Examples, train: Sequence[int]
) -> tuple[tuple[tuple[str, Any], ...], tuple[str, ...]]:
    """The transforms that make tokens of a text, and what each of their numbers stands for."""
    if options.tokens == "encoder":
        if options.encoder is None:
            raise RecipeError(
                "No encoder is named, whose tokenizer would cut the texts.",
                where="prepare.encoder",
                do="name a folder that holds one: --prepare.encoder FOLDER",
            )
        given = subwords.of_encoder(options.encoder, options.longest)
        return (("subwords", given),), given.vocabulary
    if options.tokens == "subwords":
        wanted = subwords.Options(options.lower, options.vocabulary, options.longest)
        learned = subwords.fit(wanted, _texts(examples, train))
        return (("subwords", learned),), learned.vocabulary
    splitting = split_words.Fitted(
        "characters" if options.tokens == "characters" else "words",
        options.lower,
        options.punctuation,
        stop_words.ENGLISH if options.stop_words else (),
        "english" if options.stemming else "",
    )
    pieces = (splitting.cut(text) for text in _texts(examples, train))
    looking = look_up.fit(look_up.Options(options.vocabulary, options.least, options.longest), pieces)
    return (("split_words", splitting), ("look_up", looking)), (*NAMED, *looking.vocabulary)


def _texts(examples: Examples, train: Sequence[int]) -> Iterator[str]:
    """The training texts, a few at a time."""
    for start in range(0, len(train), CHUNK):
        yield from examples.fetch(train[start : start + CHUNK], None)["text"]
