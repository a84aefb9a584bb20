"""Networks from a picture to one logit a class; besides these, every backbone of the shelf with this task's head."""
