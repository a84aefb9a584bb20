"""A loss that the model computes itself: what its loss functions are given is taken for the answer.

Such a model gives its loss among its outputs, and the way there lies inside its own call. The model is called once
more, beside the training, and recorded from the first loss function of the library on.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import torch
from torch import Tensor, nn

from stepwell.doctor.tape import Replay, Tape, floating

LOSSES = frozenset(
    {"cross_entropy", "nll_loss", "binary_cross_entropy", "binary_cross_entropy_with_logits", "kl_div", "ctc_loss"}
    | {"mse_loss", "l1_loss", "smooth_l1_loss", "huber_loss", "poisson_nll_loss", "gaussian_nll_loss"}
    | {"multi_margin_loss", "multilabel_margin_loss", "multilabel_soft_margin_loss", "hinge_embedding_loss"}
)


class Within(Tape):
    """Records from the first loss function on; its `outputs` are what loss functions are given first."""

    def __init__(self, parameters: frozenset[int] = frozenset()) -> None:
        super().__init__((), parameters)

    def __torch_function__(
        self, func: Callable[..., Any], types: Any, args: tuple[Any, ...] = (), kwargs: Mapping[str, Any] | None = None
    ) -> Any:
        """Make the call; one of a loss function makes its first argument an answer."""
        if getattr(func, "__name__", "") in LOSSES:
            given = floating((args, kwargs or {}))
            if given and not self.knows(given[0]):
                self.admit(given[0])
        if not self.outputs:
            return func(*args, **(kwargs or {}))
        return super().__torch_function__(func, types, args, kwargs)


def answers(model: nn.Module, args: tuple[Any, ...], kwargs: Mapping[str, Any]) -> list[Tensor]:
    """What a model gives to the loss functions inside it."""
    with Within() as tape:
        model(*args, **kwargs)
    return list(tape.outputs)


def traced(model: nn.Module, args: tuple[Any, ...], kwargs: Mapping[str, Any], after: Replay) -> Replay | None:
    """The calls from the answer inside a model to the loss that it gives, and those `after` it up to `backward`.

    None where no loss function of the library leads to that loss.
    """
    with torch.enable_grad(), Within(frozenset(id(one) for one in model.parameters())) as tape:
        output = model(*args, **kwargs)
    given = floating(output)
    number = after.used[0] if after.used else after.places.index(after.loss)
    inner = tape.ended(given[number]) if number < len(given) and tape.outputs else None
    return inner.followed_by(after) if inner is not None else None
