"""Units that begin equal and stay so: rows of a weight matrix that are the same."""

from __future__ import annotations

from typing import Any

import torch
from torch import nn

from stepwell.doctor.first import First


def look(first: First) -> dict[str, Any]:
    """`equal_rows`: names of matrices, of more than one row, whose rows are all equal; `zero`: those that are all 0."""
    last = [name for name, one in first.model.named_parameters() if one.ndim >= 2][-1:]
    equal: list[str] = []
    zero: list[str] = []
    for name, one in first.model.named_parameters():
        if one.ndim < 2 or one.shape[0] < 2 or name in last or _of_embedding(first.model, name):
            continue
        rows = one.detach().reshape(one.shape[0], -1)
        if torch.equal(rows, rows[:1].expand_as(rows)):
            (zero if not rows.any() else equal).append(name)
    return {"equal_rows": equal, "zero_matrices": zero}


def _of_embedding(model: nn.Module, name: str) -> bool:
    return isinstance(model.get_submodule(name.rpartition(".")[0]), nn.Embedding | nn.EmbeddingBag)
