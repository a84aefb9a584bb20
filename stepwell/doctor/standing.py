"""Weights that the optimizer does not know: whether they stand, or something else moves them."""

from __future__ import annotations

from collections.abc import Iterable

import torch
from torch import nn


class Standing:
    """Remembers the named weights of a model by their sums, so that it can be told which have moved since."""

    def __init__(self, model: nn.Module, names: Iterable[str]) -> None:
        self._sums = _sums(model, set(names))

    def moved(self, model: nn.Module) -> list[str]:
        """The names of those that are not what they were: another optimizer moves them, or the loop by hand."""
        now = _sums(model, set(self._sums))
        return [name for name, value in self._sums.items() if now.get(name) != value]


def _sums(model: nn.Module, names: set[str]) -> dict[str, float]:
    with torch.no_grad():
        return {name: float(one.sum(dtype=torch.float64)) for name, one in model.named_parameters() if name in names}
