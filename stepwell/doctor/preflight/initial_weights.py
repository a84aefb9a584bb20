"""The size of the weights as they begin, against what keeps a signal's size from layer to layer."""

from __future__ import annotations

from typing import Any

import torch
from torch import nn

from stepwell.doctor.first import First

LAYERS = (nn.Linear, nn.Conv1d, nn.Conv2d, nn.Conv3d, nn.RNNBase)


def look(first: First) -> dict[str, Any]:
    """`gains`: by matrix, root mean square times root of the fan-in; 1.41 for He, 1 for LeCun, 0.58 for torch's own.

    `glorot_shares`: root mean square over what Glorot and Bengio (2010) give for the same shape, for layers that are
    not recurrent. `equal_biases`: the values of biases that are all equal and not 0.
    """
    gains, shares, biases = {}, {}, {}
    for path, module in first.model.named_modules():
        if not isinstance(module, LAYERS):
            continue
        for name, one in module.named_parameters(recurse=False):
            values, whole = one.detach().float(), f"{path}.{name}" if path else name
            if values.ndim >= 2:
                size, into = float(values.square().mean().sqrt()), values[0].numel()
                out = values.shape[0] * values[0, 0].numel()
                gains[whole] = size * into**0.5
                if not isinstance(module, nn.RNNBase):
                    shares[whole] = size / (2 / (into + out)) ** 0.5
            elif values.numel() > 1 and bool(values.any()) and torch.equal(values, values[:1].expand_as(values)):
                biases[whole] = float(values[0])
    return {"gains": gains, "glorot_shares": shares, "equal_biases": biases}
