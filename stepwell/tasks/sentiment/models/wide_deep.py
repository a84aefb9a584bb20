"""Words, pairs and spellings straight to the classes, beside a network that reads words in their order; see `wide`.

The deep part reads vectors of words by recurrence or by convolution. With a few thousand texts it is surer than it
should be, as what hears letters is, and each weighs half.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Literal

from msgspec import Meta
from torch import nn

from stepwell.errors import RecipeError
from stepwell.schema import Schema
from stepwell.tasks.sentiment.embedding import Dropout, Tune, Vectors, Width, WordDropout
from stepwell.tasks.sentiment.models import gru, text_cnn
from stepwell.tasks.sentiment.wide import BUCKETS, Buckets, Letters, Part, Share, Together, WideDropout, together


@dataclass(frozen=True)
class Options:
    """The settings of both parts."""

    width: Width = 64
    vectors: Vectors = None
    tune: Tune = True
    deep: Annotated[
        Literal["auto", "gru", "text_cnn"],
        Meta(description="What the deep part is; auto: gru for short texts, text_cnn for long ones."),
    ] = "auto"
    units: Annotated[int, Meta(ge=1, description="Units of a direction, or filters of a size.")] = 64
    buckets: Buckets = BUCKETS
    share: Share = 0.5
    letters: Letters = 0.5
    dropout: Dropout = 0.5
    word_dropout: WordDropout = 0.1
    wide_dropout: WideDropout = 0.3


def build(options: Options, schema: Schema) -> Together:
    """The network for the vocabulary and classes of `schema`; RecipeError where nobody has decided what is `auto`."""
    deep: nn.Module
    if options.deep == "auto":
        raise RecipeError(
            "Which deep part suits the texts is decided when their lengths are known.",
            where="model.deep",
            do="name one: gru or text_cnn",
        )
    if options.deep == "gru":
        deep = gru.build(
            gru.Options(
                width=options.width,
                vectors=options.vectors,
                tune=options.tune,
                units=options.units,
                dropout=options.dropout,
                word_dropout=options.word_dropout,
            ),
            schema,
        )
    else:
        deep = text_cnn.build(
            text_cnn.Options(
                width=options.width,
                vectors=options.vectors,
                tune=options.tune,
                filters=options.units,
                dropout=options.dropout,
                word_dropout=options.word_dropout,
            ),
            schema,
        )
    return together(Part(deep, options.share), options.letters, schema, options.buckets, options.wide_dropout)
