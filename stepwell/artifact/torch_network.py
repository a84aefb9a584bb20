"""A module as a plain function of arrays, so that validation, gate and Predictor run the same inference."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator

import numpy as np
import torch
from torch import Tensor, nn

from stepwell.schema import Array


def torch_network(
    module: nn.Module, *, device: torch.device | str = "cpu", channels_last: bool = False
) -> Callable[[list[Array]], list[Array]]:
    """`module` as a function: arrays in the order of the call (schema.Schema), its answers as arrays in order.

    Each call runs in evaluation mode without gradients, in the precision of the module's weights, and
    leaves every submodule in the mode it was in. `device` is where the module lies. `channels_last`
    hands images and volumes over in that memory format. Half-precision answers come as float32.
    """

    def call(arrays: list[Array]) -> list[Array]:
        with evaluating(module), torch.inference_mode():
            answers = module(*(_tensor(array, device, channels_last) for array in arrays))
            tensors = [answers] if isinstance(answers, Tensor) else list(answers)
            return [_array(one) for one in tensors]

    return call


@contextlib.contextmanager
def evaluating(module: nn.Module) -> Iterator[None]:
    """`module` in evaluation mode within the block; afterwards each submodule is in its own mode again.

    One `train()` at the end would thaw what the user froze (a BatchNorm kept in evaluation mode).
    """
    modes = [(one, one.training) for one in module.modules()]
    module.eval()
    try:
        yield
    finally:
        for one, training in modes:
            one.training = training


def _tensor(array: Array, device: torch.device | str, channels_last: bool) -> Tensor:
    tensor = torch.from_numpy(np.require(array, requirements=["C", "W"])).to(device)
    if channels_last and tensor.ndim == 4:
        return tensor.contiguous(memory_format=torch.channels_last)
    if channels_last and tensor.ndim == 5:
        return tensor.contiguous(memory_format=torch.channels_last_3d)
    return tensor


def _array(tensor: Tensor) -> Array:
    if tensor.dtype in (torch.float16, torch.bfloat16):
        tensor = tensor.float()
    return tensor.cpu().numpy()
