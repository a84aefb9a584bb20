"""Looking at a network without leaving a trace: generators, modes and buffers are afterwards as they were."""

from __future__ import annotations

import contextlib
import random
from collections.abc import Iterator

import numpy as np
import torch
from torch import nn

MODAL = (nn.modules.batchnorm._BatchNorm, nn.modules.dropout._DropoutNd)
"""Layers that do other work in training than in evaluation."""


@contextlib.contextmanager
def undisturbed(model: nn.Module) -> Iterator[None]:
    """Put back every generator, every module's `training` flag one by one, and every buffer; no gradient is touched."""
    modes = [(module, module.training) for module in model.modules()]
    buffers = [(buffer, buffer.detach().clone()) for buffer in model.buffers()]
    python, numbers = random.getstate(), np.random.get_state()  # noqa: NPY002 - networks of others draw from it
    devices = sorted({one.device.index or 0 for one in model.parameters() if one.device.type == "cuda"})
    try:
        with torch.random.fork_rng(devices):
            yield
    finally:
        random.setstate(python)
        np.random.set_state(numbers)  # noqa: NPY002
        with torch.no_grad():
            for buffer, before in buffers:
                if not _same(buffer, before):
                    buffer.copy_(before)
        for module, mode in modes:
            module.training = mode


def _same(one: torch.Tensor, other: torch.Tensor) -> bool:
    """Whether they are equal, number for number, and what is no number in the same places.

    A copy in place, though it changed nothing, would break a backward pass that is still to come.
    """
    return torch.equal(one, other) or bool(((one == other) | ((one != one) & (other != other))).all())


def bare(model: nn.Module) -> nn.Module:
    """The network itself, without what compiles it or spreads it over processes: to call that may wait for others."""
    while True:
        wrapper = isinstance(model, nn.DataParallel | nn.parallel.DistributedDataParallel)
        inner = model.module if wrapper else getattr(model, "_orig_mod", model)
        if inner is model or not isinstance(inner, nn.Module):
            return model
        model = inner


def calmed(model: nn.Module, *, wholly: bool = True) -> None:
    """Put a network in evaluation mode; not `wholly`, its norms and dropouts alone.

    The latter is for networks that answer in another form in evaluation mode, which the recorded way to the loss does
    not take: several heads or members while training, one answer after.
    """
    if wholly:
        model.eval()
        return
    model.train()
    for module in model.modules():
        if isinstance(module, MODAL):
            module.eval()
