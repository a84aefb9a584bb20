"""Can a batch be learnt by heart? By the user's own optimizer, and by Adam at two usual rates.

Where both fail it is structure, loss or data; where only the own one fails it is the optimizer or its rate. Copies are
trained, on 16 samples, without dropout. It costs the most of all that is looked at, so it is left out where it does not
fit the budget.
"""

from __future__ import annotations

import math
import time
from typing import Any

import torch
from torch import nn

from stepwell.doctor.first import Example, First
from stepwell.doctor.preflight.constant import best_constant
from stepwell.optimizers import light

SAMPLES, STEPS = 16, 150
RATES = (3e-3, 1e-2)
LEARNT = 0.05  # of the constant's loss: by heart


def look(first: First) -> dict[str, Any]:
    """`own_fit` and `adam_fit`: the least loss over that of the best constant on the same samples; or why not."""
    example = first.example.shrunk(SAMPLES)
    model, optimizer = first.copies()
    _step(model, optimizer, example)  # the first one prepares what later ones find ready
    started = time.process_time()
    for _ in range(3):
        _step(model, optimizer, example)
    needed = STEPS * (time.process_time() - started)
    if needed > first.budget:
        return {"one_batch": f"left out: about {needed:.1f} s, of {first.budget:.1f} s allowed"}
    constant = best_constant([example], first.makers)
    if constant is None or constant <= 0:
        return {"one_batch": "left out: no constant prediction to compare with"}
    model, optimizer = first.copies()
    for group in optimizer.param_groups:  # a schedule may begin low: what it was given is what is meant
        group["lr"] = max(group["lr"], group.get("initial_lr", 0.0), group.get("max_lr", 0.0))
    enough = LEARNT * constant
    own = _fit(model, optimizer, example, enough)
    best = math.inf
    for rate in RATES:
        model, _ = first.copies()
        adam = light(torch.optim.Adam)([one for one in model.parameters() if one.requires_grad], rate)
        best = min(best, _fit(model, adam, example, enough))
        if best < enough:
            break
    return {"one_batch": "done", "own_fit": own / constant, "adam_fit": best / constant}


def _fit(model: nn.Module, optimizer: torch.optim.Optimizer, example: Example, enough: float) -> float:
    """The least finite loss reached, or the first under `enough`; infinity where a loss was not finite."""
    model.train()
    for module in model.modules():
        if isinstance(
            module, nn.Dropout | nn.Dropout1d | nn.Dropout2d | nn.Dropout3d | nn.AlphaDropout | nn.SyncBatchNorm
        ):
            module.eval()
    best = math.inf
    for _ in range(STEPS):
        loss = _step(model, optimizer, example)
        if loss is None:
            break
        if not math.isfinite(loss):
            return math.inf
        best = min(best, loss)
        if loss < enough:
            break
    return best


def _step(model: nn.Module, optimizer: torch.optim.Optimizer, example: Example) -> float | None:
    loss = example.loss(model)
    if not loss.requires_grad:
        return None
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
    return float(loss.detach())
