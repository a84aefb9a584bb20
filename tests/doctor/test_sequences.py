"""Programs that learn from sequences of tokens: padding in the loss, unknown tokens, gradients that fade."""

from __future__ import annotations

import functools

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from stepwell.doctor.watch import Doctor, watch

WORDS, TIME, ROWS = 60, 24, 480


class Tagger(nn.Module):
    """A class a token: `(batch, time)` to `(batch, time, 4)`."""

    def __init__(self, recurrent: type[nn.RNNBase] = nn.LSTM) -> None:
        super().__init__()
        self.table, self.out = nn.Embedding(WORDS, 16, padding_idx=0), nn.Linear(16, 4)
        self.recurrent = recurrent(16, 16, batch_first=True)

    def forward(self, tokens: Tensor) -> Tensor:
        answer: Tensor = self.out(self.recurrent(self.table(tokens))[0])
        return answer


def sequences(
    *, padded: bool = True, flood: bool = False, rows: int = ROWS, shortest: int = 6
) -> tuple[Tensor, Tensor]:
    """Tokens from 1 on, of which the class is the remainder by 4 plus one; 0 fills up."""
    draw = torch.Generator().manual_seed(0)
    tokens = torch.randint(1, WORDS, (rows, TIME), generator=draw)
    if flood:
        tokens[torch.rand(tokens.shape, generator=draw) < 0.7] = 1
    tags = tokens % 3 + 1
    if padded:
        lengths = torch.randint(shortest, TIME + 1, (rows, 1), generator=draw)
        beyond = torch.arange(TIME) >= lengths
        tokens, tags = tokens.masked_fill(beyond, 0), tags.masked_fill(beyond, 0)
    return tokens, tags


def flat(answer: Tensor, tags: Tensor, ignored: int = -100) -> Tensor:
    return F.cross_entropy(answer.reshape(-1, 4), tags.reshape(-1), ignore_index=ignored)


def turned(answer: Tensor, tags: Tensor, ignored: int = -100) -> Tensor:
    return F.cross_entropy(answer.transpose(1, 2), tags, ignore_index=ignored)


def masked(answer: Tensor, tags: Tensor) -> Tensor:
    each = F.cross_entropy(answer.transpose(1, 2), tags, reduction="none")
    return (each * (tags != 0)).sum() / (tags != 0).sum()


def watched(
    model: nn.Module, loss: object, tokens: Tensor, tags: Tensor, updates: int = 60, rate: float = 0.02
) -> Doctor:
    torch.manual_seed(0)
    optimizer = torch.optim.Adam(model.parameters(), lr=rate)
    draw = torch.Generator().manual_seed(1)
    with watch(model, optimizer, loss, (tokens[:64], tags[:64]), updates) as doctor:
        for _ in range(updates):
            rows = torch.randint(64, len(tokens), (32,), generator=draw)
            optimizer.zero_grad()
            loss(model(tokens[rows]), tags[rows]).backward()
            optimizer.step()
    return doctor


def names(doctor: Doctor) -> list[str]:
    return [one.name for one in doctor.findings if one.severity >= 2]


@pytest.mark.parametrize("loss", [flat, turned])
def test_padding_that_the_loss_counts_is_named(loss: object) -> None:
    finding = watched(Tagger(), loss, *sequences()).findings[0]
    assert finding.name == "padding_in_loss"
    assert finding.evidence["padding_share"] == pytest.approx(0.375, abs=0.1)


@pytest.mark.parametrize("loss", [functools.partial(flat, ignored=0), functools.partial(turned, ignored=0), masked])
def test_padding_that_the_loss_leaves_out_is_left_in_peace(loss: object) -> None:
    assert names(watched(Tagger(), loss, *sequences())) == []


def test_sequences_of_one_length_are_left_in_peace() -> None:
    assert names(watched(Tagger(), flat, *sequences(padded=False))) == []


def test_a_flood_of_one_token_is_named() -> None:
    doctor = watched(Tagger(), functools.partial(flat, ignored=0), *sequences(flood=True))
    assert names(doctor) == ["unknown_flood"]
    assert doctor.findings[0].evidence["token"] == 1


def test_columns_of_categories_are_no_sequences() -> None:
    tokens, tags = sequences(padded=False)
    tokens[:, ::2] = 1
    assert names(watched(Tagger(), flat, tokens, tags)) == []


class First(nn.Module):
    """The class of the first token, read at the end of its sequence."""

    def __init__(self, recurrent: type[nn.RNNBase]) -> None:
        super().__init__()
        self.table, self.out = nn.Embedding(WORDS, 16, padding_idx=0), nn.Linear(16, 4)
        self.recurrent = recurrent(16, 16, batch_first=True)

    def forward(self, tokens: Tensor) -> Tensor:
        states = self.recurrent(self.table(tokens))[0]
        answer: Tensor = self.out(states[torch.arange(len(tokens)), (tokens > 0).sum(1) - 1])
        return answer


def test_gradients_that_fade_through_time_are_seen_in_padded_sequences() -> None:
    tokens, tags = sequences(rows=8000, shortest=18)
    model = First(nn.RNN)
    with torch.no_grad():
        model.recurrent.weight_hh_l0.mul_(0.3)
    doctor = watched(model, F.cross_entropy, tokens, tags[:, 0], updates=200, rate=0.01)
    assert "rnn_vanishing_time" in names(doctor)
