"""A learning rate too low: it moves, and gets nowhere.

Nothing breaks when steps are far too short. The loss falls a little, steadily, and looks as if it only needed time.
But after all those updates the weights are nearly where they began: the network has not learnt badly, it has hardly
learnt at all.

The network beside it takes steps ten thousand times as long, and is done before the other has begun.

Remember: add up how far the weights have moved. A network that has learnt something has moved its fastest matrix by a
fifth of its size or more; one that has moved it by a hundredth cannot have.
"""

DIAGNOSIS = "lr_too_low"
TASK = "table"
SETTINGS = {"optimizer.name": "adam", "optimizer.learning_rate": 0.003, "budget.epochs": 8}
PICTURES = ("updates",)
