"""Convolutions over neighboring words, the strongest place of each filter: Kim, EMNLP 2014."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

import torch
from msgspec import Meta
from torch import Tensor, nn

from stepwell.schema import Schema
from stepwell.tasks.sentiment.embedding import Dropout, Embedding, Pool, Tune, Vectors, Width, WordDropout, output


@dataclass(frozen=True)
class Options:
    """The settings of the network."""

    width: Width = 64
    vectors: Vectors = None
    tune: Tune = True
    filters: Annotated[int, Meta(ge=1, description="Filters of each size.")] = 64
    sizes: Annotated[
        Annotated[tuple[Annotated[int, Meta(ge=1)], ...], Meta(min_length=1)],
        Meta(description="Words that a filter spans, a size each."),
    ] = (1, 3, 5)
    dropout: Dropout = 0.5
    word_dropout: WordDropout = 0.1


class TextCNN(nn.Module):
    """Embedding, convolutions of several sizes side by side, the largest value of each filter, logits."""

    def __init__(self, options: Options, schema: Schema) -> None:
        super().__init__()
        self.embedding = Embedding(
            schema,
            options.width,
            file=options.vectors,
            tune=options.tune,
            dropout=options.dropout,
            hide=options.word_dropout,
        )
        # Zeros before and after a text stand for what is not there, so that a filter may be longer than the text.
        self.convolutions = nn.ModuleList(
            nn.Sequential(
                nn.ConstantPad1d(((size - 1) // 2, size // 2), 0.0),
                nn.Conv1d(self.embedding.width, options.filters, size),
            )
            for size in options.sizes
        )
        self.pool = Pool("max", options.filters)
        self.dropout = nn.Dropout(options.dropout)
        self.output = output(options.filters * len(options.sizes), schema)

    def forward(self, tokens: Tensor, lengths: Tensor) -> Tensor:
        """`(batch, time)` int64 and `(batch,)` to logits `(batch, classes)`."""
        x, within = self.embedding(tokens, lengths)
        across = x.transpose(1, 2)
        found = torch.cat([self.pool(layer(across).transpose(1, 2), within) for layer in self.convolutions], dim=1)
        logits: Tensor = self.output(self.dropout(found.relu()))
        return logits


def build(options: Options, schema: Schema) -> TextCNN:
    """From `(batch, time)` token numbers and `(batch,)` lengths to logits `(batch, classes)`."""
    return TextCNN(options, schema)
