"""A bag of words: the vectors of a text weighed and averaged, then a dense layer or none.

fastText (Joulin et al., EACL 2017) where the pooling is the mean and no layer is hidden.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

from msgspec import Meta
from torch import Tensor, nn

from stepwell.blocks.perceptron import Body, perceptron
from stepwell.errors import RecipeError
from stepwell.schema import Schema
from stepwell.tasks.sentiment.embedding import (
    Dropout,
    Embedding,
    Pool,
    Pooling,
    Tune,
    Vectors,
    Width,
    WordDropout,
    output,
)


@dataclass(frozen=True)
class Options:
    """The settings of the network."""

    width: Width = 64
    vectors: Vectors = None
    tune: Tune = True
    pooling: Pooling = "mean"
    dense: Annotated[
        tuple[Annotated[int, Meta(ge=1)], ...], Meta(description="Units of each dense layer in turn.")
    ] = ()
    dropout: Dropout = 0.2
    word_dropout: WordDropout = 0.2


class Average(nn.Module):
    """Tokens to vectors, these to one, then dense layers to logits."""

    def __init__(self, options: Options, schema: Schema) -> None:
        super().__init__()
        self.embedding = Embedding(
            schema, options.width, file=options.vectors, tune=options.tune, hide=options.word_dropout
        )
        width = self.embedding.width
        self.pool = Pool(options.pooling, width)
        self.dense = perceptron(width, Body(options.dense, dropout=options.dropout))
        self.dropout = nn.Dropout(options.dropout)
        self.output = output(options.dense[-1] if options.dense else width, schema)

    def forward(self, tokens: Tensor, lengths: Tensor) -> Tensor:
        """`(batch, time)` int64 and `(batch,)` to logits `(batch, classes)`."""
        x, within = self.embedding(tokens, lengths)
        logits: Tensor = self.output(self.dense(self.dropout(self.pool(x, within))))
        return logits


def build(options: Options, schema: Schema) -> Average:
    """The network for the vocabulary and classes of `schema`; RecipeError where the order would be needed."""
    if options.pooling == "last":
        raise RecipeError(
            "A bag of words has no order, and so no last word.",
            where="model.pooling",
            do="use mean, max or attention, or --model lstm",
        )
    return Average(options, schema)
