"""A learning rate too high: every step overshoots.

The gradient says which way is down, not how far. The learning rate decides that. If a step changes the weights by a
large part of their size, it lands on the other side of the valley, higher than before, and the next one throws it
farther still. The loss jumps, and often units die on the way.

The network beside it takes steps a three-hundredth as long: about one part in a hundred of the weights.

Remember: look at the size of an update over the size of the weights. Around a hundredth to a thousandth is healthy;
a tenth and more in the first steps is too much.
"""

DIAGNOSIS = "lr_too_high"
TASK = "table"
SETTINGS = {"optimizer.name": "adam", "optimizer.learning_rate": 0.003, "budget.epochs": 8}
PICTURES = ("updates",)
