"""Sequences of tokens: how much of what is learnt from is padding, and how much is one and the same token."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn

from stepwell.doctor.first import Example, First
from stepwell.doctor.tape import tensors

LEAST = 4  # tokens of a sequence
_MOVED = 1.0  # what is added to answers at padding to see whether the loss hears of it


def look(first: First) -> dict[str, Any]:
    """Of integer inputs `(batch, time)`: what ends them, how common the commonest other token is, what the loss hears.

    `token_rows` is how many tokens the model has vectors for, `tokens` how many were seen that are no padding;
    `token_commonest` is the commonest of these and `token_share` its share, `token_least_share` that at the place in
    the sequence where it is rarest, in which columns of a table differ. Where there is a target a token,
    `padding_share` is the share of targets that are padding, and `padding_counted` whether the loss changes with the
    answers there. Padding is one token that ends some sequences, again and again. Empty where there are no such inputs.
    """
    given = [(example, tokens) for example in first.examples if (tokens := _tokens(example)) is not None]
    rows = max((one.num_embeddings for one in first.model.modules() if isinstance(one, nn.Embedding)), default=0)
    if not given or not rows:
        return {}
    seen = torch.cat([tokens[~_ending(tokens)].flatten() for _, tokens in given])
    facts: dict[str, Any] = {"token_rows": rows, "tokens": int(seen.numel())}
    if seen.numel() and int(seen.min()) >= 0:
        counts = torch.bincount(seen)
        facts["token_commonest"] = int(counts.argmax())
        facts["token_share"] = float(counts.max()) / seen.numel()
        facts["token_least_share"] = _least_share(given[0][1], facts["token_commonest"])
    return facts | _padding(*given[0])


def _tokens(example: Example) -> Tensor | None:
    """The first input of whole numbers with a row a sequence."""
    whole = (one.detach() for one in example.inputs if one.dtype == torch.int64 and one.ndim == 2)
    return next((one for one in whole if one.shape[1] >= LEAST), None)


def _ending(tokens: Tensor) -> Tensor:
    """Where a sequence has ended, `(batch, time)`: runs at the end of the token that most often stands twice there."""
    twice = tokens[:, -1][tokens[:, -1] == tokens[:, -2]]
    if not len(twice):
        return torch.zeros_like(tokens, dtype=torch.bool)
    same = tokens == twice.mode().values
    return same.flip(1).long().cumprod(1).flip(1).bool()


def _least_share(tokens: Tensor, token: int) -> float:
    """The share of a token at the place where it is rarest, of those where half of the sequences go on."""
    there = ~_ending(tokens)
    long = 2 * there.sum(0) >= len(tokens)
    shares = ((tokens == token) & there).sum(0)[long] / there.sum(0)[long]
    return float(shares.min()) if len(shares) else 0.0


def _padding(example: Example, tokens: Tensor) -> dict[str, Any]:
    """What the loss hears of the answers where targets are padding, where there is a target a token."""
    replay = example.replay
    met = [one for call in replay.calls for one in tensors((call.args, dict(call.kwargs)))]
    targets = next((one for one in met if one.dtype == torch.int64 and one.numel() == tokens.numel()), None)
    if targets is None or len(replay.used) != 1:
        return {}
    ended = _ending(targets.reshape(tokens.shape))
    answer = replay.answer.detach()
    mask = _where(ended, answer)
    share = float(ended.float().mean())
    if mask is None or not share:
        return {"padding_share": share} if mask is not None else {}
    slope = torch.linspace(0, _MOVED, answer.numel(), device=answer.device).reshape(answer.shape)
    with torch.no_grad():
        before, after = (float(replay.of(one)) for one in (answer, torch.where(mask, answer + slope, answer)))
    return {"padding_share": share, "padding_counted": abs(after - before) > 1e-6 * max(1.0, abs(before))}


def _where(ended: Tensor, answer: Tensor) -> Tensor | None:
    """The same places in the answers: `(batch, time, …)`, `(batch, classes, time)` or `(batch * time, …)`."""
    batch, time = ended.shape
    if answer.shape[:2] == (batch, time):
        return ended.reshape(batch, time, *(1 for _ in answer.shape[2:])).expand(answer.shape)
    if answer.ndim == 3 and answer.shape[0] == batch and answer.shape[2] == time:
        return ended.unsqueeze(1).expand(answer.shape)
    if answer.shape[0] == batch * time:
        return ended.reshape(-1, *(1 for _ in answer.shape[1:])).expand(answer.shape)
    return None
