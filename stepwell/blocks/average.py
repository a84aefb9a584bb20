"""Several networks that answer as one: the mean of their probabilities, or of their numbers."""

from __future__ import annotations

import math
from collections.abc import Sequence

import torch
from torch import Tensor, nn


class Average(nn.Module):
    """Calls every member with the same inputs and averages what they answer.

    With `logits` the answer is the logarithm of the mean softmax `(batch, classes)`, whose softmax is that mean; else
    the mean itself. Members answer one tensor each, of the same shape.
    """

    def __init__(self, members: Sequence[nn.Module], *, logits: bool) -> None:
        super().__init__()
        self.members = nn.ModuleList(members)
        self.logits = logits

    def forward(
        self, first: Tensor, second: Tensor | None = None, third: Tensor | None = None, fourth: Tensor | None = None
    ) -> Tensor:
        """The inputs of a member, in its order, to the average of all members' answers.

        They are named one by one because an exported network has a fixed number of inputs.
        """
        inputs = [one for one in (first, second, third, fourth) if one is not None]
        answers = torch.stack([member(*inputs) for member in self.members])
        if not self.logits:
            return answers.mean(0)
        return answers.log_softmax(-1).logsumexp(0) - math.log(len(self.members))
