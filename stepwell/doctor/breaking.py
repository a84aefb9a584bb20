"""The moment at which a loss is no finite number: what the model was given, and what it answers to that."""

from __future__ import annotations

import math
from typing import Any

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


def seen(model: nn.Module, given: Given | None) -> dict[str, Any]:
    """`last_inputs_finite`, and `last_answers_finite`: whether what the model answers to them is, and can be squared.

    To be asked before the gradients of that loss have reached the weights; {} where it is not known what was given.
    The backward pass that is still to come may need the buffers as they are: the answer is made with copies of them.
    """
    if given is None:
        return {}
    args, kwargs = given
    buffers = {name: one.clone() for name, one in model.named_buffers()}
    with undisturbed(model), torch.no_grad():
        answers = floating(torch.func.functional_call(model, buffers, args, kwargs))
    sound = bool(answers) and all(finite(one) and float(one.abs().max()) < _most(one) for one in answers if len(one))
    return {"last_inputs_finite": inputs_finite(given), "last_answers_finite": sound}


def inputs_finite(given: Given | None) -> bool:
    """Whether all that a model was given is finite."""
    return all(map(finite, floating(given)))


def _most(answer: Tensor) -> float:
    return SQUARED * math.sqrt(torch.finfo(answer.dtype).max)
