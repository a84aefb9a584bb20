"""What the optimizer was told, and which layers randomly drop what they are given."""

from __future__ import annotations

from typing import Any

from torch import nn

from stepwell.doctor.first import First

READ = ("lr", "momentum", "weight_decay", "eps", "betas", "nesterov")


def look(first: First) -> dict[str, Any]:
    """`optimizer`, `learning_rate` and more of its first group; `dropout`, the largest share; kinds of layers."""
    group = first.optimizer.param_groups[0]
    read = {name: group[name] for name in READ if name in group}
    rate = float(read.pop("lr", 0.0))
    settings = {
        name: list(map(float, one)) if isinstance(one, tuple | list) else float(one) for name, one in read.items()
    }
    drops = [float(one.p) for one in first.model.modules() if isinstance(one, nn.modules.dropout._DropoutNd)]
    kinds = {type(one).__name__ for one in first.model.modules()}
    return {
        "optimizer": type(first.optimizer).__name__,
        "learning_rate": rate,
        "optimizer_settings": settings,
        "dropout": max(drops, default=0.0),
        "attention": any("Attention" in one or "Transformer" in one for one in kinds),
        "recurrent": any(isinstance(one, nn.RNNBase) for one in first.model.modules()),
        "norms": sum("Norm" in type(one).__name__ for one in first.model.modules()),
    }
