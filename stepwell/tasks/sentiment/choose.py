"""The task's own `auto` values: which encoder a pretrained network is built on."""

from __future__ import annotations

from typing import Any

from stepwell.preparation import Prepared
from stepwell.recipe import Recipe


def choose(recipe: Recipe, train: Prepared, valid: Prepared, seed: int) -> dict[str, tuple[Any, str]]:
    """`model.encoder` where it is `auto`, with the reason in a sentence."""
    del train, valid, seed
    named = recipe.options("prepare").encoder
    if getattr(recipe.options("model"), "encoder", None) != "auto" or named is None:
        return {}  # without a name `build` says what is missing
    return {"model.encoder": (named, "its tokenizer cuts the texts")}
