"""What a network makes of held-out data, by the loss function and the data that its user gives."""

from __future__ import annotations

import itertools
import math
import operator
from collections.abc import Callable, Iterator
from typing import Any

from torch import Tensor, nn

from stepwell.doctor import probe
from stepwell.doctor.tape import Replay, mapped, tensors

ROWS = 512  # of held-out data at most
EXACTLY = 1e-4  # what a ratio of losses may be off a whole number


def judged(
    model: nn.Module, loss_fn: Callable[..., Tensor], data: tuple[Any, Any], size: int, most: int
) -> dict[str, Any]:
    """`valid_loss`, and where targets are classes what `probe.right` tells, of `most` batches of `size` rows.

    `data` are inputs and targets; ValueError where they are empty.
    """
    answers, truth, losses, count = list[Tensor](), list[Tensor](), 0.0, 0
    for inputs, targets, rows in itertools.islice(_in_batches(*data, size), most):
        outputs = model(*(inputs if isinstance(inputs, tuple) else (inputs,)))
        losses, count = losses + rows * float(loss_fn(outputs, targets)), count + rows
        answers += tensors(outputs)[:1]
        truth += tensors(targets)[:1]
    told = {f"valid_{name}": value for name, value in probe.right(answers, truth).items()}
    return {"valid_loss": losses / count, **told}


def divided_by(loss_fn: Callable[..., Tensor], replay: Replay) -> int:
    """What the loss of a batch is divided by before `backward`, as where gradients accumulate; else 1."""
    ratio = float(loss_fn(replay.answer, replay.targets)) / (float(replay(replay.outputs)) or math.inf)
    parts = round(ratio) if math.isfinite(ratio) else 1
    return parts if parts > 1 and abs(ratio / parts - 1) < EXACTLY else 1


def _in_batches(inputs: Any, targets: Any, size: int) -> Iterator[tuple[Any, Any, int]]:
    """The first `ROWS` of held-out data, `size` at a time; all at once where not all have their rows first."""
    lengths = {len(one) if one.ndim else 0 for one in tensors((inputs, targets))}
    if any(one.numel() == 0 for one in tensors((inputs, targets))):
        raise ValueError("the held-out data is empty")
    total = min(lengths.pop(), ROWS) if len(lengths) == 1 else 0
    for first in range(0, max(total, 1), size):
        stop = min(first + size, total) if total else ROWS
        here = operator.itemgetter(slice(first, stop))
        yield mapped(inputs, here), mapped(targets, here), stop - first
