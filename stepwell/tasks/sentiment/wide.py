"""Words and pairs of neighbors straight to the classes, and how that stands beside a network of another kind.

The wide part is a linear model of which words and which pairs of neighbors a text holds, pairs by a hash (Weinberger
et al., ICML 2009). Cheng et al. (2016) train the sum of it and a deep network; here each learns by a loss of its own,
for together the deep part takes over what the wide one says better. Their answers are multiplied (Hinton, Neural
Computation, 2002), the deep one's to the power of `share`.
"""

from __future__ import annotations

from typing import Annotated

import torch
from msgspec import Meta
from torch import Tensor, nn

from stepwell.schema import Schema
from stepwell.tasks.sentiment.embedding import inside

Buckets = Annotated[int, Meta(ge=1, description="Weights that pairs of words share by a hash.")]
Share = Annotated[
    float, Meta(ge=0, description="What the deep part weighs in the answer, beside 1 for words and pairs.")
]
WideDropout = Annotated[
    float, Meta(ge=0, lt=1, description="Share of words and pairs hidden, while it trains, from what reads them.")
]

BUCKETS = 2**17
WEIGHTS, IMPORTANCE = 8.0, 2.0
"""What the numbers of the wide part are multiplied by: with Adam they then learn at the rate of the deep part."""

LEAST = 1e-6
"""The smallest square of a length: where training hides all of a text it says nothing, and not 0 / 0."""

_FIRST, _SECOND = 1_000_003, 7_919  # a pair is hashed by a sum of multiples, so that its order counts


class Wide(nn.Module):
    """Logits as the sum of a weight a class for every word and pair, each times its importance, over their length.

    The importance is learned too, and stands where a linear model has the inverse document frequency: what a text says
    nothing by does not make it longer. The length is the root of the sum of the squared importances.
    """

    def __init__(self, schema: Schema, buckets: int, dropout: float) -> None:
        super().__init__()
        (self.words,) = schema.inputs[0].levels
        self.buckets = buckets
        self.dropout = dropout
        classes = len(schema.targets[0].classes)
        self.table = nn.Embedding(self.words + buckets, classes + 1)  # the importance, as its logarithm, comes last
        nn.init.zeros_(self.table.weight)
        self.bias = nn.Parameter(torch.zeros(classes))

    def forward(self, tokens: Tensor, lengths: Tensor) -> Tensor:
        """`(batch, time)` int64 and `(batch,)` to logits `(batch, classes)`."""
        within = inside(tokens, lengths)
        following = torch.cat([tokens[:, 1:], tokens[:, :1]], dim=1)  # the last has none, and is not within `both`
        pairs = (tokens * _FIRST + following * _SECOND) % self.buckets + self.words
        both = torch.cat([within[:, 1:], torch.zeros_like(within[:, :1])], dim=1)
        shown = torch.cat([within, both], dim=1)
        if self.training and self.dropout:
            shown = shown & (torch.rand(shown.shape, device=shown.device) >= self.dropout)
        rows = self.table(torch.cat([tokens, pairs], dim=1))
        importance = shown * (IMPORTANCE * rows[:, :, -1]).exp()
        length = importance.square().sum(dim=1, keepdim=True).clamp(min=LEAST).sqrt()
        total = torch.bmm(importance.unsqueeze(1), rows[:, :, :-1]).squeeze(1)
        logits: Tensor = self.bias + WEIGHTS * total / length
        return logits


class WideDeep(nn.Module):
    """Both parts; while training, the logits of each."""

    def __init__(self, wide: Wide, deep: nn.Module, share: float) -> None:
        super().__init__()
        self.wide, self.deep, self.share = wide, deep, share

    def forward(self, tokens: Tensor, lengths: Tensor) -> Tensor:
        """`(batch, time)` int64 and `(batch,)` to logits `(batch, classes)`; while training `(batch, 2, classes)`."""
        wide, deep = self.wide(tokens, lengths), self.deep(tokens, lengths)
        if self.training:
            return torch.stack([wide, deep], dim=1)
        together: Tensor = wide + self.share * deep  # the product of both, up to a factor that the softmax takes out
        return together

    def rates(self) -> dict[nn.Parameter, float]:
        """What the deep part says of the rates at which its weights learn."""
        own = getattr(self.deep, "rates", None)
        return {} if own is None else own()
