"""Long short-term memory (Hochreiter and Schmidhuber, Neural Computation, 1997), in both directions."""

from __future__ import annotations

from torch import nn

from stepwell.schema import Schema
from stepwell.tasks.sentiment.recurrence import Options, Recurrent

__all__ = ["Options", "build"]


def build(options: Options, schema: Schema) -> Recurrent:
    """From `(batch, time)` token numbers and `(batch,)` lengths to logits `(batch, classes)`."""
    return Recurrent(options, schema, nn.LSTM)
