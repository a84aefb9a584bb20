"""What a network is shown by another: real rows, and rows that a generator made. Losses of such games tell nothing.

A network that is called on what gradients flow back through is fed by another network; that one is found by what it
returns. From then on a batch that it made is known, also where it was detached or joined with real rows.
"""

from __future__ import annotations

import contextlib
from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor, nn

from stepwell.doctor import calls
from stepwell.doctor.first import rows_of
from stepwell.doctor.guard import LOOKING

ROWS = {"real": 256, "made": 64}  # that are kept: of what is made the newest alone, for it may hop from thing to thing
LEAST = 64  # of each kind, without which nothing is said
DIMENSIONS = 8  # principal ones of the real rows, in which both are compared
NEIGHBORS = 5  # made rows that the radius around a real one would hold if they were of equal origin: 0.99 hold one
LAST_MADE = 4  # batches of the generator that are kept to know them by


class Shown:
    """Keeps the newest real and made rows that `model` was given."""

    def __init__(self, model: nn.Module) -> None:
        self._model = model
        self._maker: nn.Module | None = None
        self._made: list[tuple[nn.Module, Tensor]] = []
        self._rows: dict[str, list[Tensor]] = {"real": [], "made": []}
        self._depth = 0
        self._hearing = contextlib.ExitStack()
        self._seeks = False

    def given(self, inputs: Sequence[Tensor], keeps: bool) -> None:
        """The model was called with `inputs`, to be learnt from; their rows are kept where `keeps`."""
        batch = next((one for one in inputs if one.is_floating_point() and one.ndim >= 2), None)
        if batch is None or (batch.is_leaf and batch.requires_grad):  # between real and made: a gradient penalty
            return
        if not batch.is_leaf and not self._seeks:
            self._seeks = True
            self._hearing.enter_context(calls.heard(nn.Module, self._heard))
        made = self._parts(batch)
        if self._maker is None or not keeps:
            return
        for kind, rows in made:
            self._rows[kind].append(rows_of(rows.detach()).float().cpu().clone())
            while len(self._rows[kind]) > 1 and sum(map(len, self._rows[kind][1:])) >= ROWS[kind]:
                self._rows[kind].pop(0)

    def over(self) -> None:
        """Hear no more."""
        self._hearing.close()

    def compared(self) -> dict[str, float]:
        """`covered`, the share of real rows with a made one as near as their neighbors, and `spread`; {} if too few.

        `spread` is the logarithm of the determinant of the covariance of made rows over that of real ones, by
        dimension: 0 where they are spread alike, far under it where all made rows are nearly the same.
        """
        real, made = (
            torch.cat(rows)[-ROWS[kind] :] if rows else torch.empty(0, 1) for kind, rows in self._rows.items()
        )
        if min(len(real), len(made)) < LEAST or real.shape[1] != made.shape[1] or not bool(torch.isfinite(made).all()):
            return {}
        real, made = real.double(), made.double()
        center = real.mean(0)
        _, sizes, axes = torch.linalg.svd(real - center, full_matrices=False)
        kept = axes[: min(DIMENSIONS, int((sizes > 1e-6 * sizes[0]).sum()))].T
        real, made = (real - center) @ kept, (made - center) @ kept
        neighbors = min(len(real) - 1, round(NEIGHBORS * len(real) / len(made)))
        radius = torch.cdist(real, real).sort(1).values[:, neighbors]
        covered = (torch.cdist(real, made).min(1).values <= radius).double().mean()
        least = 1e-12 * real.var(0).sum()
        sizes = torch.logdet(_covariance(made, least)) - torch.logdet(_covariance(real, least))
        return {"covered": float(covered), "spread": float(sizes) / kept.shape[1]}

    def _heard(self, module: nn.Module, call: calls.Call, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        if LOOKING.get() or self._depth or (self._maker is not None and module is not self._maker):
            return call(*args, **kwargs)
        self._depth += 1
        try:
            output = call(*args, **kwargs)
        finally:
            self._depth = 0
        if isinstance(output, Tensor) and output.ndim >= 2 and module is not self._model:
            self._made = [*self._made[1 - LAST_MADE :], (module, output.detach())]
        return output

    def _parts(self, batch: Tensor) -> list[tuple[str, Tensor]]:
        """The rows of a batch that were made, and those that were not."""
        for module, made in reversed(self._made):
            place = _place(made, batch)
            if place is None:
                continue
            if self._maker is None and not batch.is_leaf:
                self._maker = module
                self._hearing.close()
                self._hearing.enter_context(calls.heard(type(module), self._heard))
            others = torch.cat([batch[: place.start], batch[place.stop :]])
            return [("made", batch[place])] + ([("real", others)] if len(others) else [])
        return [("real" if batch.is_leaf else "made", batch)]


def _place(made: Tensor, batch: Tensor) -> slice | None:
    """Where in a batch the rows lie that were made: all of it, its beginning or its end; None where they do not."""
    count = len(made)
    if made.shape[1:] != batch.shape[1:] or count > len(batch) or made.device != batch.device:
        return None
    ends = (slice(0, count), slice(len(batch) - count, len(batch)))
    return next((one for one in ends if torch.equal(batch[one].detach(), made)), None)


def _covariance(rows: Tensor, least: Tensor) -> Tensor:
    spread: Tensor = torch.atleast_2d(torch.cov(rows.T))
    return spread + least * torch.eye(rows.shape[1], dtype=rows.dtype)
