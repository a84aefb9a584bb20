"""The handwritten digits that scikit-learn carries, for lessons in plain PyTorch."""

from __future__ import annotations

import torch
from torch import Tensor


def digits() -> tuple[Tensor, Tensor]:
    """1,797 rows of 64 gray values from 0 to 1, float32, in a fixed shuffled order, and the digit of each, int64."""
    from sklearn.datasets import load_digits

    known = load_digits()
    order = torch.randperm(len(known.target), generator=torch.Generator().manual_seed(0))
    return torch.tensor(known.data / 16.0, dtype=torch.float32)[order], torch.tensor(known.target)[order]
