"""Toy GAN: noise in, points of a distribution out.

What it strains: two objectives that take turns (five updates of the critic, one of the generator), a gradient penalty,
no targets, nothing that selects weights, averaged weights that are what is exported, and a network that is exported
and is not the whole model.
"""

from stepwell.task import Task

TASK = Task(
    title="Toy point generation",
    takes="points in the plane",
    gives="new points of the same distribution, from noise",
    metrics=("energy_distance",),
    headline="energy_distance",
    validate=("energy_distance",),
    select=None,
    truth=("point",),
    objectives=("critic", "generator"),
    exempt={
        "overfit": "a generator that repeats eight points has not won the game, and its loss says nothing of it",
        "chance": "the loss of a critic has no value that stands for a guess",
        "bad_file": "all examples lie in one file",
    },
)
