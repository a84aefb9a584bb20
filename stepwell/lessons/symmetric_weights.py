"""Symmetric weights: why a network must not begin with all its numbers alike.

Give every weight of a layer the same value, zero for instance. Then all its units get the same input, answer the same,
and hear the same gradient; so they take the same step, and are alike again. A layer of sixty-four units that are alike
for ever is a layer of one. With zeros it is worse: the layer above multiplies what it hears by zero and passes nothing
on at all.

The network beside it begins with random weights, drawn so that signals keep their size from layer to layer (He et al.,
ICCV 2015).

Remember: biases may begin at zero, and the last layer may. Hidden weights must differ, and how much they differ should
follow from the number of inputs.
"""

DIAGNOSIS = "symmetric_init"
TASK = "table"
SETTINGS = {
    "model.widths": (64, 64),
    "model.initialization": "he",
    "optimizer.learning_rate": 0.003,
    "budget.epochs": 8,
}
PICTURES = ("held_out",)
