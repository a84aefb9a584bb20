"""Vanishing gradients: why ten layers of sigmoids do not learn.

A network learns by telling each layer how the loss would change if that layer's weights did. The message passes
backward through all layers above, and each of them multiplies it by the slope of its activation. A sigmoid's slope is a
quarter at best. After ten of them, less than a millionth is left, and the first layers do not hear a thing.

The network beside it has as many layers, of rectifiers: their slope is 1 wherever they are awake. Its first
weights are drawn so that signals neither fade nor grow from layer to layer.

Remember: where the first layers' gradients are a thousand times smaller than the last one's, look at the activation
and at the first weights before you look at anything else.
"""

DIAGNOSIS = "vanishing_gradient"
TASK = "table"
SETTINGS = {
    "model.widths": (32,) * 10,
    "model.activation": "relu",
    "model.initialization": "he",
    "optimizer.learning_rate": 0.001,
    "budget.epochs": 8,
}
PICTURES = ("gradients",)
