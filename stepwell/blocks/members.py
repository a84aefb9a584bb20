"""Several networks in one: they share their weight matrices and differ in a few factors, or stand side by side."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable

import torch
from torch import Tensor, nn

from stepwell.schema import Term


class Adapted(nn.Module):
    """A linear layer shared by k members: each multiplies what goes in and what comes out by factors of its own.

    Takes and gives `(batch * members, width)`, the members of an example one after the other; so anything that
    works on `(batch, width)` may stand between two of these. Member m computes `s_m * (W (r_m * x)) + b_m`.
    BatchEnsemble (Wen, Tran and Ba, ICLR 2020) as in TabM (Gorishniy, Kotelnikov and Babenko, ICLR 2025).
    """

    def __init__(self, linear: nn.Linear, members: int, *, first: bool) -> None:
        """From a linear layer with its first weights; in the `first` of a network, signs at random part the members."""
        super().__init__()
        self.members = members
        self.weight = linear.weight
        signs = torch.randint(2, (members * linear.in_features,)) * 2.0 - 1.0
        # Factors lie flat, as biases do: what has one axis is not decayed, and decay would pull these to 0, not to 1.
        self.inward = nn.Parameter(signs if first else torch.ones_like(signs))
        self.outward = nn.Parameter(torch.ones(members * linear.out_features))
        start = torch.zeros(linear.out_features) if linear.bias is None else linear.bias.detach()
        self.bias = nn.Parameter(start.repeat(members))

    def forward(self, x: Tensor) -> Tensor:
        """`(batch * members, inputs)` to `(batch * members, outputs)`."""
        each = x.unflatten(0, (-1, self.members)) * self.inward.view(self.members, -1)
        shared = nn.functional.linear(each, self.weight)
        own = shared * self.outward.view(self.members, -1) + self.bias.view(self.members, -1)
        return own.flatten(0, 1)


class Apart(nn.Module):
    """A linear layer for each member, nothing shared: `(batch * members, inputs)` to `(batch, members, outputs)`."""

    def __init__(self, linear: nn.Linear, members: int) -> None:
        """From a linear layer, whose first weights all members have."""
        super().__init__()
        self.members = members
        self.weight = nn.Parameter(linear.weight.detach().T.repeat(members, 1, 1))
        self.bias = nn.Parameter(linear.bias.detach().repeat(members))

    def forward(self, x: Tensor) -> Tensor:
        """`(batch * members, inputs)` to `(batch, members, outputs)`."""
        each = x.unflatten(0, (-1, self.members)).transpose(0, 1)
        return torch.bmm(each, self.weight).transpose(0, 1) + self.bias.view(self.members, -1)


class Spread(nn.Module):
    """Every example once for each member: `(batch, width)` to `(batch * members, width)`."""

    def __init__(self, members: int) -> None:
        super().__init__()
        self.members = members

    def forward(self, x: Tensor) -> Tensor:
        """`(batch, width)` to `(batch * members, width)`."""
        return x.unsqueeze(1).expand(-1, self.members, -1).flatten(0, 1)


def share(network: nn.Module, members: int) -> None:
    """Replace every linear layer in `network` by one that `members` share, in place, in the order of definition.

    The first one parts the members by random signs; without a linear layer nothing does.
    """
    linear = [
        (parent, name, child)
        for parent in network.modules()
        for name, child in parent.named_children()
        if isinstance(child, nn.Linear)
    ]
    for number, (parent, name, child) in enumerate(linear):
        setattr(parent, name, Adapted(child, members, first=number == 0))


def mean_over_members(
    term: Callable[[Tensor, Tensor, Tensor | None], Term], answers: Tensor, targets: Tensor, weight: Tensor | None
) -> Term:
    """The mean of the members' losses, so that each learns as if it were alone.

    `answers` are `(batch, members, outputs)`, or `(batch, outputs)` of a network that has none; `term` is a loss with
    its options: `(answers, targets, weight) -> Term`.
    """
    if answers.ndim == 2:
        return term(answers, targets, weight)
    members = answers.shape[1]
    found = term(
        answers.flatten(0, 1),
        targets.repeat_interleave(members, dim=0),
        None if weight is None else weight.repeat_interleave(members),
    )
    return dataclasses.replace(found, sum=found.sum / members, count=found.count / members)


def mean_probabilities(answers: Tensor) -> Tensor:
    """Logits of each member `(batch, members, classes)` to those of their mean probabilities `(batch, classes)`."""
    return answers.log_softmax(dim=-1).logsumexp(dim=1)
