"""The moment at which a loss is no finite number: what the model was given, and what it answers to that."""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn

from stepwell.doctor.layers import finite
from stepwell.doctor.listening import Given
from stepwell.doctor.tape import floating
from stepwell.doctor.undisturbed import undisturbed

SQUARED = 0.1  # of the root of the largest number: answers up to there can be squared and summed


def broken(loss: Tensor) -> bool:
    """Whether a loss is no finite number; False on an accelerator, which would have to be waited for."""
    return loss.device.type == "cpu" and not math.isfinite(loss.item())


def inputs_finite(given: Given | None) -> bool:
    """Whether all that a model was given is finite."""
    return all(map(finite, floating(given)))


def answers_finite(model: nn.Module, given: Given) -> bool:
    """Whether what the model answers to that is finite too, and can be squared.

    To be asked before the gradients of the loss have reached the weights. The backward pass that is still to come may
    need the buffers as they are: the answer is made with copies of them.
    """
    args, kwargs = given
    buffers = {name: one.clone() for name, one in model.named_buffers()}
    with undisturbed(model), torch.no_grad():
        answers = floating(torch.func.functional_call(model, buffers, args, kwargs))
    sizes = [(one, float(one.abs().max())) for one in answers if one.numel()]
    return bool(answers) and all(size < _most(one) for one, size in sizes)  # what is no number is not less either


def _most(answer: Tensor) -> float:
    return SQUARED * math.sqrt(torch.finfo(answer.dtype).max)
