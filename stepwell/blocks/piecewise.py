"""Numbers cut into pieces: what lets a network bend at every border of a column's bins."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn


class PiecewiseLinear(nn.Module):
    """Each column by its bins, then by a linear layer and ReLU of its own, `width` values a column.

    A number becomes one value a bin: 1 where it lies above the bin, 0 below, and inside how far along it lies;
    beyond the outermost borders it stays at theirs. After Gorishniy, Rubachev and Babenko, "On embeddings for
    numerical features in tabular deep learning", NeurIPS 2022 (there the outermost bins go on without end).
    """

    left: Tensor
    slope: Tensor

    def __init__(self, borders: Sequence[Sequence[float]], width: int) -> None:
        """From the ascending borders of each column's bins; ValueError where a column has no bin."""
        super().__init__()
        if any(len(column) < 2 or list(column) != sorted(set(column)) for column in borders):
            raise ValueError("every column needs at least two borders, ascending")
        most = max(len(column) - 1 for column in borders)
        # A column with fewer bins is filled up with bins of slope 0, which are always 0.
        left, slope = torch.zeros(len(borders), most), torch.zeros(len(borders), most)
        for row, column in enumerate(borders):
            edges = torch.tensor(column, dtype=torch.float64)
            left[row, : len(column) - 1] = edges[:-1]
            slope[row, : len(column) - 1] = 1.0 / edges.diff()
        self.register_buffer("left", left)
        self.register_buffer("slope", slope)
        bound = most**-0.5  # many of the values are 1, so that this keeps the sum about as large as they are
        self.weight = nn.Parameter(torch.empty(len(borders), most, width).uniform_(-bound, bound))
        self.bias = nn.Parameter(torch.zeros(len(borders) * width))

    def encoded(self, x: Tensor) -> Tensor:
        """From `(batch, columns)` to `(batch, columns, bins)`, all from 0 to 1."""
        return ((x.unsqueeze(-1) - self.left) * self.slope).clamp(0.0, 1.0)

    def forward(self, x: Tensor) -> Tensor:
        """`(batch, columns)` to `(batch, columns * width)`."""
        # One matrix product a column: (columns, batch, bins) times (columns, bins, width).
        made = torch.bmm(self.encoded(x).transpose(0, 1), self.weight).transpose(0, 1)
        return torch.relu(made.flatten(1) + self.bias)
