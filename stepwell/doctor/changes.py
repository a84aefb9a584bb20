"""What can be changed about a training, in the words of recipes: to make a healthy one ill, or an ill one well.

Settings are flat, by dotted path as `recipe.flat` gives them ("optimizer.learning_rate"), so that the same change can
be made to a recipe and to any program that is described in these words.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from stepwell.recipe import Recipe, with_values

Settings = Mapping[str, Any]
"""Dotted paths to values."""


@dataclass(frozen=True)
class Change:
    """Other values of some settings, and why; `name` says which remedy it is of.

    A `structural` one is tried from the first weights on, others also from later ones. One that ends a leak is not
    judged `by_gain`: the score falls, and should.
    """

    values: Settings
    why: str
    name: str = ""
    structural: bool = True
    by_gain: bool = True

    def of(self, recipe: Recipe) -> Recipe:
        """The recipe so changed; RecipeError where a value does not fit it."""
        return with_values(recipe, {path: (value, self.why) for path, value in self.values.items()})


@dataclass(frozen=True)
class DataFault:
    """A fault in the data, by the name of its diagnosis; `amount` is the share or the factor that it is made with."""

    kind: str
    amount: float = 1.0


@dataclass(frozen=True)
class ProgramFault:
    """A fault in the code around model, objective or optimizer, by the name of its diagnosis; no recipe can have it."""

    kind: str


Fault = Change | DataFault | ProgramFault


def change(settings: Settings, values: Settings, why: str) -> Change | None:
    """A change of those values; None where one of them is no setting here, or all are so already."""
    if not values.keys() <= settings.keys() or all(settings[path] == value for path, value in values.items()):
        return None
    return Change(values, why)


def rate_times(settings: Settings, factor: float, why: str) -> Change | None:
    """Another learning rate, `factor` times as high, of two digits."""
    rate = settings.get("optimizer.learning_rate")
    if not isinstance(rate, int | float):
        return None
    return Change({"optimizer.learning_rate": float(f"{rate * factor:.2g}")}, why)
