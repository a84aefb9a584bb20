"""From the method of the shelf `imbalance` that a recipe names to what training does: rows shown, weights, offsets."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any, cast

import numpy as np
import torch
from torch import Tensor, nn

from stepwell import preparation
from stepwell.errors import RecipeError
from stepwell.feed import EACH_ONCE, Showing
from stepwell.imbalance import Balance, Labels
from stepwell.recipe import Recipe
from stepwell.schema import Columns, Field, Schema

if TYPE_CHECKING:
    from stepwell.building import Data

SECTION = "imbalance"
NONE = "none"


def showing(recipe: Recipe, data: Data) -> Showing:
    """Which training rows an epoch shows, and their weights; `RecipeError` where the data have no classes."""
    if not _asked(recipe):
        return EACH_ONCE
    found = _balance(recipe, data)
    return Showing(found.draw, found.shown, found.weight)


def forward(recipe: Recipe, data: Data, model: nn.Module) -> nn.Module:
    """What the loss calls in place of `model`: itself, or itself with an offset on its logits."""
    if not _asked(recipe):
        return model
    offset = _balance(recipe, data).offset
    if offset is None:
        return model
    return Adjusted(model, torch.from_numpy(offset.astype(np.float32)))


def with_made(recipe: Recipe, data: Data) -> Data:
    """The data with the rows that the method makes of others; `RecipeError` where it cannot make such examples."""
    if not _asked(recipe) or not hasattr(recipe.module(SECTION), "synthesize"):
        return data
    module, schema = recipe.module(SECTION), data.preparation.schema
    if not takes(module, schema) or "train" not in data.prepared:
        kinds = ", ".join(sorted({field.kind for field in schema.inputs}))
        raise RecipeError(
            f"{recipe.name(SECTION)} makes rows of {' and '.join(module.TAKES)} columns that lie in memory; "
            f"these examples are of kind {kinds}, prepared {'in memory' if data.prepared else 'batch by batch'}.",
            where=SECTION,
            do="choose another --imbalance, for instance over_sampling",
        )
    labels = _labels(data)
    columns = data.prepared["train"].columns
    made: Columns = module.synthesize(recipe.options(SECTION), columns, labels, schema, recipe.values["seed"])
    return replace(data, made=made)


def takes(module: Any, schema: Schema) -> bool:
    """Whether a method can be used on examples of this schema."""
    kinds = getattr(module, "TAKES", None)
    return kinds is None or all(field.kind in kinds for field in schema.inputs)


def classes_of(schema: Schema) -> Field:
    """The target whose classes may be of unequal size; `RecipeError` where there is none."""
    target = schema.targets[0] if schema.targets else None
    if target is None or target.kind != "category" or target.shape or not target.classes:
        raise RecipeError(
            "There are no classes here that could be of unequal size: what is answered is "
            f"{'nothing' if target is None else f'a {target.kind}'}.",
            where=SECTION,
            do="leave out --imbalance",
        )
    return target


def fed(data: Data) -> tuple[Columns, tuple[str, ...]]:
    """The columns and ids that the feed shows of a training part in memory: its own, then those that were made."""
    part = data.prepared["train"]
    if not data.made:
        return part.columns, part.ids
    count = len(next(iter(data.made.values())))
    columns = preparation.concatenate([{name: part.columns[name] for name in data.made}, data.made])
    return columns, (*part.ids, *(f"\0made {number}" for number in range(count)))


class Adjusted(nn.Module):
    """A network that answers its logits plus a constant a class, on whatever it is called with."""

    def __init__(self, network: nn.Module, offset: Tensor) -> None:
        super().__init__()
        self.network = network
        self.register_buffer("offset", offset.to(next(network.parameters()).device))

    def forward(self, *inputs: Tensor) -> Tensor:
        """Logits `(batch, …, classes)`."""
        logits: Tensor = self.network(*inputs)
        return logits + cast("Tensor", self.offset)


def _asked(recipe: Recipe) -> bool:
    return SECTION in recipe.values and recipe.name(SECTION) != NONE


def _balance(recipe: Recipe, data: Data) -> Balance:
    labels = _labels(data)
    target = data.preparation.schema.targets[0]
    if data.made:
        labels = np.concatenate([labels, cast("Labels", data.made[target.name])])
    balance: Balance = recipe.module(SECTION).balance(
        recipe.options(SECTION), labels, len(target.classes), recipe.values["seed"]
    )
    return balance


def _labels(data: Data) -> Labels:
    """The class numbers of the training rows `(n,)`, as often as an epoch shows each."""
    schema = data.preparation.schema
    target = classes_of(schema)
    if "train" in data.prepared:
        return np.asarray(data.prepared["train"].columns[target.name], dtype=np.int64)
    places: Mapping[str, int] = {name: place for place, name in enumerate(target.classes)}
    facts = data.examples.facts["label"]
    once = np.asarray([places[str(facts[index])] for index in data.parts["train"]], dtype=np.int64)
    return np.tile(once, max(1, data.preparation.views))
