"""Which parameters the loss reaches, which are to be learnt, and which the optimizer moves: three lists that differ."""

from __future__ import annotations

from typing import Any

import torch

from stepwell.doctor.first import First
from stepwell.doctor.layers import Reader

MOST = 50


def look(first: First) -> dict[str, Any]:
    """Names: `unreached` by gradients though used, `unused`, `frozen`, `not_in_optimizer`; the share that is learnt.

    `tables` are looked up by row, as embeddings are; `dropped` holds the share and the units of all that drops;
    `linear_in_a_row` the pairs with nothing between them.
    """
    named = dict(first.model.named_parameters())
    optimized = first.optimized()
    learning = {name: one for name, one in named.items() if one.requires_grad}
    reader = Reader(first.model, positions=0)
    with torch.enable_grad():
        with reader:
            outputs = first.example.outputs(first.model)
        loss = first.example.replay(outputs)
    reached: set[str] = set()
    if loss.requires_grad and learning:
        gradients = torch.autograd.grad(loss, list(learning.values()), allow_unused=True)
        reached = {name for name, one in zip(learning, gradients, strict=True) if one is not None}
    weights = sum(one.numel() for one in named.values())
    return {
        "parameters": len(named),
        "weights": weights,
        "unreached": [name for name in learning if name not in reached and name in reader.used][:MOST],
        "unused": [name for name in learning if name not in reached and name not in reader.used][:MOST],
        "frozen": [name for name, one in named.items() if not one.requires_grad][:MOST],
        "not_in_optimizer": [name for name, one in learning.items() if id(one) not in optimized][:MOST],
        "learning_share": sum(one.numel() for one in learning.values() if id(one) in optimized) / max(weights, 1),
        "tables": sorted(reader.tables),
        "dropped": sorted({one for one in reader.dropped if one[0] > 0.0})[:MOST],
        "linear_in_a_row": [list(one) for one in reader.in_a_row][:MOST],
        "loss_has_gradient": bool(loss.requires_grad),
    }
