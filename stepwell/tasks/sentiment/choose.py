"""The task's own `auto` values: a pretrained network's encoder and pooling, and what reads words in their order."""

from __future__ import annotations

from typing import Any

import numpy as np

from stepwell.preparation import Prepared
from stepwell.recipe import Recipe

SHORT = 64
"""Tokens of a text, on average, up to which recurrence takes no longer than convolution."""

KEPT = 80_000
"""Tokens of the training texts, in all, of which an encoder's states are kept: of MiniLM some 8 kB each."""


def choose(recipe: Recipe, train: Prepared, valid: Prepared, seed: int) -> dict[str, tuple[Any, str]]:
    """`model.encoder`, `model.pooling` and `model.deep` where they are `auto`, each with the reason in a sentence."""
    del valid, seed
    options = recipe.options("model")
    found: dict[str, tuple[Any, str]] = {}
    named = recipe.options("prepare").encoder
    if getattr(options, "encoder", None) == "auto" and named is not None:  # without one `build` says what is missing
        found["model.encoder"] = (named, "its tokenizer cuts the texts")
    if getattr(options, "pooling", None) == "auto":
        found["model.pooling"] = _pooling(getattr(options, "tune", 0), sum(map(len, train.columns["tokens"])))
    if getattr(options, "deep", None) == "auto":
        tokens = float(np.mean([len(one) for one in train.columns["tokens"]]))
        short = tokens <= SHORT
        reason = f"training texts have {tokens:.0f} tokens on average; recurrence takes long for more than {SHORT}"
        found["model.deep"] = ("gru" if short else "text_cnn", reason)
    return found


def _pooling(learning: int, tokens: int) -> tuple[str, str]:
    """How the states of a pretrained network's tokens are pooled, where `learning` of its layers learn."""
    if learning:
        return "mean", "layers of the encoder learn, and put into the means what they are to tell"
    said = f"training texts have {tokens:,} tokens in all, whose states are kept up to {KEPT:,}"
    return ("attention" if tokens <= KEPT else "mean"), said
