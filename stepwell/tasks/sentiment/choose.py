"""The task's own `auto` values: which encoder a pretrained network is built on, and what reads words in their order."""

from __future__ import annotations

from typing import Any

import numpy as np

from stepwell.preparation import Prepared
from stepwell.recipe import Recipe

SHORT = 64
"""Tokens of a text, on average, up to which recurrence takes no longer than convolution."""


def choose(recipe: Recipe, train: Prepared, valid: Prepared, seed: int) -> dict[str, tuple[Any, str]]:
    """`model.encoder` and `model.deep` where they are `auto`, each with the reason in a sentence."""
    del valid, seed
    options = recipe.options("model")
    found: dict[str, tuple[Any, str]] = {}
    named = recipe.options("prepare").encoder
    if getattr(options, "encoder", None) == "auto" and named is not None:  # without one `build` says what is missing
        found["model.encoder"] = (named, "its tokenizer cuts the texts")
    if getattr(options, "deep", None) == "auto":
        tokens = float(np.mean([len(one) for one in train.columns["tokens"]]))
        short = tokens <= SHORT
        reason = f"training texts have {tokens:.0f} tokens on average; recurrence takes long for more than {SHORT}"
        found["model.deep"] = ("gru" if short else "text_cnn", reason)
    return found
