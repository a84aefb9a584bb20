"""The task's own `auto` values: the loss, which follows from what is asked for, a class or a number."""

from __future__ import annotations

from typing import Any

from stepwell.preparation import Prepared
from stepwell.recipe import Recipe


def choose(recipe: Recipe, train: Prepared, valid: Prepared, seed: int) -> dict[str, tuple[Any, str]]:
    """`loss.name` where it is `auto`, with the reason in a sentence: cross-entropy for classes, squares for numbers."""
    if recipe.name("loss") != "auto":
        return {}
    if "label" in train.columns:
        return {"loss.name": ("cross_entropy", "the target is a class")}
    return {"loss.name": ("mse", "the target is a number, judged by its squared error")}
