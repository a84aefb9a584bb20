"""What the networks of the task share: vectors of tokens, and what a text's vectors come to together."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

import torch
from msgspec import Meta
from torch import Tensor, nn

from stepwell.artifact.manifest import NOT_STATED, License
from stepwell.schema import Schema
from stepwell.tasks.sentiment import vectors
from stepwell.tasks.sentiment.transforms.look_up import FIRST, PADDING, UNKNOWN

Width = Annotated[int, Meta(ge=1, description="Length of the vector of a token; that of the file where there is one.")]
Vectors = Annotated[
    str | None, Meta(description="A file of word vectors (word2vec or GloVe text, .vec) to begin with.")
]
Tune = Annotated[bool, Meta(description="Word vectors go on learning; false: they stay as they began.")]
Dropout = Annotated[float, Meta(ge=0, lt=1, description="Share of the numbers dropped before and after the layers.")]
WordDropout = Annotated[float, Meta(ge=0, lt=1, description="Share of the tokens that training hides.")]
Pooling = Annotated[
    Literal["attention", "mean", "max", "last"],
    Meta(description="What the vectors of a text come to: a learned weighting, their mean, their largest, the last."),
]

SPREAD = 0.1
"""Standard deviation of the first vectors where no file gives them."""


class Embedding(nn.Module):
    """Token numbers to vectors, zeros beyond each text's end.

    While training, each token is hidden (taken for an unknown one) with the probability `hide`, and each number
    dropped with the probability `dropout`. `width` is the length of a vector.
    """

    def __init__(
        self,
        schema: Schema,
        width: int,
        *,
        file: str | None = None,
        tune: bool = True,
        dropout: float = 0.0,
        hide: float = 0.0,
    ) -> None:
        """Raises `DataError` where the file of vectors cannot be read."""
        super().__init__()
        (count,) = schema.inputs[0].levels
        first = torch.randn(count, width) * SPREAD
        self.licenses: tuple[License, ...] = ()
        if file is not None:
            if not vectors.wanted_here(file):
                self.licenses = (License("word vectors", NOT_STATED, Path(file).name),)
            first = _read(file, schema.inputs[0].classes)
        first[PADDING] = 0.0
        self.width = first.shape[1]
        self.table = nn.Embedding.from_pretrained(first, freeze=not tune)
        self.hide = hide
        self.dropout = nn.Dropout(dropout)

    def forward(self, tokens: Tensor, lengths: Tensor) -> tuple[Tensor, Tensor]:
        """`(batch, time)` and `(batch,)` to vectors `(batch, time, width)` and whether each is within its text."""
        within = inside(tokens, lengths)
        if self.training and self.hide:
            hidden = torch.rand(tokens.shape, device=tokens.device) < self.hide
            tokens = torch.where(hidden & within, UNKNOWN, tokens)
        return self.dropout(self.table(tokens)) * within.unsqueeze(2), within


class Pool(nn.Module):
    """Vectors of a text `(batch, time, width)` to one `(batch, width)`, whatever lies beyond the text's end."""

    def __init__(self, kind: str, width: int) -> None:
        super().__init__()
        self.kind = kind
        self.score = nn.Linear(width, 1) if kind == "attention" else None

    def begin_with_means(self) -> None:
        """Attention that has learnt nothing yet weighs every token alike."""
        assert self.score is not None
        nn.init.zeros_(self.score.weight)
        nn.init.zeros_(self.score.bias)

    def forward(self, x: Tensor, within: Tensor) -> Tensor:
        """`within` `(batch, time)` says which tokens are of the text; every text has one."""
        if self.score is not None:
            scores = self.score(x).squeeze(2).masked_fill(~within, -torch.inf)
            return torch.bmm(scores.softmax(dim=1).unsqueeze(1), x).squeeze(1)
        if self.kind == "max":
            return x.masked_fill(~within.unsqueeze(2), -torch.inf).amax(dim=1)
        shares = within / within.sum(dim=1, keepdim=True)
        return torch.bmm(shares.unsqueeze(1), x).squeeze(1)


def inside(tokens: Tensor, lengths: Tensor) -> Tensor:
    """Whether each of `(batch, time)` is within its text, by the lengths `(batch,)`."""
    return torch.arange(tokens.shape[1], device=tokens.device).unsqueeze(0) < lengths.unsqueeze(1)


def output(width: int, schema: Schema) -> nn.Linear:
    """The last layer, to logits `(batch, classes)`; its bias begins at 0, so that the first answer favors no class."""
    layer = nn.Linear(width, len(schema.targets[0].classes))
    nn.init.zeros_(layer.bias)
    return layer


def _read(file: str, names: tuple[str, ...]) -> Tensor:
    """The vectors of a file for the named tokens, scaled to the usual spread; those it lacks are drawn so."""
    found, known = vectors.read(file, names[FIRST:])
    table = torch.from_numpy(found)
    rows = torch.from_numpy(known)
    spread = float(table[rows].std()) if bool(rows.any()) else SPREAD
    whole = torch.randn(len(names), table.shape[1]) * spread
    whole[FIRST:][rows] = table[rows]
    return whole
