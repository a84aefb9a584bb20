"""The loss of the best constant prediction, under whatever loss the user computes: what learning must beat.

A vector that answers the same to every sample is fitted through the recorded calls from outputs to loss, by Adam on
the scale of the targets; where the network's last call has a range, the vector goes through the same call. Where the
loss is made of several outputs (a VAE's), each has a vector of its own.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from stepwell.doctor.first import Example, First
from stepwell.doctor.tape import Replay
from stepwell.optimizers import light

STEPS = 250
ENOUGH, PATIENCE = 1e-4, 12  # the fit ends where so many steps gain less than that share
EXAMPLES = 8
LAST = {"sigmoid": torch.sigmoid, "tanh": torch.tanh, "relu": torch.relu}


def look(first: First) -> dict[str, Any]:
    """`constant`, `initial_loss`, `zero_loss` and `uniform_loss`, means over the first batches; None where unknown."""
    examples = [one for one in first.examples if one.replay.used and not one.replay.foreign and not one.replay.within]
    examples = examples[:: max(1, len(examples) // EXAMPLES)]
    with torch.no_grad():
        initial = _mean([one.loss(first.model) for one in first.examples])
    facts: dict[str, Any] = {"initial_loss": initial, "constant": None, "zero_loss": None, "uniform_loss": None}
    if not examples:
        return facts
    if len(examples[0].replay.used) == 1:
        with torch.no_grad():
            facts["zero_loss"] = _mean([one.replay.of(torch.zeros_like(one.replay.answer)) for one in examples])
            width = examples[0].replay.answer.shape[-1] if examples[0].replay.answer.ndim else 1
            (place,) = examples[0].replay.used
            logs = place < len(first.makers) and first.makers[place] == "log_softmax"
            even = -math.log(width) if logs else 1.0 / width
            facts["uniform_loss"] = _mean([one.replay.of(torch.full_like(one.replay.answer, even)) for one in examples])
    facts["constant"] = best_constant(examples, first.makers)
    return facts


@dataclass
class _Constant:
    """One output of the model, the same for every sample: `start` + `scale` * `move`, through the network's last call.

    `move` is what is learnt; its shape is that of the output without the samples (and without positions, where there
    are several dimensions and no targets of the same shape).
    """

    place: int
    maker: str
    start: Tensor
    scale: float
    move: Tensor

    def like(self, output: Tensor) -> Tensor:
        """The constant in the shape of an output."""
        return _shaped(self.start + self.scale * self.move, self.maker).expand_as(output)


def best_constant(examples: Sequence[Example], makers: Sequence[str], steps: int = STEPS) -> float | None:
    """The least mean loss that constant answers reach on the examples; None where none is finite.

    Every output that the loss is made of becomes a constant of its own.
    """
    used = examples[0].replay.used
    constants = [_begun(examples, place, makers[place] if place < len(makers) else "") for place in used]
    optimizer = light(torch.optim.Adam)([one.move for one in constants], lr=0.1)
    best, since = math.inf, 0
    for _ in range(steps):
        total = torch.stack([_answered(one.replay, constants) for one in examples]).mean()
        if not torch.isfinite(total):
            break
        now = float(total.detach())
        since = 0 if now < best - ENOUGH * abs(best) else since + 1
        best = min(best, now)
        if not total.requires_grad or since >= PATIENCE:
            break
        optimizer.zero_grad()
        total.backward()
        optimizer.step()
    return best if math.isfinite(best) else None


def _begun(examples: Sequence[Example], place: int, maker: str) -> _Constant:
    """Where the fit begins: at the mean of the targets if they are numbers like this output, else at zero."""
    output, targets = examples[0].replay.outputs[place], examples[0].replay.targets
    like = targets is not None and targets.is_floating_point() and targets.numel() == output.numel()
    shape = output.shape[1:] if like or output.ndim <= 2 else output.shape[-1:]
    start, scale = torch.full(shape, 1.0 if maker == "relu" else 0.0), 1.0  # at 0 a rectifier has no gradient
    if like and maker not in ("sigmoid", "softmax", "tanh"):
        values = torch.cat([_targets(one).reshape(-1, *output.shape[1:]).float() for one in examples])
        start, scale = values.mean(0), max(float(values.std()), 1e-8)
    start = start.to(output.device)
    return _Constant(place, maker, start, scale, torch.zeros_like(start, requires_grad=True))


def _answered(replay: Replay, constants: Sequence[_Constant]) -> Tensor:
    outputs = list(replay.outputs)
    for one in constants:
        outputs[one.place] = one.like(outputs[one.place])
    return replay(outputs)


def _shaped(answer: Tensor, last_call: str) -> Tensor:
    if last_call in ("softmax", "log_softmax"):
        answer = torch.log_softmax(answer, -1)
        return answer if last_call == "log_softmax" else answer.exp()
    return LAST[last_call](answer) if last_call in LAST else answer


def _targets(example: Example) -> Tensor:
    targets = example.replay.targets
    assert targets is not None
    return targets


def _mean(losses: Sequence[Tensor]) -> float | None:
    return float(torch.stack([one.float() for one in losses]).mean())
