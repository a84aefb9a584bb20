"""What the losses share: targets as shares of classes, factors on classes, and the sum with its count."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor
from torch.nn import functional

from stepwell.errors import RecipeError
from stepwell.schema import Term


def summed(losses: Tensor, weight: Tensor | None) -> Term:
    """The sum of the examples' losses `(batch,)` over their number, or weighted over the sum of their weights."""
    if weight is None:
        return Term(losses.sum(), float(len(losses)))
    return Term((losses * weight).sum(), float(weight.sum()))


def shares(targets: Tensor, outputs: Tensor) -> Tensor:
    """Shares of the classes `(batch, classes)`, float32: class numbers `(batch,)` as 0 and 1, shares as they are."""
    if targets.is_floating_point():
        return targets.float()
    return functional.one_hot(targets, outputs.shape[1]).float()


def class_factors(weights: Sequence[float] | None, outputs: Tensor) -> Tensor:
    """The factor on each class `(classes,)`, 1 each where there are none.

    RecipeError where there is not one for each class.
    """
    if weights is None:
        return torch.ones(outputs.shape[1], device=outputs.device)
    if len(weights) != outputs.shape[1]:
        raise RecipeError(
            f"There are {len(weights)} class weights for {outputs.shape[1]} classes.",
            where="loss.class_weights",
            do="give one weight a class, in the order in which the classes are listed",
        )
    return torch.tensor(tuple(weights), device=outputs.device)


def errors(outputs: Tensor, targets: Tensor, *, raw: bool) -> Tensor:
    """What is answered minus what is true `(batch, values)`, float32.

    Of classes (`targets` int64 or shares `(batch, classes)`) it is that of the softmax of the outputs, or of the
    outputs themselves where they are `raw`; of numbers (`targets` `(batch,)`, or shaped as the outputs) that of
    the outputs.
    """
    answers = outputs.float()
    # A column of answers minus a row of targets would be a table of all pairs.
    if targets.is_floating_point() and (targets.ndim == 1 or outputs.shape[1] == 1):
        return answers - targets.float().reshape(answers.shape)
    return (answers if raw else answers.softmax(dim=1)) - shares(targets, outputs)
