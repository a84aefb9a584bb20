"""Is the network more than one linear map? The answer halfway between two inputs against half of both answers."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import torch

from stepwell.doctor.first import First
from stepwell.doctor.layers import Reader
from stepwell.doctor.tape import mapped


def look(first: First) -> dict[str, Any]:
    """`linear_deviation`: ||f(mid) - mean f|| over ||f(a) - f(b)||, before the network's last activation; or {}.

    Left out for inputs that are no floating-point numbers (tokens), and where the answers do not differ.
    """
    example, matrices = first.example, sum(one.ndim >= 2 for one in first.model.parameters())
    half = example.rows // 2
    if half < 4 or not all(one.is_floating_point() for one in example.inputs):
        return {"matrices": matrices}
    rows = example.rows

    def part(which: int) -> Any:
        def cut(one: torch.Tensor) -> torch.Tensor:
            if not one.ndim or one.shape[0] != rows:
                return one
            a, b = one[:half], one[half : 2 * half]
            return (a, b, (a + b) / 2)[which]

        return mapped((example.args, example.kwargs), cut)

    answers = []
    with torch.no_grad():
        for which in range(3):
            args, kwargs = part(which)
            reader = Reader(first.model)
            with reader:
                output = replace(example, args=args, kwargs=kwargs).outputs(first.model)[0]
            answers.append(_before_last(reader, output))
    a, b, middle = answers
    apart = float((a - b).norm())
    if apart == 0 or not torch.isfinite(middle).all():
        return {"matrices": matrices}
    return {"matrices": matrices, "linear_deviation": float((middle - (a + b) / 2).norm()) / apart}


def _before_last(reader: Reader, output: torch.Tensor) -> torch.Tensor:
    """The output before its last activation where that is elementwise, so that a squashing output hides nothing."""
    answer = output.float()
    if reader.layers and reader.maker(output) == reader.layers[-1].function:
        before = reader.layers[-1].before
        if before is not None and before.numel() == answer.numel():
            return before.reshape(answer.shape)
    if reader.maker(output) in ("softmax", "log_softmax"):
        # up to a constant per row, the logarithm undoes a softmax
        logs = answer if answer.max() <= 0 else answer.clamp_min(1e-30).log()
        return logs - logs.mean(-1, keepdim=True)
    return answer
