"""The task's own `auto` values: which encoder a pretrained network is built on."""

from __future__ import annotations

from typing import Any

from stepwell.errors import RecipeError
from stepwell.preparation import Prepared
from stepwell.recipe import Recipe


def choose(recipe: Recipe, train: Prepared, valid: Prepared, seed: int) -> dict[str, tuple[Any, str]]:
    """`model.encoder` where it is `auto`, with the reason in a sentence; RecipeError where none was named."""
    del train, valid, seed
    if getattr(recipe.options("model"), "encoder", None) != "auto":
        return {}
    named = recipe.options("prepare").encoder
    if named is None:
        raise RecipeError(
            "No encoder is named.", where="model.encoder", do="use --recipe pretrained --prepare.encoder FOLDER"
        )
    return {"model.encoder": (named, "its tokenizer cuts the texts")}
