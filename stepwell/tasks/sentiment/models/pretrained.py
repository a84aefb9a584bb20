"""An encoder that was trained before on much other text, and a layer on top: frozen, or learning in its last layers.

Its tokenizer cuts the texts: `--recipe pretrained --prepare.encoder FOLDER`. Words and pairs go straight to the classes
beside it (see `wide`): an encoder knows what words mean, and not what these texts give away by their choice of words.
Where layers learn, each learns at a lower rate than the one above it (Howard and Ruder, ACL 2018).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Literal

import torch
from msgspec import Meta
from torch import Tensor, nn

from stepwell.blocks.perceptron import Body, perceptron
from stepwell.errors import RecipeError
from stepwell.schema import Schema
from stepwell.tasks.sentiment import encoder
from stepwell.tasks.sentiment.embedding import Pool, inside, output
from stepwell.tasks.sentiment.wide import BUCKETS, Buckets, Letters, Part, Share, WideDropout, together

WORDS_RATE = 2.0
"""What weights of words learn at, as a multiple of the recipe's rate: a word is in few texts, a feature in all."""

FEATURES_RATE = 0.3
"""The same for weights of features that stay: of 3,072 in a text, at the whole rate, much is learnt by heart.

On 1,481 film reviews and 3,000 sentences, after 900 updates, the loss on others was 0.08 and 0.04 less than at 1.
"""


@dataclass(frozen=True)
class Options:
    """Which encoder, and how much of it learns."""

    encoder: Annotated[
        str, Meta(description="A folder with the encoder, or its name; auto: the one whose tokenizer cuts the texts.")
    ] = "auto"
    download: Annotated[bool, Meta(description="The encoder may be fetched by its name.")] = False
    tune: Annotated[
        int, Meta(ge=0, description="The encoder's last layers that learn; 0: none, what it makes of a text is kept.")
    ] = 0
    dense: Annotated[
        tuple[Annotated[int, Meta(ge=1)], ...], Meta(description="Units of each dense layer in turn.")
    ] = ()
    depth: Annotated[
        int, Meta(ge=1, description="The encoder's last layers that give features of a text; all, of one with fewer.")
    ] = 5
    spread: Annotated[bool, Meta(description="How far a text's tokens lie from their means are features as well.")] = (
        True
    )
    pooling: Annotated[
        Literal["auto", "mean", "attention"],
        Meta(
            description="attention: what a learnt attention picks of a text's tokens stands beside their means and "
            "spreads; auto: where the states of all tokens can be kept and the encoder stays."
        ),
    ] = "auto"
    dropout: Annotated[float, Meta(ge=0, lt=1, description="Share of the features that training drops.")] = 0.5
    rate: Annotated[
        float, Meta(gt=0, description="The learning rate of the encoder's last layer, as a share of the others'.")
    ] = 0.05
    rate_decay: Annotated[
        float, Meta(gt=0, le=1, description="What each layer below learns at, as a share of the rate of the next.")
    ] = 0.9
    words: Annotated[bool, Meta(description="Words and pairs of neighbors go straight to the classes as well.")] = True
    share: Share = 1.0
    letters: Letters = 0.0
    buckets: Buckets = BUCKETS
    wide_dropout: WideDropout = 0.3


class Pretrained(nn.Module):
    """Encoder, each feature brought to mean 0 and deviation 1, dense layers, logits."""

    def __init__(self, features: encoder.Encoder | encoder.Frozen, options: Options, schema: Schema) -> None:
        super().__init__()
        self.features = features
        self.pool: Pool | None = None
        width = features.width
        if options.pooling == "attention":
            self.pool = Pool("attention", features.states)
            self.pool.begin_with_means()
            width += features.states
        self.normalize = nn.BatchNorm1d(width, affine=False)
        self.dropout = nn.Dropout(options.dropout)
        self.dense = perceptron(width, Body(options.dense, dropout=options.dropout))
        self.output = output(options.dense[-1] if options.dense else width, schema)
        self.learning = options.tune
        self.rate, self.rate_decay = options.rate, options.rate_decay

    def forward(self, tokens: Tensor, lengths: Tensor) -> Tensor:
        """`(batch, time)` int64 and `(batch,)` to logits `(batch, classes)`."""
        features, states = self.features(tokens, lengths)
        if self.pool is not None:
            features = torch.cat([features, self.pool(states, inside(tokens, lengths))], dim=1)
        logits: Tensor = self.output(self.dense(self.dropout(self.normalize(features))))
        return logits

    def rates(self) -> dict[nn.Parameter, float]:
        """What the learning rate of weights is multiplied by: of features that stay, or of the encoder's that learn."""
        if isinstance(self.features, encoder.Frozen):
            return dict.fromkeys((*self.dense.parameters(), *self.output.parameters()), FEATURES_RATE)
        found: dict[nn.Parameter, float] = {}
        for below, layer in enumerate(reversed(self.features.layers()[-self.learning :])):
            found |= dict.fromkeys(layer.parameters(), self.rate * self.rate_decay**below)
        return found


def build(options: Options, schema: Schema) -> nn.Module:
    """The network for the tokens and classes of `schema`.

    RecipeError where the texts were cut by another rule, or more layers should learn than there are; `DataError` where
    the encoder cannot be read, `MissingExtraError` without the package transformers.
    """
    if schema.inputs[0].measure != "encoder":
        raise RecipeError(
            f"The texts were cut into {schema.inputs[0].measure}, and an encoder reads tokens of its own.",
            where="model.name",
            do="use --recipe pretrained --prepare.encoder FOLDER",
        )
    features: encoder.Encoder | encoder.Frozen
    if options.tune:
        features = found = encoder.load(
            options.encoder, options.depth, spread=options.spread, download=options.download
        )
    else:
        features = encoder.frozen(
            options.encoder,
            options.depth,
            spread=options.spread,
            attended=options.pooling == "attention",
            download=options.download,
        )
        found = features.encoder
    _require_words(found, schema)
    _require_layers(found, options)
    found.requires_grad_(False)
    if options.tune:
        for layer in found.layers()[-options.tune :]:
            layer.requires_grad_(True)
    deep = Pretrained(features, options, schema)
    if not options.words:
        return deep
    part = Part(deep, options.share)
    return together(part, options.letters, schema, options.buckets, options.wide_dropout, WORDS_RATE)


def _require_layers(found: encoder.Encoder, options: Options) -> None:
    layers = len(found.layers())
    if options.tune > layers:
        raise RecipeError(
            f"The encoder has {layers} layers, fewer than {options.tune}.",
            where="model.tune",
            do=f"use --model.tune {layers} or less",
        )


def _require_words(found: encoder.Encoder, schema: Schema) -> None:
    (wanted,) = schema.inputs[0].levels
    if found.words < wanted:
        raise RecipeError(
            f"The tokenizer has {wanted:,} tokens and the encoder knows {found.words:,}: they do not belong together.",
            where="model.encoder",
            do="leave --model.encoder auto, so that it is the encoder of --prepare.encoder",
        )
