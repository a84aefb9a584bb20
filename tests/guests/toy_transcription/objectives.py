"""What is minimized: CTC (Graves et al., 2006), over the true number of letters."""

from __future__ import annotations

from torch import nn
from torch.nn import functional

from stepwell.recipe import Recipe
from stepwell.schema import Batch, Loss, Objective, Schema, Term


def objectives(recipe: Recipe, schema: Schema) -> tuple[Objective, ...]:
    """The one objective; its term counts letters, so that long words weigh as their letters do."""

    def loss(model: nn.Module, batch: Batch) -> Loss:
        scores, frames = model(batch.fields["signal"], batch.lengths["signal"])
        letters, lengths = batch.fields["letters"], batch.lengths["letters"]
        scores = scores.transpose(0, 1)
        total = functional.ctc_loss(scores, letters, frames, lengths, reduction="sum", zero_infinity=True)
        return Loss({"ctc": Term(total, float(lengths.sum()))})

    def counts(batch: Batch) -> dict[str, float]:
        return {"ctc": float(batch.lengths["letters"].sum())}

    return (Objective("model", lambda model: model.parameters(), loss, counts=counts),)
