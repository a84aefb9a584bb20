"""A small transformer encoder (Vaswani et al., NeurIPS 2017).

Normalized before each sublayer (Xiong et al., ICML 2020), so that it needs no warm-up.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Annotated

import torch
from msgspec import Meta
from torch import Tensor, nn

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
    """The settings of the encoder."""

    width: Width = 64
    vectors: Vectors = None
    tune: Tune = True
    units: Annotated[int, Meta(ge=2, description="Numbers of a token between the layers; a multiple of heads.")] = 64
    layers: Annotated[int, Meta(ge=1, description="Layers of attention, each followed by a dense one.")] = 2
    heads: Annotated[int, Meta(ge=1, description="Heads of the attention.")] = 4
    pooling: Pooling = "mean"
    dropout: Dropout = 0.2
    word_dropout: WordDropout = 0.1


class Transformer(nn.Module):
    """Embedding with places, layers of attention over the text's own tokens, pooling, logits."""

    def __init__(self, options: Options, schema: Schema) -> None:
        super().__init__()
        self.embedding = Embedding(
            schema, options.width, file=options.vectors, tune=options.tune, hide=options.word_dropout
        )
        self.inward = nn.Linear(self.embedding.width, options.units)
        layer = nn.TransformerEncoderLayer(
            options.units,
            options.heads,
            dim_feedforward=4 * options.units,
            dropout=options.dropout,
            activation="gelu",
            batch_first=True,
            norm_first=True,
        )
        self.layers = nn.TransformerEncoder(
            layer, options.layers, norm=nn.LayerNorm(options.units), enable_nested_tensor=False
        )
        self.dropout = nn.Dropout(options.dropout)
        self.pool = Pool(options.pooling, options.units)
        self.output = output(options.units, schema)

    def forward(self, tokens: Tensor, lengths: Tensor) -> Tensor:
        """`(batch, time)` int64 and `(batch,)` to logits `(batch, classes)`."""
        x, within = self.embedding(tokens, lengths)
        x = self.inward(x)
        x = self.layers(self.dropout(x + places(x)), src_key_padding_mask=~within)
        logits: Tensor = self.output(self.dropout(self.pool(x, within)))
        return logits


def places(x: Tensor) -> Tensor:
    """Sines and cosines of each place `(time, width)`, of wavelengths 2 pi to 20,000 pi, for `(batch, time, width)`."""
    half = -(-x.shape[2] // 2)
    rates = torch.exp(torch.arange(half, device=x.device, dtype=x.dtype) * (-math.log(10_000.0) / half))
    angles = torch.arange(x.shape[1], device=x.device, dtype=x.dtype).unsqueeze(1) * rates
    return torch.cat([angles.sin(), angles.cos()], dim=1)[:, : x.shape[2]]


def build(options: Options, schema: Schema) -> Transformer:
    """From `(batch, time)` token numbers and `(batch,)` lengths to logits `(batch, classes)`.

    RecipeError where heads do not divide the units, or the last token should stand for all.
    """
    if options.units % options.heads:
        raise RecipeError(
            f"{options.units} units cannot be shared among {options.heads} heads.",
            where="model.heads",
            do=f"use {math.gcd(options.units, options.heads)} heads, or units that are a multiple of them",
        )
    if options.pooling == "last":
        raise RecipeError(
            "The last token of a text says no more than another in a transformer.",
            where="model.pooling",
            do="use mean, max or attention",
        )
    return Transformer(options, schema)
