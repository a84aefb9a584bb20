"""Dead units: when no sample wakes a rectifier any more.

A rectifier answers 0 to whatever lies below zero, and where it answers 0, no gradient passes. A unit
that answers 0 to every sample can therefore never change again: it is dead. Here the first biases lie so low that
all units begin dead, which too high a learning rate does to a healthy network just as well.

The network beside it begins with biases of 0: about half of the samples wake each unit, and it learns.

Remember: a layer of which nearly all units are silent on all samples carries nothing. Ask first what silenced it, the
biases or a step that was too long, and only then whether another activation would help.
"""

DIAGNOSIS = "dead_relu"
TASK = "table"
SETTINGS = {
    "model.widths": (64, 64),
    "model.initialization": "he",
    "optimizer.learning_rate": 0.001,
    "budget.epochs": 8,
}
PICTURES = ("dead",)
