"""Linear models of a text that stand beside a network of another kind: of its words, and of how they are spelled.

Cheng et al. (2016) train the sum of a wide and a deep network; here each learns by a loss of its own, for together the
deep part takes over what the wide one says better. Their answers are multiplied (Hinton, Neural Computation, 2002),
each to the power of its share.
"""

from __future__ import annotations

import zlib
from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import Annotated, NamedTuple

import torch
from msgspec import Meta
from torch import Tensor, nn

from stepwell.schema import Schema
from stepwell.tasks.sentiment.embedding import inside
from stepwell.tasks.sentiment.transforms.look_up import FIRST

Buckets = Annotated[int, Meta(ge=1, description="Weights that pairs of words, or strings of letters, share by a hash.")]
Share = Annotated[
    float, Meta(ge=0, description="What the deep part weighs in the answer, beside 1 for words and pairs.")
]
Letters = Annotated[
    float,
    Meta(
        ge=0,
        description="What the spelling of the words weighs in the answer; 0: it is not heard, nor is it where there "
        "are more than 64 classes, for which it would take too much memory.",
    ),
]
WideDropout = Annotated[
    float, Meta(ge=0, lt=1, description="Share of words and pairs hidden, while it trains, from what reads them.")
]

BUCKETS = 2**17
SPELLED = 64
"""Classes up to which spellings are heard."""

MOST_WEIGHTS = 2**24
"""Numbers of what is shared in a table, at most: of many classes fewer weights are shared by more."""

SHORTEST, LONGEST, MOST = 2, 5, 24
"""Letters of a string, the ends of a word among them, and how many strings of a word are heard."""

WEIGHTS, IMPORTANCE = 8.0, 2.0
"""What the numbers of a table are multiplied by: with Adam they then learn at the rate of the deep part."""

LEAST = 1e-6
"""The smallest square of a length: where training hides all of a text it says nothing, and not 0 / 0."""

_FIRST, _SECOND = 1_000_003, 7_919  # a pair is hashed by a sum of multiples, so that its order counts


class Words(nn.Module):
    """Logits as the sum of a weight a class for every word and pair, each times its importance, over their length.

    Pairs of neighbors share weights by a hash (Weinberger et al., ICML 2009). The importance is learned too, and
    stands where a linear model has the inverse document frequency: what a text says nothing by does not make it
    longer. The length is the root of the sum of the squared importances.
    """

    def __init__(self, schema: Schema, buckets: int, dropout: float, rate: float = 1.0) -> None:
        """`rate` is what the learning rate of its weights is multiplied by."""
        super().__init__()
        self.rate = rate
        (self.words,) = schema.inputs[0].levels
        classes = len(schema.targets[0].classes)
        self.buckets = min(buckets, MOST_WEIGHTS // (classes + 1))
        self.dropout = dropout
        # The importance, as its logarithm, comes last.
        self.table = nn.Embedding(self.words + self.buckets, classes + 1)
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

    def rates(self) -> dict[nn.Parameter, float]:
        """The rate of all its weights, where it is not the recipe's."""
        return {} if self.rate == 1.0 else dict.fromkeys(self.parameters(), self.rate)


class Spelling(nn.Module):
    """As `Words`, of the strings of 2 to 5 letters that the words are spelled with, their ends among them.

    So words of one stem, and a word and its misspelling, have most of what they say in common (Bojanowski et al.,
    TACL 2017). Strings share weights by a hash.
    """

    strings: Tensor

    def __init__(self, schema: Schema, buckets: int, dropout: float, rate: float = 1.0) -> None:
        """`rate` is what the learning rate of its weights is multiplied by."""
        super().__init__()
        self.rate = rate
        classes = len(schema.targets[0].classes)
        self.none = buckets = min(buckets, MOST_WEIGHTS // (classes + 1))
        self.dropout = dropout
        # Not part of what is saved: it follows from the vocabulary.
        self.register_buffer("strings", _strings(schema.inputs[0].classes, buckets), persistent=False)
        self.table = nn.Embedding(buckets + 1, classes + 1)
        nn.init.zeros_(self.table.weight)
        self.bias = nn.Parameter(torch.zeros(classes))

    def forward(self, tokens: Tensor, lengths: Tensor) -> Tensor:
        """`(batch, time)` int64 and `(batch,)` to logits `(batch, classes)`."""
        shown = inside(tokens, lengths)
        if self.training:  # of each word of the batch once, else of every word there is: never of each in each text
            words, places = tokens.unique(return_inverse=True)
            said = self._said(self.strings[words])[places]
            if self.dropout:
                shown = shown & (torch.rand(shown.shape, device=shown.device) >= self.dropout)
        else:
            said = self._said(self.strings)[tokens]
        total = (said * shown.unsqueeze(2)).sum(dim=1)
        length = total[:, -1:].clamp(min=LEAST).sqrt()
        logits: Tensor = self.bias + WEIGHTS * total[:, :-1] / length
        return logits

    def rates(self) -> dict[nn.Parameter, float]:
        """The rate of all its weights, where it is not the recipe's."""
        return {} if self.rate == 1.0 else dict.fromkeys(self.parameters(), self.rate)

    def _said(self, strings: Tensor) -> Tensor:
        """Of the strings `(words, MOST)` of words what they say, summed, `(words, classes)`, and squared importance."""
        rows = self.table(strings)
        importance = (strings != self.none) * (IMPORTANCE * rows[:, :, -1]).exp()
        weighted = torch.bmm(importance.unsqueeze(1), rows[:, :, :-1]).squeeze(1)
        return torch.cat([weighted, importance.square().sum(dim=1, keepdim=True)], dim=1)


class Part(NamedTuple):
    """A network from tokens and lengths to logits, and what its answer weighs."""

    network: nn.Module
    share: float


class Together(nn.Module):
    """Several networks that learn each by itself, and the product of their answers; while training, the logits of each.

    `rates` are those of its parts, as an objective asks for them.
    """

    def __init__(self, parts: Mapping[str, Part]) -> None:
        super().__init__()
        self.parts = nn.ModuleDict({name: part.network for name, part in parts.items()})
        self.shares = tuple(part.share for part in parts.values())

    def forward(self, tokens: Tensor, lengths: Tensor) -> Tensor:
        """`(batch, time)` int64 and `(batch,)` to `(batch, classes)`; while training `(batch, parts, classes)`."""
        answers = [part(tokens, lengths) for part in self.parts.values()]
        if self.training:
            return torch.stack(answers, dim=1)
        # The product of all, up to a factor that the softmax takes out.
        together: Tensor = sum(share * answer for share, answer in zip(self.shares, answers, strict=True))
        return together

    def rates(self) -> dict[nn.Parameter, float]:
        """What the parts say of the rates at which their weights learn."""
        found: dict[nn.Parameter, float] = {}
        for part in self.parts.values():
            if (own := getattr(part, "rates", None)) is not None:
                found |= own()
        return found


def together(deep: Part, letters: float, schema: Schema, buckets: int, dropout: float, rate: float = 1.0) -> Together:
    """A deep part beside words, and beside their spelling where that weighs more than 0 and classes are few enough."""
    parts = {"words": Part(Words(schema, buckets, dropout, rate), 1.0), "deep": deep}
    if letters and len(schema.targets[0].classes) <= SPELLED:
        parts["letters"] = Part(Spelling(schema, buckets, dropout, rate), letters)
    return Together(parts)


@lru_cache(maxsize=8)  # a network is built several times for one vocabulary
def _strings(words: Sequence[str], buckets: int) -> Tensor:
    """The numbers of the strings of each word, `(words, MOST)` int32; `buckets` where it has fewer, and for signs."""
    found = torch.full((len(words), MOST), buckets, dtype=torch.int32)
    for place, word in enumerate(words):
        if place >= FIRST:
            within = f" {word} "
            ends = ((i, i + n) for n in range(SHORTEST, LONGEST + 1) for i in range(len(within) - n + 1))
            spelled = dict.fromkeys(zlib.crc32(within[i:j].encode(errors="replace")) % buckets for i, j in ends)
            row = torch.tensor(list(spelled)[:MOST], dtype=torch.int32)
            found[place, : len(row)] = row
    return found
