"""Underfitting: a network too small for what it is to learn.

Whatever a network knows of its input has to pass each of its layers. A layer of one unit lets one number through. That
is enough to order the examples along a line, and no more: what needs two numbers to be told apart comes out as one
thing, and all the layers after it, and all the updates in the world, cannot part it again. The loss stops at a level
well above nothing, for training and for new data alike: that both are bad is how one knows it from overfitting.

The network beside it has room for sixty-four numbers in each layer.

Remember: before you regularize, make sure that the network can learn a few examples by heart. If it cannot, it is too
small, or something is broken.
"""

DIAGNOSIS = "underfit_capacity"
TASK = "image_classification"
SETTINGS = {
    "model": "mlp",
    "model.widths": (64, 64),
    "model.activation": "tanh",
    "optimizer": "adam",
    "optimizer.learning_rate": 0.002,
    "budget.epochs": 10,
}
PICTURES = ("held_out",)
