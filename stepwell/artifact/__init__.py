"""The artifact: what a training hands over, its export and gate, and the Predictor that runs it without torch."""
