"""What a network of texts begins with besides chance: word vectors of skip-gram, where the model is told so.

`--model.vectors skipgram` trains them on the training part, `skipgram:FILE` on that and on the texts of a file, which
need no label (all that predict takes). Nothing of the validation and test parts is read.
"""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
import torch
from torch import nn

from stepwell import preparation
from stepwell.errors import RecipeError
from stepwell.preparation import Preparation, Prepared
from stepwell.recipe import Recipe
from stepwell.tasks.sentiment import skipgram, vectors
from stepwell.tasks.sentiment.transforms.look_up import FIRST
from stepwell.tasks.sentiment.unlabeled import inputs

_CHUNK = 1000  # further texts prepared at a time
_SHOWN = 3


def begin(
    model: nn.Module, recipe: Recipe, prepared_by: Preparation, train: Iterable[Prepared], seed: int
) -> list[str]:
    """Fill the vectors of the tokens, where that is asked for; says what they are, in sentences.

    `RecipeError` where the network has no table of a vector a token.
    """
    wanted = str(getattr(recipe.options("model"), "vectors", None) or "")
    if not vectors.wanted_here(wanted):
        return []
    file = wanted.partition(":")[2]
    field = prepared_by.schema.inputs[0]
    count = field.levels[0]
    table = next(
        (one for one in model.modules() if isinstance(one, nn.Embedding) and one.num_embeddings == count), None
    )
    if table is None:
        raise RecipeError("The network has no vectors of words to train.", where="model.vectors", do="leave it out")
    texts = [np.asarray(one) for piece in train for one in piece.columns[field.name]]
    own = len(texts)
    if file:
        texts += _further(file, prepared_by, field.name)
    settings = skipgram.Settings(width=table.embedding_dim)
    numbers = [np.where(text >= FIRST, text - FIRST, -1) for text in texts]
    found = skipgram.train(numbers, count - FIRST, settings, seed)
    there = found.any(axis=1)
    spread = float(table.weight.detach()[FIRST:].std())
    scaled = torch.from_numpy(found * np.float32(spread / max(float(found[there].std()), 1e-12)))
    with torch.no_grad():
        table.weight[FIRST:][torch.from_numpy(there)] = scaled[torch.from_numpy(there)]
    further = f" and {len(texts) - own:,} of {file}" if file else ""
    return [
        f"vectors of {int(there.sum()):,} tokens trained by skip-gram on {own:,} training texts{further}",
        *_neighbors(found, field.classes[FIRST:]),
    ]


def _further(file: str, prepared_by: Preparation, name: str) -> list[np.ndarray]:
    examples = inputs(file)
    texts: list[np.ndarray] = []
    for start in range(0, len(examples), _CHUNK):
        raw = examples.fetch(range(start, min(start + _CHUNK, len(examples))), None)
        columns, _ = preparation.run(prepared_by, raw)
        texts += [np.asarray(one) for one in columns[name]]
    return texts


def _neighbors(found: vectors.Matrix, words: tuple[str, ...]) -> list[str]:
    """The nearest words of a few common ones of some length, in a sentence."""
    common = [word for word in words[:300] if len(word) > 3 and word.isalpha()][:_SHOWN]
    said = [f"{word}: {', '.join(one for one, _ in vectors.neighbors(found, words, word, 4))}" for word in common]
    return [f"nearest words: {'; '.join(said)}"] if said else []
