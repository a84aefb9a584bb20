"""The Huber loss of numbers: squared where the error is small, absolute where it is large."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

import torch
from msgspec import Meta
from torch import Tensor
from torch.nn import functional

from stepwell.losses._terms import errors, summed
from stepwell.schema import Term

ACCEPTS = ("number",)
"""The kinds of target that the loss compares answers with."""


@dataclass(frozen=True)
class Options:
    """The settings of the Huber loss."""

    delta: Annotated[
        float, Meta(gt=0, description="The error, in the units of the network, where squared becomes absolute.")
    ] = 1.0


def term(options: Options, outputs: Tensor, targets: Tensor, weight: Tensor | None) -> Term:
    """The sum over examples of their mean loss over values, over the number or weight of examples.

    `outputs` are `(batch, values)`, `targets` float `(batch,)` or `(batch, values)`. Half the square up to `delta`,
    beyond it a straight line of slope `delta` (Huber, Annals of Mathematical Statistics, 1964).
    """
    found = errors(outputs, targets, raw=True)
    losses = functional.huber_loss(found, torch.zeros_like(found), reduction="none", delta=options.delta)
    return summed(losses.mean(dim=1), weight)
