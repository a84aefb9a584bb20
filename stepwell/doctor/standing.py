"""Weights that the optimizer does not know: whether they stand, or something else moves them."""

from __future__ import annotations

from collections.abc import Iterable

import torch
from torch import Tensor, nn

MOST_ELEMENTS = 1024  # of each that are looked at, spread over it


class Standing:
    """Remembers some numbers of the named weights of a model, so that it can be told which have moved since."""

    def __init__(self, model: nn.Module, names: Iterable[str]) -> None:
        self._kept = _some(model, set(names))

    def moved(self, model: nn.Module) -> list[str]:
        """The names of those that are not what they were: another optimizer moves them, or the loop by hand."""
        now = _some(model, set(self._kept))
        return [name for name, one in self._kept.items() if name in now and not torch.equal(one, now[name])]


def _some(model: nn.Module, names: set[str]) -> dict[str, Tensor]:
    named = {name: one.detach().flatten() for name, one in model.named_parameters() if name in names}
    return {name: one[:: max(1, len(one) // MOST_ELEMENTS)].cpu().clone() for name, one in named.items()}
